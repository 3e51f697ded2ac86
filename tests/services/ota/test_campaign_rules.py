"""Rules of campaigns: what is refused, what jobs are given of them, and how they change while a campaign is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus
from services import deployments, ota_jobs, stops
from services.access import Access
from services.campaign_rules import Rules, StopRule, Window
from services.errors import InvalidInput, WrongState
from services.phases import Phase
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start

BAD: list[tuple[Rules, tuple[str, ...]]] = [
    (Rules(priority=0), ("priority",)),
    (Rules(priority=11), ("priority",)),
    (Rules(retries=-1), ("retries",)),
    (Rules(retries=101), ("retries",)),
    (Rules(approval=True, force=True), ("force",)),
    (Rules(notify=True), ("notify",)),
    (Rules(share_file=True), ("shareFile",)),
    (Rules(max_things=5), ("maxThings",)),
    (Rules(dynamic=True, max_things=0), ("maxThings",)),
    (Rules(timeout_seconds=0), ("timeoutSeconds",)),
    (Rules(timeout_seconds=-5), ("timeoutSeconds",)),
    (Rules(timeout_seconds=315_360_001), ("timeoutSeconds",)),
    (Rules(timeout_seconds=60, starts_at=now() - timedelta(hours=1)), ("timeoutSeconds",)),
    (Rules(timeout_seconds=60, starts_at=datetime(9999, 12, 31, 23, 59, 30, tzinfo=UTC)), ("timeoutSeconds",)),
    (Rules(window=Window(-1, 60)), ("window", "start")),
    (Rules(window=Window(0, 1441)), ("window", "end")),
    (Rules(window=Window(60, 60)), ("window",)),
    (Rules(window=Window(1440, 0)), ("window",)),
    (Rules(stop=StopRule()), ("stop",)),
    (Rules(stop=StopRule(failures=-1)), ("stop", "failures")),
    (Rules(stop=StopRule(percent=101)), ("stop", "percent")),
    (Rules(stop=StopRule(percent=5, minimum=0)), ("stop", "minimum")),
    (Rules(stop=StopRule(failures=5, minimum=10)), ("stop", "minimum")),
    (Rules(metadata={"a": float("inf")}), ("metadata",)),
]


async def test_rules_that_are_refused_make_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release)
    for rules, path in BAD:
        with pytest.raises(InvalidInput) as caught:
            await start(fleet, working, editor, Target(everything=True), release_id=release, rules=rules)
        assert caught.value.path == path
        with pytest.raises(InvalidInput) as caught:
            await make_job(fleet, working, editor, artifact, rules=rules)
        assert caught.value.path == path
    assert await fleet.count(DeploymentRow) == await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0


async def test_only_a_filter_or_all_is_dynamic(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(1)
    group = await fleet.add_group(*things)
    for target in (Target(thing_ids=things), Target(group_ids=[group])):
        release = await fleet.add_release(f"{target}"[:200])
        await fleet.add_artifact(release)
        with pytest.raises(InvalidInput) as caught:
            await start(fleet, working, editor, target, release_id=release, rules=Rules(dynamic=True))
        assert caught.value.path == ("dynamic",)
    assert await fleet.count(DeploymentRow) == 0


FULL = Rules(
    priority=2,
    retries=3,
    approval=True,
    notify=True,
    share_file=True,
    timeout_seconds=3600,
    window=Window(1380, 120),
    stop=StopRule(failures=10, percent=5),
    metadata={"validity": {"start": 1, "end": 2}, "free": [1, "x"]},
)
COLUMNS: dict[str, Any] = {
    "priority": 2,
    "retries": 3,
    "approval": True,
    "notify": True,
    "share_file": True,
    "force": False,
    "timeout_seconds": 3600,
    "window_start": 1380,
    "window_end": 120,
    "stop_failures": 10,
    "stop_percent": 5,
    "stop_minimum": 1,
    "meta": {"validity": {"start": 1, "end": 2}, "free": [1, "x"]},
}


async def test_a_deployment_hands_its_rules_to_its_jobs(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(4)
    phases = [Phase(percent=50), Phase(after_success_percent=100)]
    key = await start(fleet, working, editor, Target(everything=True), rules=FULL, phases=phases)
    deployment = await fleet.one(DeploymentRow, key)
    jobs = {row.job_id for row in await fleet.all_executions()}
    assert len(jobs) == 2
    for row in (deployment, *[await fleet.one(OtaJobRow, job) for job in jobs]):
        assert {name: getattr(row, name) for name in COLUMNS} == COLUMNS
    assert {row.status for row in await fleet.all_executions()} == {Status.AWAITING_APPROVAL}
    assert deployment.awaiting_approval_count == 4


async def test_a_job_of_its_own_has_them_too(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    artifact = await fleet.add_artifact(await fleet.add_release())
    job = await fleet.one(OtaJobRow, await make_job(fleet, working, editor, artifact, rules=FULL))
    assert {name: getattr(job, name) for name in COLUMNS} == COLUMNS
    assert job.expires_at == job.starts_at + timedelta(hours=1)
    assert (job.created_by_id, job.description) == (fleet.user, "Quieter.")
    assert (job.target, job.planned_count) == ({"all": True}, 1)
    assert job.begun_at == job.starts_at


async def test_a_dynamic_one_waits_for_things(fleet: Fleet, working: Working, editor: Access) -> None:
    """It has not finished without a thing, nor when nothing fits those that are there."""
    await fleet.add_things(1, "blue")
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release, "red")
    rules = Rules(dynamic=True, max_things=7)
    job = await fleet.one(OtaJobRow, await make_job(fleet, working, editor, artifact, rules=rules))
    assert (job.status, job.no_artifact_count, job.finished_at) == (OtaJobStatus.IN_PROGRESS, 1, None)
    assert (job.dynamic, job.max_things) == (True, 7)


async def test_of_a_dynamic_deployment_the_last_phase_stays_open(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    await fleet.add_things(2, "blue")
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    phases = [Phase(percent=50), Phase(starts_at=now() + timedelta(hours=1))]
    rules = Rules(dynamic=True)
    key = await start(fleet, working, editor, Target(everything=True), release_id=release, rules=rules, phases=phases)
    jobs = [await fleet.one(OtaJobRow, row.job_id) for row in await fleet.all_executions()]
    assert {(job.phase, job.dynamic, job.status) for job in jobs} == {
        (1, False, OtaJobStatus.FINISHED),
        (2, True, OtaJobStatus.SCHEDULED),
    }
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.dynamic, deployment.finished_at) == (True, None)


async def test_rules_change_while_it_is_open(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True), rules=Rules(window=Window(0, 60)))
    job_id = (await fleet.all_executions())[0].job_id
    changes: dict[str, Any] = {
        "metadata": {"a": 1},
        "stop": StopRule(percent=10, minimum=20),
        "window": None,
        "description": "Louder.",
    }
    async with working(editor) as work:
        await deployments.update(work, key, changes)
    for row in (await fleet.one(DeploymentRow, key), await fleet.one(OtaJobRow, job_id)):
        assert (row.meta, row.stop_percent, row.stop_minimum, row.stop_failures) == ({"a": 1}, 10, 20, None)
        assert (row.window_start, row.window_end, row.version) == (None, None, 2)
        assert row.description == "Louder."
    async with working(editor) as work:
        await ota_jobs.update(work, job_id, {"stop": None, "metadata": None})
    job = await fleet.one(OtaJobRow, job_id)
    assert (job.stop_percent, job.meta, job.version) == (None, {}, 3)
    bad: dict[str, Any] = {"window": Window(5, 5), "stop": StopRule(), "metadata": [1], "priority": None}
    for name, value in bad.items():
        with pytest.raises(InvalidInput):
            async with working(editor) as work:
                await deployments.update(work, key, {name: value})
        with pytest.raises(InvalidInput):
            async with working(editor) as work:
                await ota_jobs.update(work, job_id, {name: value})
    assert await fleet.one(OtaJobRow, job_id) == job
    async with working(editor) as work:
        await stops.abort(work, key)
    late: dict[str, Any] = {"window": Window(5, 6), "stop": None, "metadata": {}, "priority": 4}
    for name, value in late.items():
        with pytest.raises(WrongState) as caught:
            async with working(editor) as work:
                await deployments.update(work, key, {name: value, "name": "July"})
        assert caught.value.path == (name,)
        with pytest.raises(WrongState):
            async with working(editor) as work:
                await ota_jobs.update(work, job_id, {name: value})
    assert (await fleet.one(DeploymentRow, key)).name == "June"


async def make_job(
    fleet: Fleet, working: Working, access: Access, artifact: UUID, *, rules: Rules | None = None
) -> UUID:
    async with working(access) as work:
        return await ota_jobs.create(
            work,
            organization_id=fleet.organization,
            artifact_id=artifact,
            name="One",
            description="Quieter.",
            target=Target(everything=True, document={"all": True}),
            rules=rules,
        )
