from __future__ import annotations

from models.tables import DEPLOYMENT
from tests.cast import Cast, refusals
from tests.ota import deploy


async def test_it_comes_back(cast: Cast) -> None:
    key = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": key})
    assert await cast.error("editor", "unarchiveDeployment", {"id": key}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "archiveDeployment", {"id": key})
    stale = {"id": key, "expectedVersion": 1}
    assert await cast.error("editor", "unarchiveDeployment", stale) == ("CONFLICT", ["expectedVersion"])
    payload = await cast.change("editor", "unarchiveDeployment", {"id": key}, "deployment { id archivedAt }")
    assert payload["deployment"] == {"id": key, "archivedAt": None}


async def test_who_may_not(cast: Cast) -> None:
    key = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": key})
    await cast.change("editor", "archiveDeployment", {"id": key})
    await cast.refused("unarchiveDeployment", {"id": key}, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "unarchiveDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.archived_at.is_not(None)) == 1
