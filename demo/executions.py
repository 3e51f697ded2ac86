"""One thing's updates in the campaigns that concern it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from demo.campaigns import NEVER_STARTED, Course, draw_progress, draw_status, draw_substate
from demo.updates import Campaign, Phase
from models.enums import Lifecycle
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from services.execution_moves import ACTIVE

Row = dict[str, Any]
_REMOVED: Final = frozenset({Lifecycle.RETIRED, Lifecycle.UNINSTALLED})


@dataclass(frozen=True, slots=True)
class Subject:
    """The thing that is updated; `is_simulated` when the simulator will report for it."""

    id: Any
    device_type: str
    lifecycle: Lifecycle
    installed_at: datetime | None
    is_simulated: bool


def enrol(subject: Subject, campaign: Campaign, moment: datetime, rng: Random) -> Row | None:
    """The execution of the thing in a campaign, counted in its phase; None when it is not part of the campaign."""
    draw = rng.random()
    if subject.installed_at is None or subject.installed_at > campaign.created_at:
        return None
    phase = campaign.phase_of(draw)
    if phase is None:
        return None
    artifact_id = campaign.artifacts.get(subject.device_type)
    if artifact_id is None and not campaign.plan.is_deployment:
        return None
    status = _status(subject, phase, has_artifact=artifact_id is not None, rng=rng)
    progress = _progress(status, campaign, phase, moment, rng)
    phase.note(status, progress["updated_at"])
    return {
        "id": new_id(),
        "organization_id": campaign.site.id,
        "job_id": phase.id,
        "deployment_id": campaign.deployment_id,
        "thing_id": subject.id,
        "artifact_id": artifact_id,
        **progress,
    }


def _status(subject: Subject, phase: Phase, *, has_artifact: bool, rng: Random) -> Status:
    if not has_artifact:
        return Status.NO_ARTIFACT
    status = draw_status(phase.plan.course, rng)
    if status in ACTIVE and subject.lifecycle in _REMOVED:
        return Status.DECOMMISSIONED
    if subject.is_simulated and phase.plan.course is Course.RUNNING:
        # The simulator has something to do: its things still have most of their updates before them.
        return Status.PENDING if rng.random() < 0.8 else Status.DOWNLOADING  # noqa: PLR2004
    return status


def _progress(status: Status, campaign: Campaign, phase: Phase, moment: datetime, rng: Random) -> Row:
    """How far the execution is, with moments between the start of its phase and the present."""
    created, until = campaign.created_at, _last_moment(phase, moment)
    row: Row = {
        "status": status,
        "substate": draw_substate(status, rng),
        "progress": draw_progress(status, rng),
        "attempts": 1 if status is Status.FAILURE else 0,
        "started_at": None,
        "finished_at": None,
        "version": 1,
        "created_at": created,
        "updated_at": created,
    }
    if status is Status.NO_ARTIFACT:
        return row | {"finished_at": created}
    if status is Status.PENDING:
        return row
    if status not in NEVER_STARTED:
        # An update that is under way began within the last hour.
        since = (until - phase.starts_at) if status not in ACTIVE else min(until - phase.starts_at, timedelta(hours=1))
        row["started_at"] = row["updated_at"] = until - since * rng.uniform(0.2, 0.95)
        row["version"] += 1
    if status not in ACTIVE:
        began = max(row["updated_at"], phase.starts_at)
        ended = until if status is Status.ABORTED else min(until, began + timedelta(seconds=rng.uniform(60, 2400)))
        row["finished_at"] = row["updated_at"] = ended
        row["version"] += 1
    elif status in NEVER_STARTED:
        row["updated_at"] = phase.starts_at + (until - phase.starts_at) * rng.random()
        row["version"] += 1
    return row


def _last_moment(phase: Phase, moment: datetime) -> datetime:
    """When the last thing of a phase said something: phases that have ended took a day or two."""
    match phase.plan.course:
        case Course.FINISHED:
            return min(moment, phase.starts_at + timedelta(days=2))
        case Course.ABORTED:
            return min(moment, phase.starts_at + timedelta(hours=7))
        case _:
            return max(moment, phase.starts_at)
