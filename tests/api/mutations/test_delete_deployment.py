from __future__ import annotations

from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import deploy


async def test_only_a_finished_one(cast: Cast) -> None:
    deployment = await deploy(cast)
    assert await cast.error("editor", "deleteDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    assert await cast.count(OTA_EXECUTION) == 1
    await cast.change("editor", "abortDeployment", {"id": deployment})
    payload = await cast.change("editor", "deleteDeployment", {"id": deployment}, "deletedId")
    assert payload == {"deletedId": deployment}
    for table in (DEPLOYMENT, OTA_JOB, OTA_EXECUTION):
        assert await cast.count(table) == 0


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": deployment})
    await cast.refused("deleteDeployment", {"id": deployment}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT) == 1
