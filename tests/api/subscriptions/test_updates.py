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
