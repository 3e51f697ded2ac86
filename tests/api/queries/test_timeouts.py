"""Jobs with an end: shown from the beginning, nothing is given out behind it, and the scheduler ends what is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import now
from models.tables import OTA_JOB
from services.expiries import Expiries
from tests.cast import Cast
from tests.ota import assert_counts, deploy, execution_of, start_job, status_of
from tests.services.ota.campaigns import Clock

READ = "query ($id: ID!) { otaJob(id: $id) { status startsAt timeoutSeconds expiresAt finishedAt counts { expired } } }"
ASKS = {"deviceType": "pump", "artifactName": "0.9"}
FIFTEEN_DAYS = 1_296_000


async def read(cast: Cast, job: str) -> dict[str, Any]:
    found: dict[str, Any] = (await cast.data("viewer", READ, {"id": job}))["otaJob"]
    return found


async def offered(cast: Cast) -> Any:
    return (await cast.change("thing", "myNextUpdate", ASKS, "offer { execution { id } }"))["offer"]


async def test_the_end_is_shown_and_counted_from_the_start(cast: Cast) -> None:
    lasting = await read(cast, await start_job(cast, timeoutSeconds=FIFTEEN_DAYS))
    start, end = (datetime.fromisoformat(lasting[name]) for name in ("startsAt", "expiresAt"))
    assert (end - start, lasting["timeoutSeconds"]) == (timedelta(days=15), FIFTEEN_DAYS)


@pytest.mark.parametrize("dynamic", [False, True])
async def test_nothing_is_given_out_behind_it_and_the_job_is_finished(cast: Cast, *, dynamic: bool) -> None:
    job = await start_job(cast, timeoutSeconds=FIFTEEN_DAYS, dynamic=dynamic)
    execution = await execution_of(cast, cast.thing, job)
    assert await cast.error("editor", "archiveOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])
    async with cast.store.write() as session:
        await session.execute(update(OTA_JOB).values(expires_at=now() - timedelta(seconds=1)))
    assert await offered(cast) is None  # before any process has looked
    assert await status_of(cast, execution) == "PENDING"
    await Expiries(cast.store, lambda: None).run()
    found = await read(cast, job)
    assert (found["status"], found["counts"]["expired"]) == ("FINISHED", 1)
    assert found["finishedAt"] is not None
    late = {"executionId": execution, "status": "SUCCESS"}
    assert (await cast.error("thing", "reportOtaExecution", late))[0] == "CONFLICT"
    await cast.change("editor", "archiveOtaJob", {"id": job})
    await assert_counts(cast)


async def test_without_one_it_lasts(cast: Cast) -> None:
    job = await start_job(cast)
    clock = Clock()
    clock.forward(days=10_000)
    assert await Expiries(cast.store, lambda: None, clock).run() == 0
    found = await read(cast, job)
    assert (found["status"], found["timeoutSeconds"], found["expiresAt"]) == ("IN_PROGRESS", None, None)
    assert (await offered(cast))["execution"]["id"] == await execution_of(cast, cast.thing, job)


async def test_a_deployment_ends_with_the_time_of_its_last_phase(cast: Cast) -> None:
    clock = Clock()
    phases = [{"count": 1}, {"startsAt": (clock() + timedelta(hours=1)).isoformat()}]
    await cast.add_things(1)
    deployment = await deploy(cast, phases=phases, timeoutSeconds=3_600)
    query = "query ($id: ID!) { deployment(id: $id) { status expiresAt jobs { nodes { status expiresAt } } } }"
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found["expiresAt"] == found["jobs"]["nodes"][1]["expiresAt"] > found["jobs"]["nodes"][0]["expiresAt"]
    expiries = Expiries(cast.store, lambda: None, clock)
    clock.forward(hours=1, minutes=1)
    await expiries.run()
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert [job["status"] for job in found["jobs"]["nodes"]] == ["FINISHED", "SCHEDULED"]
    assert found["status"] == "IN_PROGRESS"
    clock.forward(hours=1)
    await expiries.run()
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found["status"] == "FINISHED"
