"""`otaExecutionChanged`, `deploymentProgress` and `otaJobProgress`: an update from its start to its end."""

from __future__ import annotations

from typing import Any

from engine.ids import global_id
from models.tables import OTA_JOB
from tests.cast import Cast, group_id, thing_id
from tests.client import Subscription
from tests.ota import deploy, execution_of, start_job, upload

EXECUTIONS = """
subscription ($scope: EventScopeInput) {
  otaExecutionChanged(scope: $scope) { kind executionId status execution { progress } thing { name } }
}
"""
DEPLOYMENTS = """
subscription ($scope: EventScopeInput, $ids: [ID!]) {
  deploymentProgress(scope: $scope, deploymentIds: $ids) {
    kind deploymentId deleted deployment { status counts { total pending success } }
  }
}
"""
JOBS = """
subscription ($scope: EventScopeInput, $ids: [ID!]) {
  otaJobProgress(scope: $scope, otaJobIds: $ids) { kind otaJobId deleted otaJob { status } }
}
"""


async def event(events: Subscription) -> dict[str, Any]:
    (received,) = (await events.next()).values()
    return dict(received)


async def test_a_deployment_from_its_start_to_its_end(cast: Cast) -> None:
    _, release = await upload(cast)
    token = await cast.token("viewer")
    async with (
        cast.gateway.subscribe(EXECUTIONS, token=token) as executions,
        cast.gateway.subscribe(DEPLOYMENTS, token=token) as deployments,
        cast.gateway.subscribe(JOBS, token=token) as jobs,
        cast.gateway.subscribe(EXECUTIONS, token=await cast.token("thing")) as own,
    ):
        campaign = await deploy(cast, releaseId=release)
        execution = await execution_of(cast, cast.thing, campaign)
        job = global_id("otajob", await cast.value(OTA_JOB.c.id))
        begun = {"kind": "OTA_EXECUTION_CHANGED", "executionId": execution, "thing": {"name": "Pump"}}
        assert await event(executions) == {**begun, "status": "PENDING", "execution": {"progress": 0}}
        assert await event(own) == {**begun, "status": "PENDING", "execution": {"progress": 0}}
        of_campaign = {"kind": "DEPLOYMENT_CHANGED", "deploymentId": campaign}
        counts = {"total": 1, "pending": 1, "success": 0}
        started = {"deleted": False, "deployment": {"status": "PENDING", "counts": counts}}
        assert await event(deployments) == {**of_campaign, **started}
        of_job = {"kind": "OTA_JOB_CHANGED", "otaJobId": job, "deleted": False}
        assert await event(jobs) == {**of_job, "otaJob": {"status": "IN_PROGRESS"}}
        await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "SUCCESS"})
        assert await event(executions) == {**begun, "status": "SUCCESS", "execution": {"progress": 100}}
        assert (await event(own))["status"] == "SUCCESS"
        done = {"status": "FINISHED", "counts": {"total": 1, "pending": 0, "success": 1}}
        assert (await event(deployments))["deployment"] == done
        assert (await event(jobs))["otaJob"] == {"status": "FINISHED"}
        await cast.change("editor", "deleteDeployment", {"id": campaign})
        assert await event(deployments) == {**of_campaign, "deleted": True, "deployment": None}
        assert await event(jobs) == {**of_job, "deleted": True, "otaJob": None}


async def test_progress_is_asked_for_by_id_and_by_thing(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    artifact, release = await upload(cast)
    first = await deploy(cast, releaseId=release)
    token = await cast.token("viewer")
    by_thing = {"scope": {"thingIds": [thing_id(cast.thing)], "groupId": group_id(cast.group)}}
    async with (
        cast.gateway.subscribe(DEPLOYMENTS, {"ids": [first]}, token=token) as deployments,
        cast.gateway.subscribe(JOBS, by_thing, token=token) as jobs,
    ):
        second = await deploy(cast, releaseId=release, name="July", target={"thingIds": [thing_id(other)]})
        job = await start_job(cast, artifactId=artifact, target={"thingIds": [thing_id(cast.thing)]})
        await cast.change("editor", "abortDeployment", {"id": second})
        await cast.change("editor", "abortDeployment", {"id": first})
        assert (await event(deployments))["deploymentId"] == first
        assert (await event(jobs))["otaJobId"] == job
        assert (await event(jobs))["otaJob"] == {"status": "CANCELLED"}


async def test_what_is_held_stopped_and_put_away_is_told(cast: Cast) -> None:
    """The same events show who is held and since when, why something stopped by itself, and what was put away."""
    things = [cast.thing, *await cast.add_things(1)]
    _, release = await upload(cast)
    token = await cast.token("viewer")
    held = "status pausedAt stoppedAt stopReason archivedAt abortedAt"
    deployments = f"subscription {{ deploymentProgress {{ deployment {{ {held} counts {{ failure }} }} }} }}"
    jobs = "subscription { otaJobProgress { otaJob { phase status pausedAt stopReason cancelledAt archivedAt } } }"
    executions = "subscription { otaExecutionChanged { status execution { job { status } } } }"
    async with (
        cast.gateway.subscribe(deployments, token=token) as of_deployments,
        cast.gateway.subscribe(jobs, token=token) as of_jobs,
        cast.gateway.subscribe(executions, token=token) as of_executions,
    ):

        async def until(events: Subscription, key: str, **expected: Any) -> dict[str, Any]:
            """The next event that leads to something with these values."""
            while True:
                found = (await event(events))[key]
                if expected.items() <= found.items():
                    return dict(found)

        campaign = await deploy(cast, releaseId=release, stop={"failures": 0})
        await cast.change("editor", "pauseDeployment", {"id": campaign})
        paused = await until(of_deployments, "deployment", status="PAUSED")
        assert paused["pausedAt"] is not None
        assert (paused["stoppedAt"], paused["stopReason"]) == (None, "")
        assert (await until(of_jobs, "otaJob", status="PAUSED"))["pausedAt"] is not None
        await cast.change("editor", "resumeDeployment", {"id": campaign})
        assert (await until(of_deployments, "deployment", pausedAt=None))["status"] in {"PENDING", "IN_PROGRESS"}
        execution = await execution_of(cast, things[0], campaign)
        for status in ("INSTALLING", "FAILURE"):
            await cast.change("editor", "reportOtaExecution", {"executionId": execution, "status": status})
        stopped = await until(of_deployments, "deployment", status="PAUSED")
        assert stopped["stoppedAt"] is not None
        assert "fail" in stopped["stopReason"]
        assert stopped["counts"] == {"failure": 1}
        await cast.change("editor", "abortDeployment", {"id": campaign})
        assert (await until(of_deployments, "deployment", status="FINISHED"))["abortedAt"] is not None
        assert (await until(of_jobs, "otaJob", status="CANCELLED"))["cancelledAt"] is not None
        ended = [await event(of_executions) for _ in range(5)]
        assert [each["status"] for each in ended] == ["PENDING", "PENDING", "INSTALLING", "FAILURE", "ABORTED"]
        await cast.change("editor", "archiveDeployment", {"id": campaign})
        while (await event(of_deployments))["deployment"]["archivedAt"] is None:
            pass
