from __future__ import annotations

from models.enums import OtaJobStatus
from models.tables import OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import deploy, execution_of, start_job, status_of

FIELDS = "otaJob { status pausedAt }"


async def test_it_goes_on(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.change("editor", "pauseOtaJob", {"id": job})
    payload = await cast.change("editor", "resumeOtaJob", {"id": job}, FIELDS)
    assert payload["otaJob"] == {"status": "IN_PROGRESS", "pausedAt": None}
    execution = await execution_of(cast, cast.thing, job)
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "SUCCESS"})
    assert await status_of(cast, execution) == "SUCCESS"


async def test_a_scheduled_one_waits_for_its_time(cast: Cast) -> None:
    job = await start_job(cast, startsAt="2999-01-01T00:00:00Z")
    await cast.change("editor", "pauseOtaJob", {"id": job})
    payload = await cast.change("editor", "resumeOtaJob", {"id": job}, FIELDS)
    assert payload["otaJob"] == {"status": "SCHEDULED", "pausedAt": None}


async def test_only_what_is_paused_and_not_within_a_paused_deployment(cast: Cast) -> None:
    deployment = await deploy(cast)
    query = "query ($id: ID!) { deployment(id: $id) { jobs { nodes { id } } } }"
    (job,) = (await cast.data("viewer", query, {"id": deployment}))["deployment"]["jobs"]["nodes"]
    assert await cast.error("editor", "resumeOtaJob", job) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    assert await cast.error("editor", "resumeOtaJob", job) == ("WRONG_STATE", ["id"])
    assert await cast.value(OTA_JOB.c.status) is OtaJobStatus.PAUSED
    stale = {**job, "expectedVersion": 1}
    assert await cast.error("editor", "resumeOtaJob", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "resumeOtaJob", {"id": "otajob_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.change("editor", "pauseOtaJob", {"id": job})
    await cast.refused("resumeOtaJob", {"id": job}, refusals(viewer="FORBIDDEN"))
    assert await cast.value(OTA_JOB.c.status) is OtaJobStatus.PAUSED
