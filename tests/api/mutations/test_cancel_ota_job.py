from __future__ import annotations

from models.enums import OtaJobStatus
from models.tables import OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import assert_counts, deploy, execution_of, start_job, status_of

FIELDS = "otaJob { id status finishedAt counts { aborted success } deployment { status abortedAt counts { aborted } } }"


async def test_what_is_open_is_aborted(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    job = await start_job(cast)
    done, waiting = await execution_of(cast, cast.thing, job), await execution_of(cast, other, job)
    await cast.change("thing", "reportOtaExecution", {"executionId": done, "status": "SUCCESS"})
    payload = await cast.change("editor", "cancelOtaJob", {"id": job}, FIELDS)
    assert payload["otaJob"].pop("finishedAt") is not None
    assert payload["otaJob"] == {
        "id": job,
        "status": "CANCELLED",
        "counts": {"aborted": 1, "success": 1},
        "deployment": None,
    }
    assert [await status_of(cast, each) for each in (done, waiting)] == ["SUCCESS", "ABORTED"]
    await assert_counts(cast)
    assert await cast.error("editor", "cancelOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])


async def test_the_phase_of_a_deployment(cast: Cast) -> None:
    deployment = await deploy(cast)
    query = "query ($id: ID!) { deployment(id: $id) { jobs { nodes { id } } } }"
    (job,) = (await cast.data("viewer", query, {"id": deployment}))["deployment"]["jobs"]["nodes"]
    payload = await cast.change("editor", "cancelOtaJob", job, FIELDS)
    assert payload["otaJob"]["deployment"] == {"status": "FINISHED", "abortedAt": None, "counts": {"aborted": 1}}
    await assert_counts(cast)
    assert await cast.error("editor", "deleteOtaJob", job) == ("WRONG_STATE", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.refused("cancelOtaJob", {"id": job}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB, OTA_JOB.c.status == OtaJobStatus.IN_PROGRESS) == 1
