"""The update campaigns of the demo fleet: which there are, and how the update of each thing stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final

from demo.kinds import AIR, CHARGER, CLIMATE, COLD_CHAIN, GATEWAY, PLUG, TRACKER, Kind
from demo.places import FLEET, Place
from models.enums import OtaExecutionStatus as Status


class Course(Enum):
    """How far a campaign, or one phase of it, has come."""

    FINISHED = auto()
    RUNNING = auto()
    WAITING = auto()
    PAUSED = auto()
    ABORTED = auto()


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """One phase: the part of the things up to which it reaches (0 to 1), when it starts (days ago), how far it is."""

    reach: float
    days_ago: float
    course: Course


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """A deployment of a kind's release; without `is_deployment` a job of its own with one artifact."""

    name: str
    kind: Kind
    version: str
    course: Course
    phases: tuple[PhasePlan, ...]
    is_deployment: bool = True

    @property
    def days_ago(self) -> float:
        """When it was created."""
        return max(phase.days_ago for phase in self.phases) + 0.5


ACTIVE: Final = frozenset(list(Status)[:8])
_RUNNING: Final = (PhasePlan(0.1, 4, Course.FINISHED), PhasePlan(0.6, 1, Course.RUNNING))
_TWO_STEPS: Final = (*_RUNNING, PhasePlan(1.0, -2, Course.WAITING))
_NEWEST: Final[Mapping[Kind, tuple[Course, tuple[PhasePlan, ...]]]] = {
    COLD_CHAIN: (Course.RUNNING, _TWO_STEPS),
    CHARGER: (Course.RUNNING, (PhasePlan(1.0, 1.5, Course.RUNNING),)),
    PLUG: (Course.PAUSED, (PhasePlan(0.2, 9, Course.FINISHED), PhasePlan(1.0, 6, Course.PAUSED))),
    GATEWAY: (Course.FINISHED, (PhasePlan(0.1, 30, Course.FINISHED), PhasePlan(1.0, 26, Course.FINISHED))),
    CLIMATE: (Course.ABORTED, (PhasePlan(0.5, 14, Course.ABORTED),)),
    AIR: (Course.WAITING, (PhasePlan(1.0, -3, Course.WAITING),)),
    TRACKER: (Course.RUNNING, (PhasePlan(1.0, 0.4, Course.RUNNING),)),
}
_ROOT_JOBS: Final = (
    CampaignPlan(
        "Workshop: gateways of the van fleet",
        GATEWAY,
        GATEWAY.versions[1],
        Course.FINISHED,
        (PhasePlan(0.15, 45, Course.FINISHED),),
        is_deployment=False,
    ),
    CampaignPlan(
        "Controllers, night window",
        CLIMATE,
        CLIMATE.versions[1],
        Course.RUNNING,
        (PhasePlan(0.2, 0.3, Course.RUNNING),),
        is_deployment=False,
    ),
    CampaignPlan(
        "Air sensors, wrong batch",
        AIR,
        AIR.versions[1],
        Course.ABORTED,
        (PhasePlan(0.1, 20, Course.ABORTED),),
        is_deployment=False,
    ),
)


def plan_campaigns(place: Place) -> list[CampaignPlan]:
    """The campaigns of an organization, oldest first.

    Every kind has been brought from its first version to its second. The root brings each to the third in a different
    course; a site does so for its most frequent kind.
    """
    plans = [
        _campaign(place, kind, kind.versions[1], Course.FINISHED, _finished(90 - 6 * number))
        for number, kind in enumerate(place.kinds)
    ]
    if place is FLEET:
        plans += [_campaign(place, kind, kind.versions[2], *_NEWEST[kind]) for kind in place.kinds]
        plans += _ROOT_JOBS
    else:
        first = max(place.kinds, key=lambda kind: place.kinds[kind])
        plans.append(_campaign(place, first, first.versions[2], Course.RUNNING, _RUNNING))
    return sorted(plans, key=lambda plan: -plan.days_ago)


