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


async def test_what_has_begun_may_report_its_end(cast: Cast) -> None:
    """Nothing is offered any more; who is in the middle goes on, and its end is counted."""
    offered, running = await cast.add_things(2)
    job = await start_job(cast)
    mine, asked, begun = [await execution_of(cast, thing, job) for thing in (cast.thing, offered, running)]
    for status in ("STARTED", "DOWNLOADING"):
        await cast.change("editor", "reportOtaExecution", {"executionId": begun, "status": status})
    fields = "otaJob { status cancelledAt finishedAt counts { aborted downloading } }"
    found = (await cast.change("editor", "cancelOtaJob", {"id": job}, fields))["otaJob"]
    assert found.pop("cancelledAt") is not None
    assert found == {"status": "CANCELLED", "finishedAt": None, "counts": {"aborted": 2, "downloading": 1}}
    asks = {"deviceType": "pump", "artifactName": "0.9"}
    assert (await cast.change("thing", "myNextUpdate", asks, "offer { execution { id } }"))["offer"] is None
    late = {"executionId": mine, "status": "DOWNLOADING"}
    assert (await cast.error("thing", "reportOtaExecution", late))[0] == "CONFLICT"
    assert await cast.error("editor", "deleteOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "reportOtaExecution", {"executionId": begun, "status": "SUCCESS"})
    assert [await status_of(cast, each) for each in (mine, asked, begun)] == ["ABORTED", "ABORTED", "SUCCESS"]
    assert await cast.value(OTA_JOB.c.status) is OtaJobStatus.CANCELLED
    assert await cast.value(OTA_JOB.c.finished_at) is not None
    await assert_counts(cast)
    await cast.change("editor", "deleteOtaJob", {"id": job})


async def test_only_once_and_only_what_is_there(cast: Cast) -> None:
    job = await start_job(cast)
    stale = {"id": job, "expectedVersion": 7}
    assert await cast.error("editor", "cancelOtaJob", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "cancelOtaJob", {"id": "otajob_" + "0" * 32}) == ("NOT_FOUND", ["id"])
    done = {"executionId": await execution_of(cast, cast.thing, job), "status": "SUCCESS"}
    await cast.change("thing", "reportOtaExecution", done)
    assert await cast.error("editor", "cancelOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.refused("cancelOtaJob", {"id": job}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB, OTA_JOB.c.status == OtaJobStatus.IN_PROGRESS) == 1
