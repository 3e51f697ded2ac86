from __future__ import annotations

from models.tables import OTA_JOB
from tests.cast import Cast, refusals, thing_id
from tests.ota import assert_counts, execution_of, start_job

FIELDS = """otaJob {
  name retries retryOf { id } artifact { id } counts { total pending } executions { nodes { status thing { id } } }
}"""


async def test_what_failed_is_tried_again(cast: Cast) -> None:
    (good,) = await cast.add_things(1)
    before = await start_job(cast)
    assert await cast.error("editor", "retryOtaJob", {"id": before, "name": "Again"}) == ("WRONG_STATE", ["id"])
    for thing, status in ((cast.thing, "FAILURE"), (good, "SUCCESS")):
        report = {"executionId": await execution_of(cast, thing, before), "status": status}
        await cast.change("editor", "reportOtaExecution", report)
    payload = await cast.change("editor", "retryOtaJob", {"id": before, "name": "Again"}, FIELDS)
    query = "query ($id: ID!) { otaJob(id: $id) { artifact { id } } }"
    artifact = (await cast.data("editor", query, {"id": before}))["otaJob"]["artifact"]
    assert payload["otaJob"] == {
        "name": "Again",
        "retries": 0,
        "retryOf": {"id": before},
        "artifact": artifact,
        "counts": {"total": 1, "pending": 1},
        "executions": {"nodes": [{"status": "PENDING", "thing": {"id": thing_id(cast.thing)}}]},
    }
    await assert_counts(cast)


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    before = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": before})
    assert await cast.error("editor", "retryOtaJob", {"id": before, "name": "Again"}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "retryOtaJob", {"id": before, "name": ""}) == ("INVALID_INPUT", ["name"])
    missing = {"id": "otajob_" + "0" * 32, "name": "Again"}
    assert await cast.error("editor", "retryOtaJob", missing) == ("NOT_FOUND", ["id"])
    assert await cast.count(OTA_JOB) == 1


async def test_who_may_not(cast: Cast) -> None:
    before = await start_job(cast)
    await cast.refused("retryOtaJob", {"id": before, "name": "Again"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB) == 1
