"""Whatever happens to campaigns in whatever order: their counters are exact, and what has ended stays as it is.

Hypothesis draws the steps: campaigns are made, paused, resumed and stopped; things ask, report and leave, several at
the same time; people consent, refuse and end; time passes. A longer form of it:

    .venv/bin/pytest tests/services/ota/test_machine.py --machine-examples 300
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from models.columns import now
from models.counts import count_column
from models.enums import ErrorCode, Role
from models.enums import OtaExecutionStatus as Status
from models.store import Store, StoreSettings, open_store
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services import approvals, beginnings, departures, deployments, executions, ota_jobs, pauses, stops, update_logs
from services.access import Access
from services.campaign_rules import Rules, StopRule
from services.errors import FleetError
from services.execution_moves import ACTIVE, Actor, may_ever_set
from services.executions import Report
from services.expiries import Expiries
from services.job_starts import JobStarts
from services.offers import Installed, Offers
from services.phases import Phase
from services.targets import Target
from services.unit_of_work import UnitOfWork, unit_of_work
from services.update_logs import LogLine
from tests.services.ota.fleet import Fleet, make_fleet
from tests.services.ota.jobs import add_file

THINGS = 5
BY_THINGS = [status for status in Status if may_ever_set(status, Actor.THING)]
STEPS = 25
T = TypeVar("T")
Change = Callable[[UnitOfWork], Awaitable[object]]

indexes = st.integers(0, 1_000)
things = st.integers(0, THINGS - 1)
software = st.sampled_from([None, Installed("pump", "0.9"), Installed("pump", "1.0"), Installed("valve", "0.9")])


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    dynamic = draw(st.sampled_from([False, False, False, True]))
    return Rules(
        priority=draw(st.integers(1, 3)),
        retries=draw(st.integers(0, 2)),
        approval=draw(st.sampled_from([False, False, False, True])),
        dynamic=dynamic,
        max_things=draw(st.sampled_from([None, 1, 2])) if dynamic else None,
        timeout_seconds=draw(st.sampled_from([None, None, 3600])),
        stop=draw(st.sampled_from([None, None, StopRule(failures=1), StopRule(percent=50, minimum=2)])),
    )


class Campaigns(RuleBasedStateMachine):
    """Campaigns over a handful of things, and all who have to do with them."""

    runner: asyncio.Runner
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.moment = now()
        self.ended: dict[UUID, Any] = {}
        self.refused: Counter[str] = Counter()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize(first=rules(), second=rules())
    def build(self, first: Rules, second: Rules) -> None:
        """Two campaigns over all things, to begin with."""
        self.run(self._build())
        everybody = set(range(THINGS))
        self.start_job(first, everybody)
        self.deploy(second, everybody, typed=True, gated=True)

    async def _build(self) -> None:
        self.fleet: Fleet = await make_fleet(self.store)
        await self.fleet.add_things(THINGS)
        self.release = await self.fleet.add_release()
        self.artifact = await add_file(self.fleet, self.release)
        self.typed = await self.fleet.add_release("typed")
        await add_file(self.fleet, self.typed, "pump")
        self.person = self.fleet.member(Role.OWNER)
        self.offers = Offers(self.store, lambda: None, clock=lambda: self.moment)

    async def attempt(self, access: Access, change: Change) -> FleetError | None:
        """Do something, which may be refused; what it was refused with."""
        try:
            async with unit_of_work(self.store, access, lambda: None, lambda: self.moment) as work:
                await change(work)
        except FleetError as error:
            return error
        return None

    def together(self, *attempts: Coroutine[Any, Any, Any]) -> list[Any]:
        """All at the same time; anything but a refusal is a fault."""

        async def gather() -> list[Any]:
            return list(await asyncio.gather(*attempts))

        return self.run(gather())

    def rows(self, statement: Any) -> list[Any]:
        async def read() -> list[Any]:
            async with self.store.read() as connection:
                return list((await connection.execute(statement)).all())

        return self.run(read())

    def mine(self, table: Any, *columns: str) -> list[Any]:
        """What is stored of this example, in the order of its making."""
        wanted = [table.c[name] for name in columns] or list(table.c)
        return self.rows(select(*wanted).where(table.c.organization_id == self.fleet.organization).order_by(table.c.id))

    def one_of(self, table: Any, index: int) -> Any:
        rows = self.mine(table)
        return rows[index % len(rows)] if rows else None

    def thing_of(self, row: Any) -> Access:
        return self.fleet.thing(self.fleet.things.index(row.thing_id))

    def target(self, given: Rules, chosen: set[int]) -> Target:
        """Some things; a dynamic campaign is for all."""
        if given.dynamic:
            return Target(everything=True)
        return Target(thing_ids=[self.fleet.things[index] for index in sorted(chosen)])

    @rule(given=rules(), chosen=st.sets(things, min_size=1), typed=st.booleans(), gated=st.booleans())
    def deploy(self, given: Rules, chosen: set[int], typed: bool, gated: bool) -> None:  # noqa: FBT001 - drawn by name
        """A deployment, in two phases when it may be."""
        phases = None
        if gated and len(chosen) > 1 and not given.dynamic:
            phases = [Phase(count=1), Phase(after_success_percent=50, starts_at=self.moment + timedelta(seconds=1))]
        target = self.target(given, chosen)

        async def create(work: UnitOfWork) -> None:
            release = self.typed if typed else self.release
            await deployments.create(
                work,
                organization_id=self.fleet.organization,
                release_id=release,
                name="June",
                target=target,
                rules=given,
                phases=phases,
            )

        self.together(self.attempt(self.person, create))

    @rule(given=rules(), chosen=st.sets(things, min_size=1))
    def start_job(self, given: Rules, chosen: set[int]) -> None:
        """A job of its own."""
        target = self.target(given, chosen)

        async def create(work: UnitOfWork) -> None:
            await ota_jobs.create(
                work,
                organization_id=self.fleet.organization,
                artifact_id=self.artifact,
                name="One",
                target=target,
                rules=given,
            )

        self.together(self.attempt(self.person, create))

    @rule(thing=things, said=software, times=st.integers(1, 3))
    def ask(self, thing: int, said: Installed | None, times: int) -> None:
        """A thing asks, several times at once and then again: it is told the same, unless it is retired."""
        access = self.fleet.thing(thing)

        async def one() -> Any:
            try:
                return await self.offers.next(access, said)
            except FleetError as error:
                return error.code

        found = self.together(*(one() for _ in range(times)))
        again = self.run(one())
        assert all(each == again for each in found)

    @rule(said=software)
    def all_ask(self, said: Installed | None) -> None:
        """All things ask at the same time."""

        async def one(access: Access) -> None:
            try:
                await self.offers.next(access, said)
            except FleetError as error:
                self.refused[error.code] += 1

        self.together(*(one(self.fleet.thing(index)) for index in range(THINGS)))

    @rule(thing=things, steps=st.lists(st.sampled_from(BY_THINGS), min_size=1, max_size=4))
    def take_an_update(self, thing: int, steps: list[Status]) -> None:
        """A thing asks, and reports on what it was given, one status after the other."""
        access = self.fleet.thing(thing)
        try:
            offer = self.run(self.offers.next(access, Installed("pump", "0.9")))
        except FleetError as error:
            self.refused[error.code] += 1
            return
        if offer is not None:
            for status in steps:
                self.run(self._report(access, offer.execution_id, status))

    @rule(reports=st.lists(st.tuples(indexes, st.sampled_from(list(Status))), min_size=1, max_size=6))
    def report(self, reports: list[tuple[int, Status]]) -> None:
        """Things report on updates of theirs, all at the same time."""
        rows = self.mine(OTA_EXECUTION)
        chosen = [(rows[index % len(rows)], status) for index, status in reports if rows]
        self.together(*(self._report(self.thing_of(row), row.id, status) for row, status in chosen))

    @rule(index=indexes, status=st.sampled_from(list(Status)))
    def report_in_the_stead_of_a_thing(self, index: int, status: Status) -> None:
        row = self.one_of(OTA_EXECUTION, index)
        if row is not None:
            self.together(self._report(self.person, row.id, status))

    async def _report(self, access: Access, execution: UUID, status: Status) -> FleetError | None:
        async def change(work: UnitOfWork) -> None:
            await executions.report(work, execution, Report(status))

        return await self.attempt(access, change)

    @rule(index=indexes, yes=st.booleans())
    def decide(self, index: int, yes: bool) -> None:  # noqa: FBT001 - drawn by name
        """A person is asked for consent."""
        row = self.one_of(OTA_EXECUTION, index)
        if row is not None:
            decide = approvals.approve if yes else approvals.reject
            self.together(self.attempt(self.person, lambda work: decide(work, row.id)))

    @rule(index=indexes)
    def log(self, index: int) -> None:
        row = self.one_of(OTA_EXECUTION, index)
        if row is not None:
            line = LogLine(self.moment, "info", "it goes on")
            self.together(self.attempt(self.thing_of(row), lambda work: update_logs.append(work, row.id, [line])))

    @rule(
        index=indexes,
        act=st.sampled_from([pauses.pause_job, pauses.resume_job, stops.cancel]),
        status=st.sampled_from([None, Status.DOWNLOADING, Status.SUCCESS, Status.FAILURE]),
    )
    def control_a_job(self, index: int, act: Any, status: Status | None) -> None:
        """Somebody holds, resumes or stops a job, while all of its things report."""
        row = self.one_of(OTA_JOB, index)
        if row is not None:
            self._control(row.id, OTA_EXECUTION.c.job_id, act, status)

    @rule(
        index=indexes,
        act=st.sampled_from([pauses.pause_deployment, pauses.resume_deployment, stops.abort]),
        status=st.sampled_from([None, Status.DOWNLOADING, Status.SUCCESS, Status.FAILURE]),
    )
    def control_a_deployment(self, index: int, act: Any, status: Status | None) -> None:
        row = self.one_of(DEPLOYMENT, index)
        if row is not None:
            self._control(row.id, OTA_EXECUTION.c.deployment_id, act, status)

    def _control(self, key: UUID, column: Any, act: Any, status: Status | None) -> None:
        rows = self.rows(select(OTA_EXECUTION).where(column == key)) if status is not None else []
        reports = (self._report(self.thing_of(row), row.id, status) for row in rows if status is not None)
        self.together(*reports, self.attempt(self.person, lambda work: act(work, key)))

    @precondition(lambda self: len(self.mine(OTA_EXECUTION, "id")) > 0)
    @rule(index=indexes, status=st.sampled_from([Status.DOWNLOADING, Status.SUCCESS]))
    def retire(self, index: int, status: Status) -> None:
        """A thing leaves the fleet while it reports."""
        row = self.one_of(OTA_EXECUTION, index)

        async def leave(work: UnitOfWork) -> None:
            await departures.decommission(work, [row.thing_id])

        self.together(self._report(self.thing_of(row), row.id, status), self.attempt(self.person, leave))

    @rule(seconds=st.sampled_from([2, 600, 3601]))
    def time_passes(self, seconds: int) -> None:
        """What is due starts, and what is out of time ends."""
        self.moment += timedelta(seconds=seconds)
        clock = lambda: self.moment  # noqa: E731 - the duties take it as it is then
        for duty in (
            JobStarts(self.store, lambda: None, beginnings.begin, clock),
            Expiries(self.store, lambda: None, clock),
        ):
            self.run(duty.run())

    @invariant()
    def counters_are_exact(self) -> None:
        if not hasattr(self, "fleet"):
            return
        made = self.mine(OTA_EXECUTION)
        for table, column in ((OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")):
            found = Counter((getattr(row, column), row.status) for row in made)
            for row in self.mine(table):
                kept = {status: getattr(row, count_column(status)) for status in Status}
                assert kept == {status: found[row.id, status] for status in Status}, table.name
                assert row.asked_count <= sum(kept.values())

    @invariant()
    def what_has_ended_stays(self) -> None:
        if not hasattr(self, "fleet"):
            return
        columns = ("id", "status", "finished_at", "substate", "attempts", "progress", "artifact_id", "device_type")
        rows = {row.id: row for row in self.mine(OTA_EXECUTION, *columns)}
        # A thing that asks was not there yet, or may not any more: nothing else keeps it from being answered.
        assert self.refused.keys() <= {ErrorCode.UNAUTHENTICATED}
        for row in rows.values():
            assert (row.finished_at is None) is (row.status in ACTIVE), row
        assert {key: rows[key] for key in self.ended} == self.ended
        self.ended = {key: row for key, row in rows.items() if row.finished_at is not None}

    @invariant()
    def a_thing_is_offered_one_at_a_time(self) -> None:
        if not hasattr(self, "fleet"):
            return
        rows = self.mine(OTA_EXECUTION, "thing_id", "status", "offered_at")
        offered = [row.thing_id for row in rows if row.status is Status.TRIGGERED and row.offered_at is not None]
        assert len(offered) == len(set(offered))


def test_any_order(database_url: str, request: pytest.FixtureRequest) -> None:
    examples = request.config.getoption("--machine-examples")
    with asyncio.Runner() as runner:
        store = open_store(StoreSettings(database_url, readers=8))

        class Here(Campaigns):
            pass

        Here.runner, Here.store = runner, store
        try:
            run_state_machine_as_test(
                Here,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    print_blob=True,
                ),
            )
        finally:
            runner.run(store.close())
