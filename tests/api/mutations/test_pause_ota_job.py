from __future__ import annotations

from models.enums import OtaJobStatus
from models.tables import OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import deploy, execution_of, start_job

FIELDS = "otaJob { status pausedAt version deployment { status } }"


async def test_it_is_held_and_its_deployment_is_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    query = "query ($id: ID!) { deployment(id: $id) { jobs { nodes { id } } } }"
    (job,) = (await cast.data("viewer", query, {"id": deployment}))["deployment"]["jobs"]["nodes"]
    found = (await cast.change("editor", "pauseOtaJob", job, FIELDS))["otaJob"]
    assert found.pop("pausedAt") is not None
    assert found == {"status": "PAUSED", "version": 2, "deployment": {"status": "PENDING"}}
    execution = await execution_of(cast, cast.thing, deployment)
    report = {"executionId": execution, "status": "DOWNLOADING"}
    assert (await cast.error("thing", "reportOtaExecution", report))[0] == "WRONG_STATE"


async def test_only_what_goes_on(cast: Cast) -> None:
    job = await start_job(cast)
    stale = {"id": job, "expectedVersion": 7}
    assert await cast.error("editor", "pauseOtaJob", stale) == ("CONFLICT", ["expectedVersion"])
    await cast.change("editor", "pauseOtaJob", {"id": job})
    assert await cast.error("editor", "pauseOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "cancelOtaJob", {"id": job})
    assert await cast.error("editor", "pauseOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "pauseOtaJob", {"id": "otajob_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.refused("pauseOtaJob", {"id": job}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB, OTA_JOB.c.status == OtaJobStatus.IN_PROGRESS) == 1
