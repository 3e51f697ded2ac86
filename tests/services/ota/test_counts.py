"""Counters equal a recount, whatever is done in whatever order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.enums import OtaExecutionStatus as Status
from models.enums import Role
from models.ids import new_id
from models.tables import THING
from services import departures, executions, ota_jobs, stops
from services.campaign_rules import Rules
from services.errors import FleetError
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start

THINGS = 3
reports = st.tuples(
    st.just("report"), st.integers(0, THINGS - 1), st.sampled_from(list(Status)), st.booleans(), st.booleans()
)
steps = st.one_of(
    reports,
    reports,
    reports,
    st.tuples(st.sampled_from(["abort", "cancel job", "cancel phase"])),
    st.tuples(st.sampled_from(["forget", "decommission"]), st.integers(0, THINGS - 1)),
)


class Scene:
    """A deployment and a job of its own over the same three things, of which one has nothing that fits."""

    def __init__(self, fleet: Fleet, working: Working) -> None:
        self.fleet = fleet
        self.working = working
        self.editor = fleet.member(Role.EDITOR)

    async def make(self, retries: int) -> None:
        self.base = len(self.fleet.things)
        await self.fleet.add_things(THINGS - 1, "red")
        await self.fleet.add_things(1, "blue")
        self.things = self.fleet.things[self.base :]
        release = await self.fleet.add_release(new_id().hex)
        artifact = await self.fleet.add_artifact(release, "red")
        rules, target = Rules(retries=retries), Target(thing_ids=self.things)
        self.deployment = await start(self.fleet, self.working, self.editor, target, release_id=release, rules=rules)
        async with self.working(self.editor) as work:
            self.job = await ota_jobs.create(
                work,
                organization_id=self.fleet.organization,
                artifact_id=artifact,
                name="June",
                target=target,
                rules=rules,
            )
        await self.learn()

    async def learn(self) -> None:
        """Which executions there are now: of the deployment's phase, and of the job of its own."""
        self.made: dict[tuple[UUID, bool], UUID] = {}
        for row in await self.fleet.all_executions():
            if row.thing_id in self.things:
                self.made[row.thing_id, row.deployment_id is None] = row.id
                if row.deployment_id is not None:
                    self.phase = row.job_id

    async def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("report", index, status, alone, by_thing):
                key = self.made[self.things[index], alone]
                access = self.fleet.thing(self.base + index) if by_thing else self.editor
                async with self.working(access) as work:
                    await executions.report(work, key, Report(status))
            case ("abort",):
                async with self.working(self.editor) as work:
                    await stops.abort(work, self.deployment)
            case ("cancel job" | "cancel phase",):
                async with self.working(self.editor) as work:
                    await stops.cancel(work, self.job if step[0] == "cancel job" else self.phase)
            case ("forget", index):
                async with self.working(self.editor) as work:
                    await departures.forget(work, [self.things[index]])
                    await work.session.execute(THING.delete().where(THING.c.id == self.things[index]))
            case ("decommission", index):
                async with self.working(self.editor) as work:
                    await departures.decommission(work, [self.things[index]])


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(steps, min_size=4, max_size=14), retries=st.integers(0, 1))
async def test_counters_equal_a_recount(
    fleet: Fleet, working: Working, steps: list[tuple[Any, ...]], retries: int
) -> None:
    scene = Scene(fleet, working)
    await scene.make(retries)
    for step in steps:
        try:
            await scene.do(step)
        except FleetError:
            # Many steps are refused where they come; what counts is that they leave the counts right.
            continue
    await fleet.assert_counts()
    await fleet.assert_ends()
