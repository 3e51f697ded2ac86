from __future__ import annotations

from models.tables import DEPLOYMENT
from tests.cast import Cast, refusals
from tests.ota import deploy

FIELDS = "deployment { name description priority version jobs { nodes { name priority } } }"


async def test_a_patch(cast: Cast) -> None:
    deployment = await deploy(cast)
    change = {"id": deployment, "expectedVersion": 1, "name": "July", "priority": 1}
    payload = await cast.change("editor", "updateDeployment", change, FIELDS)
    assert payload["deployment"] == {
        "name": "July",
        "description": "",
        "priority": 1,
        "version": 2,
        "jobs": {"nodes": [{"name": "June", "priority": 1}]},
    }
    assert await cast.error("editor", "updateDeployment", change) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateDeployment", {"id": deployment, "priority": 0}) == (
        "INVALID_INPUT",
        ["priority"],
    )


async def test_a_finished_one_keeps_its_priority(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("editor", "updateDeployment", {"id": deployment, "priority": 1}) == (
        "WRONG_STATE",
        ["priority"],
    )
    payload = await cast.change("editor", "updateDeployment", {"id": deployment, "description": "Stopped."}, FIELDS)
    assert (payload["deployment"]["description"], payload["deployment"]["priority"]) == ("Stopped.", 5)


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.refused("updateDeployment", {"id": deployment, "name": "x"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.name == "June") == 1
