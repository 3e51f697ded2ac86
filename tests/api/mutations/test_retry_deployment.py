from __future__ import annotations

from models.tables import DEPLOYMENT
from tests.cast import Cast, refusals, thing_id
from tests.ota import assert_counts, deploy, execution_of

FIELDS = """deployment {
  name priority retryOf { id } counts { total pending } executions { nodes { status thing { id } } }
}"""


async def test_what_failed_is_tried_again(cast: Cast) -> None:
    (good,) = await cast.add_things(1)
    before = await deploy(cast, priority=2)
    assert await cast.error("editor", "retryDeployment", {"id": before, "name": "Again"}) == ("WRONG_STATE", ["id"])
    for thing, status in ((cast.thing, "FAILURE"), (good, "SUCCESS")):
        report = {"executionId": await execution_of(cast, thing, before), "status": status}
        await cast.change("editor", "reportOtaExecution", report)
    payload = await cast.change("editor", "retryDeployment", {"id": before, "name": "Again"}, FIELDS)
    assert payload["deployment"] == {
        "name": "Again",
        "priority": 2,
        "retryOf": {"id": before},
        "counts": {"total": 1, "pending": 1},
        "executions": {"nodes": [{"status": "PENDING", "thing": {"id": thing_id(cast.thing)}}]},
    }
    await assert_counts(cast)


async def test_without_failures_there_is_nothing_to_try(cast: Cast) -> None:
    before = await deploy(cast)
    report = {"executionId": await execution_of(cast, cast.thing, before), "status": "SUCCESS"}
    await cast.change("editor", "reportOtaExecution", report)
    assert await cast.error("editor", "retryDeployment", {"id": before, "name": "Again"}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "retryDeployment", {"id": before, "name": ""}) == ("INVALID_INPUT", ["name"])
    missing = {"id": "deployment_" + "0" * 32, "name": "Again"}
    assert await cast.error("editor", "retryDeployment", missing) == ("NOT_FOUND", ["id"])
    assert await cast.count(DEPLOYMENT) == 1


async def test_who_may_not(cast: Cast) -> None:
    before = await deploy(cast)
    await cast.refused("retryDeployment", {"id": before, "name": "Again"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT) == 1
