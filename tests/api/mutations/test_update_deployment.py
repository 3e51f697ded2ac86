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


RULES = """deployment {
  version metadata stopFailures stopPercent stopMinimum windowStart windowEnd description
  jobs { nodes { metadata stopFailures windowStart description } }
}"""


async def test_rules_of_its_jobs_too(cast: Cast) -> None:
    deployment = await deploy(cast, window={"start": 0, "end": 60}, stop={"percent": 5})
    change = {"id": deployment, "metadata": {"a": 1}, "stop": {"failures": 2}, "window": None, "description": "New."}
    payload = await cast.change("editor", "updateDeployment", change, RULES)
    assert payload["deployment"] == {
        "version": 2,
        "metadata": {"a": 1},
        "stopFailures": 2,
        "stopPercent": None,
        "stopMinimum": None,
        "windowStart": None,
        "windowEnd": None,
        "description": "New.",
        "jobs": {"nodes": [{"metadata": {"a": 1}, "stopFailures": 2, "windowStart": None, "description": "New."}]},
    }
    for bad, path in (
        ({"stop": {"failures": -1}}, ["stop", "failures"]),
        ({"window": {"start": 5, "end": 5}}, ["window"]),
        ({"metadata": "x"}, ["metadata"]),
    ):
        assert await cast.error("editor", "updateDeployment", {"id": deployment, **bad}) == ("INVALID_INPUT", path)
    again = await cast.change("editor", "updateDeployment", {"id": deployment, "stop": None}, RULES)
    assert (again["deployment"]["stopFailures"], again["deployment"]["version"]) == (None, 3)


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.refused("updateDeployment", {"id": deployment, "name": "x"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.name == "June") == 1
