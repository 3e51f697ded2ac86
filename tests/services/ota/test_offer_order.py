"""In which order updates are offered to a thing, what withholds them, and that it is at one at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from models import OtaJobRow
from models.enums import (
    DeploymentStatus,
    OtaJobStatus,
)
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT
from services.offers import Offers
from tests.services.ota.asking import ask, asked_for, report, row_of
from tests.services.ota.fleet import Fleet, Working
from tests.services.ota.jobs import OLD, add_file, add_job, set_job, set_thing


async def test_priority_then_age(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    older = (await add_job(fleet, [thing], artifact=artifact))[thing]
    newer = (await add_job(fleet, [thing], artifact=artifact))[thing]
    last = (await add_job(fleet, [thing], artifact=artifact, priority=10))[thing]
    first = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    for expected in (first, older, newer, last):
        assert await asked_for(fleet, offers) == expected
        await report(fleet, working, expected, Status.REJECTED)
    assert await ask(fleet, offers) is None
    await fleet.assert_counts()


async def test_one_at_a_time(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    slow = (await add_job(fleet, [thing], artifact=artifact, priority=9))[thing]
    assert await asked_for(fleet, offers) == slow
    urgent = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    assert await asked_for(fleet, offers) == slow
    await report(fleet, working, slow, Status.DOWNLOADING)
    assert await asked_for(fleet, offers) == slow
    await set_job(fleet, slow, status=OtaJobStatus.PAUSED)
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, urgent)).status is Status.PENDING
    await report(fleet, working, slow, Status.FAILURE)
    assert await asked_for(fleet, offers) == urgent


async def test_what_was_offered_and_is_withheld_makes_room(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    first = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    assert await asked_for(fleet, offers) == first
    await set_job(fleet, first, status=OtaJobStatus.PAUSED)
    second = (await add_job(fleet, [thing], artifact=artifact))[thing]
    assert await asked_for(fleet, offers) == second
    assert (await row_of(fleet, first)).status is Status.PENDING
    await set_job(fleet, first, status=OtaJobStatus.IN_PROGRESS)
    assert await asked_for(fleet, offers) == second
    await fleet.assert_counts()
    assert (await fleet.one(OtaJobRow, (await row_of(fleet, first)).job_id)).asked_count == 1


async def test_who_asks_has_let_go_of_what_was_cancelled(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    left = (await add_job(fleet, [thing], artifact=artifact, status=Status.INSTALLING))[thing]
    await set_job(fleet, left, status=OtaJobStatus.CANCELLED)
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, left)).status is Status.INSTALLING
    second = (await add_job(fleet, [thing], artifact=artifact))[thing]
    assert await asked_for(fleet, offers) == second
    row = await row_of(fleet, left)
    assert row.status is Status.ABORTED
    assert row.finished_at is not None
    await fleet.assert_counts()


@pytest.mark.parametrize(
    "withheld",
    [
        {"status": OtaJobStatus.SCHEDULED},
        {"status": OtaJobStatus.PAUSED},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"approval": True},
    ],
    ids=["not started", "paused", "over", "not approved"],
)
async def test_withheld(fleet: Fleet, offers: Offers, thing: UUID, withheld: dict[str, object]) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release)
    execution = (await add_job(fleet, [thing], release=release))[thing]
    await set_job(fleet, execution, **withheld)
    before = await row_of(fleet, execution)
    assert await ask(fleet, offers) is None
    assert await row_of(fleet, execution) == before


async def test_a_deployment_that_is_paused(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release)
    execution = (await add_job(fleet, [thing], release=release))[thing]
    async with fleet.store.write() as session:
        await session.execute(update(DEPLOYMENT).values(status=DeploymentStatus.PAUSED))
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, execution)).status is Status.PENDING


async def test_windows_are_of_the_day_where_the_thing_is(fleet: Fleet, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    execution = (await add_job(fleet, [thing], artifact=artifact, window_start=60, window_end=120))[thing]
    await set_thing(fleet, thing, time_zone="Asia/Tokyo")
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)  # 21:00 in Tokyo
    assert await Offers(fleet.store, lambda: None, clock=lambda: noon).next(fleet.thing(), OLD) is None
    assert (await row_of(fleet, execution)).status is Status.PENDING
    later = noon + timedelta(hours=4, minutes=30)  # 01:30 in Tokyo
    offer = await Offers(fleet.store, lambda: None, clock=lambda: later).next(fleet.thing(), OLD)
    assert offer is not None
    assert offer.execution_id == execution


async def test_a_failed_attempt_is_offered_again(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    execution = (await add_job(fleet, [thing], artifact=artifact, retries=1))[thing]
    assert await asked_for(fleet, offers) == execution
    for _ in range(2):
        await report(fleet, working, execution, Status.FAILURE)
    assert (await row_of(fleet, execution)).attempts == 1
    assert await asked_for(fleet, offers) == execution
    row = await row_of(fleet, execution)
    assert (row.status, row.attempts) == (Status.TRIGGERED, 1)
    assert (await fleet.one(OtaJobRow, row.job_id)).asked_count == 1
    await report(fleet, working, execution, Status.FAILURE)
    assert await ask(fleet, offers) is None
    await fleet.assert_counts()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_asking_many_times_at_once(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    await add_job(fleet, [thing], artifact=artifact)
    await add_job(fleet, [thing], artifact=artifact)
    found = await asyncio.gather(*(ask(fleet, offers) for _ in range(8)))
    assert all(each == found[0] and each is not None for each in found)
    assert [row.status for row in await fleet.all_executions()].count(Status.TRIGGERED) == 1
    await fleet.assert_counts()
