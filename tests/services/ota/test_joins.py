"""Things join dynamic campaigns: those that come to meet the target, once, and only while that is open."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, func, select, true, update

from models import DeploymentRow, OtaJobRow
from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB, THING
from services import executions, joins, ota_jobs
from services.access import Access
from services.campaign_rules import Rules
from services.executions import Report
from services.joins import JoinDuty
from services.phases import Phase
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder

DYNAMIC = Rules(dynamic=True)
ALL = Target(everything=True, document={"all": True})
NAMED = Target(condition=THING.c.name.like("thing%"), document={"name": "thing%"})


def compile_target(document: Mapping[str, Any]) -> ColumnElement[bool]:
    return true() if document.get("all") else THING.c.name.like(document["name"])


def duty(fleet: Fleet, told: list[None] | None = None) -> JoinDuty:
    return JoinDuty(fleet.store, lambda: None if told is None else told.append(None), compile_target)


async def test_a_thing_that_comes_to_meet_the_target_joins_once(fleet: Fleet, working: Working, editor: Access) -> None:
    (first,) = await fleet.add_things(1)
    key = await start(fleet, working, editor, NAMED, rules=DYNAMIC)
    told: list[None] = []
    assert await duty(fleet, told).run() == 0
    assert told == []
    fits = (await fleet.executions())[first].artifact_id
    (late,) = await fleet.add_things(1)
    (other,) = await fleet.add_things(1)
    await change(fleet, THING, other, {"name": "another"})
    before = await events_of(fleet)
    assert await duty(fleet, told).run() == 1
    assert told == [None]
    made = await fleet.executions()
    assert set(made) == {first, late}
    assert (made[late].status, made[late].artifact_id, made[late].deployment_id) == (Status.PENDING, fits, key)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.pending_count, deployment.initial_thing_count) == (2, 1)
    await fleet.assert_counts()
    assert await events_of(fleet) - before == {
        EventKind.OTA_EXECUTION_CHANGED: 1,
        EventKind.OTA_JOB_CHANGED: 1,
        EventKind.DEPLOYMENT_CHANGED: 1,
    }
    # One that changes so that it meets the target joins too.
    await change(fleet, THING, other, {"name": "thing at last"})
    assert await duty(fleet).run() == 1
    assert await duty(fleet).run() == 0
    async with working(fleet.thing(0)) as work:
        await executions.report(work, made[first].id, Report(Status.SUCCESS))
    assert await duty(fleet).run() == 0
    assert len(await fleet.all_executions()) == 3


async def test_the_rules_of_the_campaign_are_those_of_who_joins(fleet: Fleet, working: Working, editor: Access) -> None:
    """Approval and its notice, force, and a type that nothing fits."""
    artifact = await fleet.add_artifact(await fleet.add_release(), "red")
    asks = await make_job(fleet, working, editor, artifact, Rules(dynamic=True, approval=True, notify=True))
    sends = await make_job(fleet, working, editor, artifact, Rules(dynamic=True, force=True))
    (here,) = await fleet.add_things(1, "red")
    (away,) = await fleet.add_things(1, "red")
    (blue,) = await fleet.add_things(1, "blue")
    await change(fleet, THING, here, {"connected": True, "last_seen_at": now()})
    assert await duty(fleet).run() == 6
    found = {(row.job_id, row.thing_id): row.status for row in await fleet.all_executions()}
    assert found == {
        (asks, here): Status.AWAITING_APPROVAL,
        (asks, away): Status.AWAITING_APPROVAL,
        (asks, blue): Status.NO_ARTIFACT,
        (sends, here): Status.TRIGGERED,
        (sends, away): Status.PENDING,
        (sends, blue): Status.NO_ARTIFACT,
    }
    offered = await fleet.events(EventKind.OTA_UPDATE_OFFERED)
    assert {row.thing_id for row in offered} == {here, away}
    assert (await fleet.one(OtaJobRow, asks)).status is OtaJobStatus.IN_PROGRESS
    await fleet.assert_counts()


async def test_the_last_phase_that_is_open_is_joined(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(4)
    phases = [Phase(percent=50), Phase(starts_at=now() + timedelta(hours=1))]
    key = await start(fleet, working, editor, ALL, rules=DYNAMIC, phases=phases)
    jobs = {row.phase: row.id for row in await rows_of(fleet, select(OTA_JOB))}
    (late,) = await fleet.add_things(1)
    assert await duty(fleet).run() == 1
    assert (await fleet.executions())[late].job_id == jobs[2]
    # When the last has been stopped, it is the one before.
    await change(fleet, OTA_JOB, jobs[2], {"status": OtaJobStatus.CANCELLED})
    (later,) = await fleet.add_things(1)
    assert await duty(fleet).run() == 1
    assert (await fleet.executions())[later].job_id == jobs[1]
    assert (await fleet.one(DeploymentRow, key)).pending_count == 6
    await fleet.assert_counts()
    # The sizes are those of the creation.
    assert [row.planned_count for row in await rows_of(fleet, select(OTA_JOB).order_by(OTA_JOB.c.phase))] == [2, 2]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (OTA_JOB, {"status": OtaJobStatus.PAUSED, "paused_at": now()}),
        (OTA_JOB, {"status": OtaJobStatus.FINISHED}),
        (OTA_JOB, {"status": OtaJobStatus.CANCELLED}),
        (OTA_JOB, {"expires_at": now() - timedelta(seconds=1)}),
        (DEPLOYMENT, {"status": DeploymentStatus.PAUSED, "paused_at": now()}),
        (DEPLOYMENT, {"status": DeploymentStatus.FINISHED}),
        (DEPLOYMENT, {"expires_at": now() - timedelta(seconds=1)}),
        (DEPLOYMENT, {"dynamic": False}),
    ],
)
async def test_nothing_joins_what_is_not_open(
    fleet: Fleet, working: Working, editor: Access, table: Any, values: dict[str, Any]
) -> None:
    await fleet.add_things(1)
    await start(fleet, working, editor, ALL, rules=DYNAMIC)
    async with fleet.store.write() as session:
        await session.execute(update(table).values(values))
    await fleet.add_things(1)
    assert await duty(fleet).run() == 0
    assert len(await fleet.all_executions()) == 1


async def test_a_campaign_that_closes_while_things_are_looked_for(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    """What was found is looked at again under the lock."""
    await fleet.add_things(1)
    key = await start(fleet, working, editor, ALL, rules=DYNAMIC)
    job_id = (await fleet.all_executions())[0].job_id
    await fleet.add_things(1)
    columns = OTA_EXECUTION.c
    campaign = joins.Campaign(key, job_id, fleet.organization, columns.deployment_id, true())
    await change(fleet, OTA_JOB, job_id, {"status": OtaJobStatus.PAUSED, "paused_at": now()})
    async with working(editor) as work:
        assert await joins.join(work, campaign) == 0
    assert len(await fleet.all_executions()) == 1


async def test_a_dynamic_job_that_is_not_dynamic_any_more_or_never_was(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    artifact = await fleet.add_artifact(await fleet.add_release())
    await fleet.add_things(1)
    await make_job(fleet, working, editor, artifact, Rules())
    await fleet.add_things(1)
    assert await duty(fleet).run() == 0
    assert len(await fleet.all_executions()) == 1


async def test_the_organization_is_the_scope(fleet: Fleet, working: Working, editor: Access) -> None:
    """A thing that moves in joins, whoever created the campaign; one that has moved out does not, nor a stranger."""
    await fleet.add_things(1)
    await start(fleet, working, editor, ALL, rules=DYNAMIC)
    (leaver,) = await fleet.add_things(1)
    await change(fleet, THING, leaver, {"organization_id": fleet.stranger})
    assert await duty(fleet).run() == 0
    await change(fleet, THING, fleet.strange_thing, {"organization_id": fleet.organization})
    (gone,) = await fleet.add_things(1)
    await change(fleet, THING, gone, {"decommissioned_at": now()})
    assert await duty(fleet).run() == 1
    assert fleet.strange_thing in await fleet.executions()
    assert leaver not in await fleet.executions()


async def test_several_processes_at_once(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(2)
    key = await start(fleet, working, editor, ALL, rules=DYNAMIC)
    await fleet.add_things(60)
    joined = await asyncio.gather(*(duty(fleet).run() for _ in range(4)))
    assert sum(joined) == 60
    assert (await fleet.one(DeploymentRow, key)).pending_count == 62
    await fleet.assert_counts()
    things = Counter(row.thing_id for row in await fleet.all_executions())
    assert set(things.values()) == {1}


async def test_joining_while_things_report(fleet: Fleet, working: Working, editor: Access) -> None:
    """Counters stay exact, whoever comes first."""
    things = await fleet.add_things(8)
    await start(fleet, working, editor, ALL, rules=DYNAMIC)
    made = await fleet.executions()
    await fleet.add_things(40)

    async def report(index: int) -> None:
        for status in (Status.DOWNLOADING, Status.INSTALLING, Status.SUCCESS):
            async with working(fleet.thing(index)) as work:
                await executions.report(work, made[things[index]].id, Report(status))

    await asyncio.gather(*(report(index) for index in range(8)), duty(fleet).run(), duty(fleet).run())
    await duty(fleet).run()
    await fleet.assert_counts()
    statuses = Counter(row.status for row in await fleet.all_executions())
    assert statuses == {Status.SUCCESS: 8, Status.PENDING: 40}


async def test_one_that_fails_does_not_keep_others(fleet: Fleet, working: Working, editor: Access) -> None:
    broken = Target(everything=True, document={"gone": "word"})
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    await fleet.add_things(1)
    await start(fleet, working, editor, broken, release_id=release, rules=DYNAMIC)
    key = await start(fleet, working, editor, ALL, release_id=release, rules=DYNAMIC)
    await fleet.add_things(1)
    assert await duty(fleet).run() == 1
    assert [row.deployment_id for row in await fleet.all_executions()].count(key) == 2


async def test_campaigns_take_turns_and_big_ones_come_in_parts(
    fleet: Fleet, working: Working, editor: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joins, "MAX_CAMPAIGNS", 2)
    monkeypatch.setattr(joins, "MAX_JOINS", 3)
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    await fleet.add_things(1)
    keys = [await start(fleet, working, editor, ALL, release_id=release, rules=DYNAMIC) for _ in range(5)]
    await fleet.add_things(4)
    mine = duty(fleet)
    # Two campaigns in a run and three things each: after as many runs as it takes, all have all.
    joined = [await mine.run() for _ in range(8)]
    assert max(joined) == 6
    assert sum(joined) == 20
    counted = Counter(row.deployment_id for row in await fleet.all_executions())
    assert counted == dict.fromkeys(keys, 5)
    await fleet.assert_counts()


async def test_the_number_of_statements_is_that_of_no_things(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    await fleet.add_things(1)
    await start(fleet, working, editor, ALL, rules=DYNAMIC)
    counts = []
    for number in (1, 150):
        await fleet.add_things(number)
        with statements() as seen:
            assert await duty(fleet).run() == number
        counts.append(seen.count)
    assert counts[0] == counts[1]
    with statements() as seen:
        assert await duty(fleet).run() == 0
    assert all(text.startswith("SELECT") for text in seen.texts)
    assert seen.count == 2


async def make_job(fleet: Fleet, working: Working, access: Access, artifact: UUID, rules: Rules) -> UUID:
    async with working(access) as work:
        return await ota_jobs.create(
            work, organization_id=fleet.organization, artifact_id=artifact, name="One", target=ALL, rules=rules
        )


async def change(fleet: Fleet, table: Any, key: UUID, values: dict[str, Any]) -> None:
    async with fleet.store.write() as session:
        await session.execute(update(table).where(table.c.id == key).values(values))


async def rows_of(fleet: Fleet, statement: Any) -> list[Any]:
    async with fleet.store.read() as connection:
        return list((await connection.execute(statement)).all())


async def events_of(fleet: Fleet) -> Counter[EventKind]:
    rows = await rows_of(fleet, select(EVENT.c.kind, func.count()).group_by(EVENT.c.kind))
    return Counter(dict(rows))
