from __future__ import annotations

from models.tables import DEPLOYMENT
from tests.cast import Cast, org_id, refusals
from tests.ota import deploy, execution_of

LIST = """query ($id: ID!, $archived: ArchiveView!) {
  organization(id: $id) { deployments(archived: $archived) { nodes { id } } }
}"""


async def listed(cast: Cast, view: str) -> list[str]:
    given = {"id": org_id(cast.acme), "archived": view}
    nodes = (await cast.data("viewer", LIST, given))["organization"]["deployments"]["nodes"]
    return [node["id"] for node in nodes]


async def test_it_leaves_the_list_when_it_has_ended(cast: Cast) -> None:
    key = await deploy(cast)
    assert await cast.error("editor", "archiveDeployment", {"id": key}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "pauseDeployment", {"id": key})
    assert await cast.error("editor", "archiveDeployment", {"id": key}) == ("WRONG_STATE", ["id"])
    assert await listed(cast, "CURRENT") == [key]
    await cast.change("editor", "abortDeployment", {"id": key})
    stale = {"id": key, "expectedVersion": 1}
    assert await cast.error("editor", "archiveDeployment", stale) == ("CONFLICT", ["expectedVersion"])
    payload = await cast.change("editor", "archiveDeployment", {"id": key}, "deployment { id archivedAt }")
    assert payload["deployment"]["archivedAt"] is not None
    assert [await listed(cast, view) for view in ("CURRENT", "ARCHIVED", "ALL")] == [[], [key], [key]]
    assert await cast.error("editor", "archiveDeployment", {"id": key}) == ("WRONG_STATE", ["id"])


async def test_one_that_was_done_by_its_things(cast: Cast) -> None:
    key = await deploy(cast)
    done = {"executionId": await execution_of(cast, cast.thing, key), "status": "SUCCESS"}
    await cast.change("thing", "reportOtaExecution", done)
    await cast.change("editor", "archiveDeployment", {"id": key})
    assert await listed(cast, "CURRENT") == []


async def test_who_may_not(cast: Cast) -> None:
    key = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": key})
    await cast.refused("archiveDeployment", {"id": key}, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "archiveDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.archived_at.is_(None)) == 1
