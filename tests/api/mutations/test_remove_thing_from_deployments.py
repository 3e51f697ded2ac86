from __future__ import annotations

from models.tables import OTA_EXECUTION, THING
from tests.cast import Cast, refusals, thing_id
from tests.ota import assert_counts, deploy, execution_of, start_job, status_of, upload


async def test_all_that_is_open_ends_and_what_has_ended_stays(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    artifact, release = await upload(cast)
    past = await deploy(cast, releaseId=release)
    done = await execution_of(cast, cast.thing, past)
    await cast.change("thing", "reportOtaExecution", {"executionId": done, "status": "FAILURE"})
    campaign, job = await deploy(cast, releaseId=release), await start_job(cast, artifactId=artifact)
    mine = [await execution_of(cast, cast.thing, parent) for parent in (campaign, job)]
    await cast.change("thing", "reportOtaExecution", {"executionId": mine[0], "status": "DOWNLOADING"})
    payload = await cast.change(
        "editor", "removeThingFromDeployments", {"thingId": thing_id(cast.thing)}, "thing { id }"
    )
    assert payload["thing"] == {"id": thing_id(cast.thing)}
    assert [await status_of(cast, each) for each in mine] == ["DECOMMISSIONED", "DECOMMISSIONED"]
    assert await status_of(cast, done) == "FAILURE"
    assert await status_of(cast, await execution_of(cast, other, campaign)) == "PENDING"
    late = {"executionId": mine[0], "status": "SUCCESS"}
    assert (await cast.error("thing", "reportOtaExecution", late))[0] == "CONFLICT"
    await assert_counts(cast)
    assert await cast.count(THING, THING.c.id == cast.thing) == 1


async def test_the_last_thing_finishes_a_deployment(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "removeThingFromDeployments", {"thingId": thing_id(cast.thing)})
    query = "query ($id: ID!) { deployment(id: $id) { status finishedAt counts { decommissioned total } } }"
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found.pop("finishedAt") is not None
    assert found == {"status": "FINISHED", "counts": {"decommissioned": 1, "total": 1}}


async def test_nothing_to_do_is_no_error(cast: Cast) -> None:
    await cast.change("editor", "removeThingFromDeployments", {"thingId": thing_id(cast.thing)})
    assert await cast.count(OTA_EXECUTION) == 0
    unknown = {"thingId": "thing_" + "0" * 32}
    assert await cast.error("editor", "removeThingFromDeployments", unknown) == ("NOT_FOUND", ["thingId"])


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    given = {"thingId": thing_id(cast.thing)}
    await cast.refused("removeThingFromDeployments", given, refusals(viewer="FORBIDDEN"))
    assert await status_of(cast, await execution_of(cast, cast.thing, deployment)) == "PENDING"
