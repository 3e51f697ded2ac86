"""The one table of moves that an execution may make, and who may make each (ota.md, "Statuses").

A thing that has begun may report its steps in any order and any subset: devices skip steps, repeat them, and fall back
to an earlier one after a restart (mender.ota.execution-status-lifecycle, rainmaker.ota.device-report-status).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from models.enums import OtaExecutionStatus as Status


class Actor(StrEnum):
    """Who moves an execution.

    A person reports in the stead of a thing, or ends an update; as approver, a person is asked for their consent.
    """

    THING = "THING"
    PERSON = "PERSON"
    APPROVER = "APPROVER"
    GATEWAY = "GATEWAY"


ACTIVE: Final = (
    Status.PENDING,
    Status.AWAITING_APPROVAL,
    Status.TRIGGERED,
    Status.STARTED,
    Status.DOWNLOADING,
    Status.INSTALLING,
    Status.REBOOTING,
    Status.DELAYED,
)
"""An execution in one of these is still open; nothing leaves the others."""

ENDED: Final = tuple(status for status in Status if status not in ACTIVE)

BEGUN: Final = frozenset(
    {
        Status.STARTED,
        Status.DOWNLOADING,
        Status.INSTALLING,
        Status.REBOOTING,
        Status.SUCCESS,
        Status.FAILURE,
    }
)
"""The first of these that a thing reaches begins an attempt."""

_OFFERED: Final = frozenset(ACTIVE) - {Status.AWAITING_APPROVAL}
_STEPS: Final = frozenset({Status.STARTED, Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING, Status.DELAYED})
_RESULTS: Final = frozenset({Status.SUCCESS, Status.FAILURE, Status.REJECTED, Status.ALREADY_INSTALLED})
_WAITING: Final = frozenset({Status.PENDING, Status.AWAITING_APPROVAL, Status.TRIGGERED, Status.DELAYED})

_THING: Final = frozenset({Actor.THING})
_PERSON: Final = frozenset({Actor.PERSON})
_APPROVER: Final = frozenset({Actor.APPROVER})
_GATEWAY: Final = frozenset({Actor.GATEWAY})
_REPORTERS: Final = _THING | _PERSON


def _moves() -> dict[tuple[Status, Status], frozenset[Actor]]:
    """Write the rules out as one row for each pair of statuses."""
    rules: list[tuple[frozenset[Status], frozenset[Status], frozenset[Actor]]] = [
        # A thing reports its own steps and results; a person may report in its stead.
        (_OFFERED, _STEPS | _RESULTS, _REPORTERS),
        # Consent: somebody who is asked lets the update go on, or refuses it (rainmaker.ota.user-push-update).
        (frozenset({Status.AWAITING_APPROVAL}), frozenset({Status.TRIGGERED, Status.REJECTED}), _APPROVER),
        # The gateway asks for consent, pushes, and offers a failed attempt again.
        (frozenset({Status.PENDING}), frozenset({Status.AWAITING_APPROVAL, Status.TRIGGERED}), _GATEWAY),
        (_OFFERED - {Status.PENDING}, frozenset({Status.PENDING}), _GATEWAY),
        # It finds out, when the thing asks, that there is nothing to do, or nothing that it can give it: no file that
        # fits, no key that its boot loader takes (rainmaker.ota.job-sign-auto-key).
        (frozenset(ACTIVE), frozenset({Status.ALREADY_INSTALLED}), _GATEWAY),
        (_WAITING, frozenset({Status.NO_ARTIFACT}), _GATEWAY),
        (_WAITING - {Status.AWAITING_APPROVAL}, frozenset({Status.FAILURE}), _GATEWAY),
        # It ends what is open: time is up, the thing leaves the fleet, the campaign stops.
        (frozenset(ACTIVE), frozenset({Status.EXPIRED, Status.DECOMMISSIONED}), _GATEWAY),
        (frozenset(ACTIVE), frozenset({Status.ABORTED}), _PERSON | _GATEWAY),
    ]
    table: dict[tuple[Status, Status], frozenset[Actor]] = {}
    for sources, targets, actors in rules:
        for source in sources:
            for target in targets - {source}:
                table[source, target] = table.get((source, target), frozenset()) | actors
    return table


MOVES: Final[Mapping[tuple[Status, Status], frozenset[Actor]]] = _moves()
"""Who may move an execution from the first status to the second; a pair that is absent is allowed to nobody.

Repeating the present status is no move: it is always allowed to whoever may report, and changes no count.
"""


def may_move(current: Status, wanted: Status, actor: Actor) -> bool:
    """Whether `actor` may move an execution from `current` to another status, `wanted`."""
    return actor in MOVES.get((current, wanted), frozenset())


def may_ever_set(wanted: Status, actor: Actor) -> bool:
    """Whether there is any status from which `actor` may move to `wanted`."""
    return any(target is wanted and actor in actors for (_, target), actors in MOVES.items())
