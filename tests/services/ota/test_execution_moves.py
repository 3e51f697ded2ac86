"""The table of moves, and that the gate follows it for every pair of statuses and every kind of caller."""

from __future__ import annotations

from typing import NoReturn

import pytest

from models import OtaExecutionRow, OtaJobRow
from models.enums import OtaExecutionStatus as Status
from models.enums import Role
from models.ids import new_id
from services import executions
from services.access import Access
from services.errors import Conflict, FleetError, Forbidden, WrongState
from services.execution_moves import ACTIVE, ENDED, MOVES, Actor, may_ever_set, may_move
from services.executions import Report
from tests.services.ota.fleet import Fleet, Working

STEPS = {Status.STARTED, Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING, Status.DELAYED}
RESULTS = {Status.SUCCESS, Status.FAILURE, Status.REJECTED, Status.ALREADY_INSTALLED}


class Undone(Exception):
    """Ends a unit of work that is to leave nothing."""


def expected(current: Status, wanted: Status, actor: Actor) -> type[FleetError] | None:
    """What a report from `current` to `wanted` must end in, said once more in other words than the table's."""
    reports = STEPS | RESULTS
    settable = reports if actor is Actor.THING else reports | {Status.ABORTED, Status.TRIGGERED}
    if wanted not in settable:
        return Forbidden
    if current is wanted:
        return None
    if current in ENDED:
        return Conflict
    if current is Status.AWAITING_APPROVAL:
        allowed = set() if actor is Actor.THING else {Status.TRIGGERED, Status.REJECTED, Status.ABORTED}
        return None if wanted in allowed else WrongState
    return WrongState if wanted is Status.TRIGGERED else None


def test_every_status_is_active_or_ended() -> None:
    assert set(ACTIVE) | set(ENDED) == set(Status)
    assert not set(ACTIVE) & set(ENDED)
    assert len(ACTIVE) == 8


def test_nothing_leaves_an_ended_status() -> None:
    assert not [pair for pair in MOVES if pair[0] in ENDED]


def test_every_active_status_can_end_and_every_status_can_be_reached() -> None:
    for current in ACTIVE:
        assert any(source is current and target in ENDED for source, target in MOVES)
    assert {target for _, target in MOVES} == set(Status)


@pytest.mark.parametrize("actor", [Actor.THING, Actor.PERSON])
def test_the_table_is_what_the_rules_say(actor: Actor) -> None:
    for current in Status:
        for wanted in set(Status) - {current}:
            assert may_move(current, wanted, actor) is (expected(current, wanted, actor) is None)
            assert may_ever_set(wanted, actor) is (expected(Status.PENDING, wanted, actor) is not Forbidden)


def test_what_only_the_gateway_does() -> None:
    own = {Status.PENDING, Status.AWAITING_APPROVAL, Status.NO_ARTIFACT, Status.EXPIRED, Status.DECOMMISSIONED}
    for wanted in own:
        assert may_ever_set(wanted, Actor.GATEWAY)
        assert not may_ever_set(wanted, Actor.THING)
        assert not may_ever_set(wanted, Actor.PERSON)


async def in_every_status(fleet: Fleet) -> dict[Status, OtaExecutionRow]:
    """One execution of the same thing in each status, each in a job of its own."""
    (thing,) = await fleet.add_things(1)
    made = {}
    for status in Status:
        job = OtaJobRow(id=new_id(), organization_id=fleet.organization, name=status.value)
        row = OtaExecutionRow(
            organization_id=fleet.organization, job_id=job.id, thing_id=thing, status=status, substate="before"
        )
        await fleet.add(job, row)
        made[status] = row
    return made


@pytest.mark.parametrize("actor", [Actor.THING, Actor.PERSON])
async def test_the_gate_follows_the_table(fleet: Fleet, working: Working, actor: Actor) -> None:
    rows = await in_every_status(fleet)
    access = fleet.thing() if actor is Actor.THING else fleet.member(Role.EDITOR)
    for current, row in rows.items():
        for wanted in Status:
            outcome = await attempt(working, access, row, wanted)
            assert outcome is expected(current, wanted, actor), (current, wanted)
    assert {status: (await fleet.one(OtaExecutionRow, row.id)).status for status, row in rows.items()} == {
        status: status for status in Status
    }


async def undo() -> NoReturn:
    raise Undone


async def attempt(working: Working, access: Access, row: OtaExecutionRow, wanted: Status) -> type[FleetError] | None:
    """Report and undo; says what it was refused with."""
    try:
        async with working(access) as work:
            await executions.report(work, row.id, Report(wanted))
            await undo()
    except Undone:
        return None
    except FleetError as error:
        return type(error)