def _campaign(place: Place, kind: Kind, version: str, course: Course, phases: tuple[PhasePlan, ...]) -> CampaignPlan:
    return CampaignPlan(f"{kind.label} {version}, {place.name}", kind, version, course, phases)


def _finished(days_ago: float) -> tuple[PhasePlan, ...]:
    return (PhasePlan(0.1, days_ago, Course.FINISHED), PhasePlan(1.0, days_ago - 4, Course.FINISHED))


_ENDED: Final = {
    Status.SUCCESS: 90,
    Status.FAILURE: 4,
    Status.ALREADY_INSTALLED: 3,
    Status.REJECTED: 1,
    Status.EXPIRED: 2,
}
_OUTCOMES: Final[Mapping[Course, Mapping[Status, int]]] = {
    Course.FINISHED: _ENDED,
    Course.RUNNING: {
        Status.SUCCESS: 46,
        Status.FAILURE: 4,
        Status.ALREADY_INSTALLED: 2,
        Status.PENDING: 22,
        Status.AWAITING_APPROVAL: 3,
        Status.TRIGGERED: 4,
        Status.STARTED: 4,
        Status.DOWNLOADING: 7,
        Status.INSTALLING: 4,
        Status.REBOOTING: 2,
        Status.DELAYED: 2,
    },
    Course.WAITING: {Status.PENDING: 1},
    Course.PAUSED: {Status.SUCCESS: 35, Status.FAILURE: 9, Status.PENDING: 50, Status.DELAYED: 6},
    Course.ABORTED: {Status.SUCCESS: 30, Status.FAILURE: 22, Status.ABORTED: 48},
}
_CHOICES: Final = {course: (list(weights), list(weights.values())) for course, weights in _OUTCOMES.items()}


def draw_status(course: Course, rng: Random) -> Status:
    """How one thing's update stands in a phase of this course."""
    statuses, weights = _CHOICES[course]
    return rng.choices(statuses, weights)[0]


_FAILURES: Final = (
    "the checksum of the download did not match",
    "not enough free space",
    "the new firmware did not start; rolled back",
    "the battery was too low",
    "the connection was lost for too long",
)
_SUBSTATES: Final[Mapping[Status, tuple[str, ...]]] = {
    Status.DOWNLOADING: ("receiving blocks", "resumed after a cut"),
    Status.INSTALLING: ("writing partition B", "verifying signature"),
    Status.REBOOTING: ("first start of the new firmware",),
    Status.DELAYED: ("waiting for mains power", "outside the maintenance window"),
    Status.FAILURE: _FAILURES,
    Status.REJECTED: ("declined on the device",),
}
_PROGRESS: Final[Mapping[Status, tuple[int, int]]] = {
    Status.STARTED: (0, 5),
    Status.DOWNLOADING: (5, 69),
    Status.INSTALLING: (70, 94),
    Status.REBOOTING: (95, 99),
    Status.FAILURE: (3, 96),
    Status.ABORTED: (0, 40),
    Status.SUCCESS: (100, 100),
    Status.ALREADY_INSTALLED: (100, 100),
}
NEVER_STARTED: Final = frozenset(
    {
        Status.PENDING,
        Status.AWAITING_APPROVAL,
        Status.TRIGGERED,
        Status.NO_ARTIFACT,
        Status.DECOMMISSIONED,
        Status.EXPIRED,
        Status.REJECTED,
        Status.ALREADY_INSTALLED,
    }
)
"""Statuses of executions that no thing has begun to carry out."""


def draw_substate(status: Status, rng: Random) -> str:
    """What the thing says of the status."""
    return rng.choice(_SUBSTATES.get(status, ("",)))


def draw_progress(status: Status, rng: Random) -> int:
    """Percent done."""
    return rng.randint(*_PROGRESS.get(status, (0, 0)))
