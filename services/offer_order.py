"""In which order the open updates of a thing are looked at, when it asks what is next.

The lowest number of priority goes first, and among equals the oldest (the vendor of rainmaker.ota.job-priority takes
the newest). One that the thing is at stays first, so that it is at one at a time: while it has begun nothing else is
given out, and what was offered is offered again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.waiting import Waiting, WaitingUpdate
from services.windows import is_open

UNDER_WAY: Final = frozenset({Status.STARTED, Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING})
"""A thing is at an update that is in one of these."""


class Line(NamedTuple):
    """The updates to be looked at, in order, and those that make room when another one is given out.

    `offered` were offered and not begun; `left` were begun in a job that was cancelled, and the thing, which asks for
    something else, has let them go.
    """

    updates: Sequence[WaitingUpdate]
    offered: Sequence[WaitingUpdate] = ()
    left: Sequence[WaitingUpdate] = ()


def line_up(waiting: Waiting, moment: datetime, *, consent: bool = False) -> Line:
    """Line up what is open for a thing; with `consent` also what waits for the consent of a person."""
    lasting = [each for each in waiting.updates if each.expires_at is None or each.expires_at > moment]
    begun = [each for each in lasting if each.status in UNDER_WAY]
    for each in begun:
        if each.job_status != OtaJobStatus.CANCELLED:
            return Line([each] if _is_given_out(each, waiting, moment) else [])
    given_out = [each for each in lasting if _is_given_out(each, waiting, moment) or (consent and _is_asked_for(each))]
    offered = [each for each in lasting if was_offered(each) and each.status == Status.TRIGGERED]
    given_out.sort(key=lambda each: (each not in offered, each.priority, each.id))
    return Line(given_out, offered, begun)


def was_offered(update: WaitingUpdate) -> bool:
    """Whether the thing was told of this update, and of this attempt at it: a failed one has to be offered again."""
    return update.offered_at is not None and update.status != Status.PENDING


def _is_given_out(update: WaitingUpdate, waiting: Waiting, moment: datetime) -> bool:
    """Whether nothing withholds it: neither its job, nor its deployment, nor a consent, nor the time of day."""
    return (
        _is_running(update)
        and update.status != Status.AWAITING_APPROVAL
        and not (update.approval and update.approved_at is None)
        and is_open(update.window_start, update.window_end, waiting.thing.time_zone, moment)
    )


def _is_asked_for(update: WaitingUpdate) -> bool:
    return _is_running(update) and update.status == Status.AWAITING_APPROVAL


def _is_running(update: WaitingUpdate) -> bool:
    return update.job_status == OtaJobStatus.IN_PROGRESS and update.deployment_status != DeploymentStatus.PAUSED
