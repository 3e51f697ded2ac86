from __future__ import annotations

from models.enums import DeploymentStatus
from models.tables import DEPLOYMENT, OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import assert_counts, deploy, execution_of, status_of

FIELDS = "deployment { status pausedAt stoppedAt version jobs { nodes { status pausedAt } } }"
ASKS = {"deviceType": "pump", "artifactName": "0.9"}


async def test_nothing_is_given_out_and_what_has_begun_goes_on(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    deployment = await deploy(cast)
    mine, running = [await execution_of(cast, thing, deployment) for thing in (cast.thing, other)]
    await cast.change("editor", "reportOtaExecution", {"executionId": running, "status": "DOWNLOADING"})
    found = (await cast.change("editor", "pauseDeployment", {"id": deployment}, FIELDS))["deployment"]
    ((job,),) = (found["jobs"]["nodes"],)
    assert (found["status"], found["stoppedAt"], found["version"]) == ("PAUSED", None, 2)
    assert found["pausedAt"] == job["pausedAt"] is not None
    assert job["status"] == "PAUSED"
    offered = await cast.change("thing", "myNextUpdate", ASKS, "offer { execution { id } }")
    assert offered["offer"] is None
    report = {"executionId": mine, "status": "DOWNLOADING"}
    assert (await cast.error("thing", "reportOtaExecution", report))[0] == "WRONG_STATE"
    await cast.change("editor", "reportOtaExecution", {"executionId": running, "status": "SUCCESS"})
    assert [await status_of(cast, each) for each in (mine, running)] == ["PENDING", "SUCCESS"]
    assert await cast.value(DEPLOYMENT.c.status) is DeploymentStatus.PAUSED
    await assert_counts(cast)


async def test_the_last_that_was_running_ends_it(cast: Cast) -> None:
    deployment = await deploy(cast)
    execution = await execution_of(cast, cast.thing, deployment)
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "INSTALLING"})
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "SUCCESS"})
    rows = await cast.rows(DEPLOYMENT.select())
    assert [(row.status.value, row.paused_at) for row in rows] == [("FINISHED", None)]


async def test_only_what_goes_on(cast: Cast) -> None:
    deployment = await deploy(cast)
    stale = {"id": deployment, "expectedVersion": 7}
    assert await cast.error("editor", "pauseDeployment", stale) == ("CONFLICT", ["expectedVersion"])
    await cast.change("editor", "pauseDeployment", {"id": deployment, "expectedVersion": 1})
    assert await cast.error("editor", "pauseDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("editor", "pauseDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "pauseDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.refused("pauseDeployment", {"id": deployment}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.paused_at.is_(None)) == 1
    assert await cast.count(OTA_JOB, OTA_JOB.c.paused_at.is_(None)) == 1
