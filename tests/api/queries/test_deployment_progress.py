"""One deployment with its phases, and its status from the first moment to the last."""

from __future__ import annotations

from typing import Any

import pytest

from models.enums import AttributeScope
from models.tables import THING_ATTRIBUTE
from services import beginnings
from services.job_starts import JobStarts
from tests.cast import Cast
from tests.ota import assert_counts, deploy, execution_of, upload
from tests.services.ota.campaigns import Clock

READ = """query ($id: ID!) {
  deployment(id: $id) {
    id status startsAt finishedAt abortedAt askedCount initialThingCount dynamic maxThings
    counts { total pending triggered success failure aborted }
    jobs { nodes { id phase status startsAt begunAt askedCount phasePercent phaseCount plannedCount } }
  }
}"""
ASKS = {"deviceType": "pump", "artifactName": "0.9"}


async def read(cast: Cast, deployment: str) -> dict[str, Any]:
    found: dict[str, Any] = (await cast.data("viewer", READ, {"id": deployment}))["deployment"]
    return found


async def test_phases_say_who_has_asked(cast: Cast) -> None:
    """What a phase was given, and how many things have asked for the update, are two numbers."""
    await cast.add_things(3)
    phases = [{"percent": 50}, {"startsAt": "2999-01-01T00:00:00Z"}]
    key = await deploy(cast, phases=phases)
    found = await read(cast, key)
    jobs = found["jobs"]["nodes"]
    assert [(job["phase"], job["status"], job["plannedCount"], job["askedCount"]) for job in jobs] == [
        (1, "IN_PROGRESS", 2, 0),
        (2, "SCHEDULED", 2, 0),
    ]
    assert [job["phasePercent"] for job in jobs] == [50, None]
    assert jobs[0]["begunAt"] == found["startsAt"]
    assert (jobs[1]["startsAt"], jobs[1]["begunAt"]) == ("2999-01-01T00:00:00.000000Z", None)
    assert len({job["id"] for job in jobs}) == 2
    await cast.change("thing", "myNextUpdate", ASKS)
    await cast.change("thing", "myNextUpdate", ASKS)
    found = await read(cast, key)
    asked = [job["askedCount"] for job in found["jobs"]["nodes"]]
    # Things go into phases by their ids, which grow with time: the one that asks is in the first.
    assert asked == [1, 0]
    assert found["askedCount"] == sum(asked)
    unknown = await cast.data("viewer", READ, {"id": "deployment_" + "0" * 32})
    assert unknown["deployment"] is None


async def test_a_deployment_lives(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    clock = Clock()
    clock.forward(hours=1)
    key = await deploy(cast, startsAt=clock().isoformat())
    assert (await read(cast, key))["status"] == "SCHEDULED"
    starts = JobStarts(cast.store, lambda: None, beginnings.begin, clock)
    assert await starts.run() == 1
    assert (await read(cast, key))["status"] == "PENDING"
    await cast.change("thing", "myNextUpdate", ASKS, "offer { execution { id } }")
    found = await read(cast, key)
    assert (found["status"], found["counts"]["triggered"], found["askedCount"]) == ("PENDING", 1, 1)
    mine, theirs = [await execution_of(cast, thing, key) for thing in (cast.thing, other)]
    await cast.change("thing", "reportOtaExecution", {"executionId": mine, "status": "DOWNLOADING"})
    assert (await read(cast, key))["status"] == "IN_PROGRESS"
    await cast.change("thing", "reportOtaExecution", {"executionId": mine, "status": "FAILURE"})
    found = await read(cast, key)
    assert (found["status"], found["finishedAt"]) == ("IN_PROGRESS", None)
    await cast.change("editor", "reportOtaExecution", {"executionId": theirs, "status": "FAILURE"})
    found = await read(cast, key)
    # Finished is no verdict: nothing has succeeded.
    assert (found["status"], found["counts"]["failure"]) == ("FINISHED", 2)
    assert found["finishedAt"] is not None
    assert found["abortedAt"] is None
    await assert_counts(cast)


@pytest.mark.parametrize("status", ["SUCCESS", "REJECTED"])
async def test_one_that_ends_without_a_step_before_is_progress(cast: Cast, status: str) -> None:
    await cast.add_things(1)
    key = await deploy(cast)
    mine = await execution_of(cast, cast.thing, key)
    await cast.change("thing", "reportOtaExecution", {"executionId": mine, "status": status})
    assert (await read(cast, key))["status"] == "IN_PROGRESS"


async def test_things_that_nothing_fits_are_progress(cast: Cast) -> None:
    """Something has ended while others are open, from the first moment on."""
    (other,) = await cast.add_things(1)
    kind = {"thing_id": other, "scope": AttributeScope.INVENTORY, "name": "device_type"}
    async with cast.store.write() as session:
        await session.execute(THING_ATTRIBUTE.insert().values(**kind, value="valve", text_value="valve"))
    key = await deploy(cast, releaseId=(await upload(cast, compatibleTypes=["DEVICE"]))[1])
    found = await read(cast, key)
    assert (found["status"], found["counts"]["pending"], found["counts"]["total"]) == ("IN_PROGRESS", 1, 2)


async def test_a_full_dynamic_one_is_finished(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    key = await deploy(cast, dynamic=True, maxThings=1)
    found = await read(cast, key)
    assert (found["status"], found["dynamic"], found["maxThings"]) == ("PENDING", True, 1)
    mine = await execution_of(cast, cast.thing, key)
    await cast.change("thing", "reportOtaExecution", {"executionId": mine, "status": "DOWNLOADING"})
    assert (await read(cast, key))["status"] == "IN_PROGRESS"
    await cast.change("thing", "reportOtaExecution", {"executionId": mine, "status": "FAILURE"})
    found = await read(cast, key)
    assert (found["status"], found["counts"]["failure"], found["counts"]["aborted"]) == ("FINISHED", 1, 1)
    theirs = await execution_of(cast, other, key)
    late = {"executionId": theirs, "status": "SUCCESS"}
    assert (await cast.error("editor", "reportOtaExecution", late))[0] == "CONFLICT"
    await assert_counts(cast)
