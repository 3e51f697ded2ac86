from __future__ import annotations

from models.tables import OTA_JOB
from tests.cast import Cast, org_id, refusals
from tests.ota import execution_of, start_job

LIST = """query ($id: ID!, $archived: ArchiveView!) {
  organization(id: $id) { otaJobs(archived: $archived) { nodes { id } } }
}"""


async def listed(cast: Cast, view: str) -> list[str]:
    given = {"id": org_id(cast.acme), "archived": view}
    nodes = (await cast.data("viewer", LIST, given))["organization"]["otaJobs"]["nodes"]
    return [node["id"] for node in nodes]


async def test_it_leaves_the_list_when_it_has_ended(cast: Cast) -> None:
    key = await start_job(cast)
    assert await cast.error("editor", "archiveOtaJob", {"id": key}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "pauseOtaJob", {"id": key})
    assert await cast.error("editor", "archiveOtaJob", {"id": key}) == ("WRONG_STATE", ["id"])
    assert await listed(cast, "CURRENT") == [key]
    await cast.change("editor", "cancelOtaJob", {"id": key})
    stale = {"id": key, "expectedVersion": 1}
    assert await cast.error("editor", "archiveOtaJob", stale) == ("CONFLICT", ["expectedVersion"])
    payload = await cast.change("editor", "archiveOtaJob", {"id": key}, "otaJob { id archivedAt }")
    assert payload["otaJob"]["archivedAt"] is not None
    assert [await listed(cast, view) for view in ("CURRENT", "ARCHIVED", "ALL")] == [[], [key], [key]]
    assert await cast.error("editor", "archiveOtaJob", {"id": key}) == ("WRONG_STATE", ["id"])


async def test_one_that_was_done_by_its_things(cast: Cast) -> None:
    key = await start_job(cast)
    done = {"executionId": await execution_of(cast, cast.thing, key), "status": "SUCCESS"}
    await cast.change("thing", "reportOtaExecution", done)
    await cast.change("editor", "archiveOtaJob", {"id": key})
    assert await listed(cast, "CURRENT") == []


async def test_a_dynamic_one_is_cancelled_first(cast: Cast) -> None:
    key = await start_job(cast, dynamic=True)
    done = {"executionId": await execution_of(cast, cast.thing, key), "status": "SUCCESS"}
    await cast.change("thing", "reportOtaExecution", done)
    assert await cast.error("editor", "archiveOtaJob", {"id": key}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "cancelOtaJob", {"id": key})
    await cast.change("editor", "archiveOtaJob", {"id": key})
    assert await listed(cast, "CURRENT") == []


async def test_who_may_not(cast: Cast) -> None:
    key = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": key})
    await cast.refused("archiveOtaJob", {"id": key}, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "archiveOtaJob", {"id": "otajob_" + "0" * 32}) == ("NOT_FOUND", ["id"])
    assert await cast.count(OTA_JOB, OTA_JOB.c.archived_at.is_(None)) == 1
