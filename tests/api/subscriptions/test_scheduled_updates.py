"""A gateway starts and ends by itself what is due, and tells those who watch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.columns import now
from tests.cast import Cast
from tests.gateways import StartGateway
from tests.ota import execution_of, start_job, status_of, upload

WATCH = "subscription { otaJobProgress { otaJob { id status begunAt counts { expired } } } }"
SECONDS = 60.0


@pytest.fixture
async def cast(start_gateway: StartGateway) -> Cast:
    """The small world behind a gateway that looks for what is due all the time."""
    made = Cast(await start_gateway(scheduler_seconds=0.05))
    await made.build()
    return made


async def test_a_job_starts_and_ends_at_its_times(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    starts_at = (now() + timedelta(seconds=1)).isoformat()
    async with cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as events:
        job = await start_job(cast, artifactId=artifact, startsAt=starts_at, timeoutSeconds=1)

        async def until(status: str) -> Any:
            while True:
                found = (await events.next(SECONDS))["otaJobProgress"]["otaJob"]
                if found["status"] == status:
                    return found

        begun = await until("IN_PROGRESS")
        assert begun["id"] == job
        assert begun["begunAt"] is not None
        assert (await until("FINISHED"))["counts"] == {"expired": 1}
    assert await status_of(cast, await execution_of(cast, cast.thing, job)) == "EXPIRED"
