"""What is told of updates: counts, addresses, and that others' are unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.enums import OtaExecutionStatus
from tests.cast import THING_KEY, Cast
from tests.ota import FILE, declare, deploy, execution_of, start_job, upload

COUNTS = """counts { total pending awaitingApproval triggered started downloading installing rebooting delayed success
  failure rejected alreadyInstalled noArtifact aborted expired decommissioned }"""


async def test_every_status_is_counted(cast: Cast) -> None:
    things = [cast.thing, *await cast.add_things(3)]
    deployment = await deploy(cast)
    for thing, status in zip(things, ("SUCCESS", "INSTALLING", "REJECTED"), strict=False):
        report = {"executionId": await execution_of(cast, thing, deployment), "status": status}
        await cast.change("editor", "reportOtaExecution", report)
    query = f"query ($id: ID!) {{ deployment(id: $id) {{ {COUNTS} jobs {{ nodes {{ {COUNTS} }} }} }} }}"
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    counts = found["counts"]
    assert counts.pop("total") == 4 == sum(counts.values())
    assert len(counts) == len(OtaExecutionStatus)
    counted = {name: number for name, number in counts.items() if number}
    assert counted == {"pending": 1, "installing": 1, "success": 1, "rejected": 1}
    (job,) = found["jobs"]["nodes"]
    assert job["counts"].pop("total") == 4
    assert job["counts"] == counts


async def test_updates_of_others_are_unknown(cast: Cast) -> None:
    deployment, job = await deploy(cast), await start_job(cast, artifactId=(await upload(cast, version="2"))[0])
    query = "query ($one: ID!, $two: ID!) { deployment(id: $one) { id } otaJob(id: $two) { id status } }"
    named = {"one": deployment, "two": job}
    seen = {"deployment": {"id": deployment}, "otaJob": {"id": job, "status": "IN_PROGRESS"}}
    assert await cast.data("viewer", query, named) == seen
    nothing = {"deployment": None, "otaJob": None}
    assert await cast.data("outsider", query, named) == nothing
    unknown = {"one": "deployment_" + "0" * 32, "two": "otajob_" + "0" * 32}
    assert await cast.data("owner", query, unknown) == nothing
    answer = await cast.gateway.graphql(query, {"one": job, "two": job}, token=await cast.token("viewer"))
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_thing_fetches_its_update(cast: Cast) -> None:
    """The address works without the thing's key, in pieces, until its end; asking again gives a new one."""
    await deploy(cast)
    await declare(cast, version="2")
    query = "{ viewer { thing { executions { nodes { artifact { downloadUrl downloadExpiresAt } } } } } }"
    viewer = (await cast.gateway.data(query, token=f"Thing {THING_KEY}"))["viewer"]
    (execution,) = viewer["thing"]["executions"]["nodes"]
    artifact = execution["artifact"]
    ends = datetime.fromisoformat(artifact["downloadExpiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=800) < ends <= timedelta(seconds=900)
    start = await cast.gateway.request("GET", artifact["downloadUrl"], headers={"Range": "bytes=0-9"})
    rest = await cast.gateway.request("GET", artifact["downloadUrl"], headers={"Range": "bytes=10-"})
    assert (start.status, rest.status, start.body + rest.body) == (206, 206, FILE)
    waiting = "{ artifacts { nodes { status downloadUrl downloadExpiresAt } } }"
    nodes = (await cast.data("viewer", waiting))["artifacts"]["nodes"]
    assert [node for node in nodes if node["status"] == "AWAITING_UPLOAD"] == [
        {"status": "AWAITING_UPLOAD", "downloadUrl": None, "downloadExpiresAt": None}
    ]
