"""The table of moves, and that the gate follows it for every pair of statuses and every kind of caller."""

from __future__ import annotations

from typing import NoReturn

import pytest
from sqlalchemy import update

from models import OtaExecutionRow, OtaJobRow
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus, Role
from models.ids import new_id
from models.tables import OTA_JOB
from services import approvals, executions
from services.access import Access
from services.errors import Conflict, FleetError, Forbidden, WrongState
from services.execution_moves import ACTIVE, ENDED, MOVES, Actor, may_ever_set, may_move
from services.executions import Report
from tests.services.ota.fleet import Fleet, Working

TABLE = """
                   PEN AWA TRI STA DOW INS REB DEL SUC FAI REJ ALR NO_ ABO EXP DEC
PENDING             =   G   G  TP  TP  TP  TP  TP  TP TPG  TP TPG   G  PG   G   G
AWAITING_APPROVAL   -   =   A   -   -   -   -   -   -   -   A   G   G  PG   G   G
TRIGGERED           G   -   =  TP  TP  TP  TP  TP  TP TPG  TP TPG   G  PG   G   G
STARTED             G   -   -   =  TP  TP  TP  TP  TP  TP  TP TPG   -  PG   G   G
DOWNLOADING         G   -   -  TP   =  TP  TP  TP  TP  TP  TP TPG   -  PG   G   G
INSTALLING          G   -   -  TP  TP   =  TP  TP  TP  TP  TP TPG   -  PG   G   G
REBOOTING           G   -   -  TP  TP  TP   =  TP  TP  TP  TP TPG   -  PG   G   G
DELAYED             G   -   -  TP  TP  TP  TP   =  TP TPG  TP TPG   G  PG   G   G
"""
"""Who may move an execution from the status of the row to that of the column: a thing, a person in its stead, the
approver who is asked for consent, the gateway. What is not in it has ended, and is left by nobody.
"""
LETTERS = {"T": Actor.THING, "P": Actor.PERSON, "A": Actor.APPROVER, "G": Actor.GATEWAY}


def written_out() -> dict[tuple[Status, Status], set[Actor]]:
    """The table above, by pairs of statuses."""
    heading, *lines = TABLE.strip().splitlines()
    columns = [next(status for status in Status if status.startswith(short)) for short in heading.split()]
    assert columns == list(Status)
    found = {}
    for line in lines:
        current, *cells = line.split()
        for wanted, cell in zip(columns, cells, strict=True):
            found[Status(current), wanted] = {LETTERS[letter] for letter in cell if letter in LETTERS}
    return found


WRITTEN = written_out()


def may(current: Status, wanted: Status, actor: Actor) -> bool:
    return actor in WRITTEN.get((current, wanted), set())


def expected(current: Status, wanted: Status, actor: Actor) -> type[FleetError] | None:
    """What a report from `current` to `wanted` must end in."""
    if not any(may(each, wanted, actor) for each in Status):
        return Forbidden
    if current is wanted:
        return None
    if current not in {row for row, _ in WRITTEN}:
        return Conflict
    return None if may(current, wanted, actor) else WrongState


class Undone(Exception):
    """Ends a unit of work that is to leave nothing."""


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


@pytest.mark.parametrize("actor", list(Actor))
def test_the_table_is_what_is_written_out(actor: Actor) -> None:
    for wanted in Status:
        for current in Status:
            assert may_move(current, wanted, actor) is may(current, wanted, actor), (current, wanted)
        assert may_ever_set(wanted, actor) is any(may(current, wanted, actor) for current in Status)


def test_what_only_the_gateway_does() -> None:
    own = {Status.PENDING, Status.AWAITING_APPROVAL, Status.NO_ARTIFACT, Status.EXPIRED, Status.DECOMMISSIONED}
    for wanted in own:
        assert [actor for actor in Actor if may_ever_set(wanted, actor)] == [Actor.GATEWAY]


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


async def test_consent_follows_the_table(fleet: Fleet, working: Working) -> None:
    rows = await in_every_status(fleet)
    for current, row in rows.items():
        for decide, wanted in ((approvals.approve, Status.TRIGGERED), (approvals.reject, Status.REJECTED)):
            outcome: type[FleetError] | None = None
            try:
                async with working(fleet.member(Role.EDITOR)) as work:
                    await decide(work, row.id)
                    await undo()
            except Undone:
                outcome = None
            except FleetError as error:
                outcome = type(error)
            allowed = None if may(current, wanted, Actor.APPROVER) else WrongState
            assert outcome is (allowed if current in ACTIVE else Conflict), (current, wanted)


@pytest.mark.parametrize("status", [OtaJobStatus.SCHEDULED, OtaJobStatus.PAUSED, OtaJobStatus.CANCELLED])
async def test_the_job_has_a_say(fleet: Fleet, working: Working, status: OtaJobStatus) -> None:
    """Nothing is reported of what has not started, and nothing begins while it is paused; what has begun goes on."""
    rows = await in_every_status(fleet)
    async with fleet.store.write() as session:
        await session.execute(update(OTA_JOB).values(status=status))
    for current in set(ACTIVE) - {Status.AWAITING_APPROVAL, Status.INSTALLING}:
        waits = status is OtaJobStatus.SCHEDULED or (status is OtaJobStatus.PAUSED and current is Status.PENDING)
        outcome = await attempt(working, fleet.thing(), rows[current], Status.INSTALLING)
        assert outcome is (WrongState if waits else None), current
        assert await attempt(working, fleet.member(Role.EDITOR), rows[current], Status.ABORTED) is None
