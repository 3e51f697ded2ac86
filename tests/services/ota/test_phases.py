"""Phases: their rules, their sizes, and what a deployment in phases is made of."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION, OTA_JOB
from services.access import Access
from services.campaign_rules import Rules
from services.errors import FleetError, InvalidInput, LimitReached
from services.phases import Phase, check_phases, ends_of
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder

NOW = now()
HOUR = timedelta(hours=1)
LATER = NOW + HOUR
BAD: list[tuple[list[Phase], tuple[str, ...]]] = [
    ([], ("phases",)),
    ([Phase(), Phase(starts_at=LATER)], ("phases", "0")),
    ([Phase(percent=10, count=1)], ("phases", "0")),
    ([Phase(percent=0)], ("phases", "0", "percent")),
    ([Phase(percent=101)], ("phases", "0", "percent")),
    ([Phase(count=0)], ("phases", "0", "count")),
    ([Phase(percent=60), Phase(percent=41, starts_at=LATER)], ("phases",)),
    ([Phase(percent=10), Phase()], ("phases", "1")),
    ([Phase(percent=10, after_success_percent=90), Phase(starts_at=LATER)], ("phases", "0", "afterSuccessPercent")),
    ([Phase(percent=10), Phase(after_success_percent=101)], ("phases", "1", "afterSuccessPercent")),
    ([Phase(percent=10), Phase(starts_at=NOW)], ("phases", "1", "startsAt")),
    ([Phase(percent=10, starts_at=LATER), Phase(starts_at=LATER)], ("phases", "1", "startsAt")),
    (
        [Phase(percent=10), Phase(percent=10, starts_at=LATER + HOUR), Phase(starts_at=LATER)],
        ("phases", "2", "startsAt"),
    ),
]


@pytest.mark.parametrize(("phases", "path"), BAD)
def test_phases_that_break_a_rule(phases: list[Phase], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_phases(phases, None, NOW, dynamic=False)
    assert caught.value.path == path


def test_phases_that_are_fine() -> None:
    check_phases([Phase()], None, NOW, dynamic=False)
    check_phases([Phase(percent=100)], None, NOW, dynamic=True)
    check_phases([Phase(percent=10), Phase(starts_at=LATER)], None, NOW, dynamic=True)
    check_phases([Phase(count=3, starts_at=NOW - HOUR), Phase(after_success_percent=0)], None, NOW, dynamic=True)
    check_phases([Phase(percent=50), Phase(percent=20, starts_at=LATER)], None, NOW, dynamic=False)
    check_phases([Phase(percent=1)] + [Phase(percent=1, after_success_percent=1)] * 99, None, NOW, dynamic=True)


def test_one_start_one_size_for_the_rest_and_a_bound() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_phases([Phase(starts_at=LATER)], LATER, NOW, dynamic=False)
    assert caught.value.path == ("startsAt",)
    with pytest.raises(InvalidInput):
        check_phases([Phase(percent=10), Phase(starts_at=LATER)], LATER, NOW, dynamic=False)
    with pytest.raises(InvalidInput) as caught:
        check_phases([Phase(percent=50), Phase(percent=20, starts_at=LATER)], None, NOW, dynamic=True)
    assert caught.value.path == ("phases",)
    with pytest.raises(LimitReached):
        check_phases([Phase(count=1)] + [Phase(count=1, after_success_percent=1)] * 100, None, NOW, dynamic=False)


def test_sizes_are_rounded_down_and_the_last_takes_the_rest() -> None:
    assert ends_of([Phase(percent=10), Phase(percent=50), Phase()], 11) == [1, 6, 11]
    assert ends_of([Phase(count=4), Phase(percent=30), Phase()], 10) == [4, 7, 10]
    assert ends_of([Phase(percent=50), Phase(percent=25)], 11) == [5, 7]
    assert ends_of([Phase(percent=33), Phase(percent=33), Phase(percent=34)], 10) == [3, 6, 10]
    assert ends_of([Phase()], 1) == [1]


@pytest.mark.parametrize(
    ("phases", "total", "index"),
    [
        ([Phase(percent=5), Phase()], 11, 0),
        ([Phase()], 0, 0),
        ([Phase(count=3), Phase(count=8)], 10, 1),
        ([Phase(count=10), Phase()], 10, 1),
        ([Phase(count=11), Phase()], 10, 0),
    ],
)
def test_a_phase_without_things_or_beyond_them(phases: list[Phase], total: int, index: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        ends_of(phases, total)
    assert caught.value.path == ("phases", str(index))


@given(
    percents=st.lists(st.integers(1, 30), min_size=1, max_size=6).filter(lambda each: sum(each) < 100),
    total=st.integers(1, 200_000),
)
def test_sizes_are_exact(percents: list[int], total: int) -> None:
    phases = [*(Phase(percent=percent) for percent in percents), Phase()]
    try:
        ends = ends_of(phases, total)
    except InvalidInput:
        assert any(total * percent // 100 == 0 for percent in percents)
        return
    sizes = [end - before for before, end in zip((0, *ends), ends, strict=False)]
    assert sizes[:-1] == [total * percent // 100 for percent in percents]
    assert sum(sizes) == total


async def test_a_job_for_each_phase(fleet: Fleet, working: Working, editor: Access) -> None:
    things = sorted(await fleet.add_things(11))
    phases = [Phase(percent=10), Phase(percent=50, starts_at=LATER), Phase(after_success_percent=90)]
    rules = Rules(timeout_seconds=7200)
    key = await start(fleet, working, editor, Target(everything=True), rules=rules, phases=phases)
    deployment, jobs = await fleet.one(DeploymentRow, key), await jobs_of(fleet)
    assert (deployment.status, deployment.pending_count) == (DeploymentStatus.PENDING, 11)
    assert (deployment.initial_thing_count, deployment.expires_at) == (11, None)
    assert [(job.phase, job.planned_count, job.pending_count) for job in jobs] == [(1, 1, 1), (2, 5, 5), (3, 5, 5)]
    assert [(job.phase_percent, job.phase_count, job.after_success_percent) for job in jobs] == [
        (10, None, None),
        (50, None, None),
        (None, None, 90),
    ]
    waits = OtaJobStatus.SCHEDULED
    assert [job.status for job in jobs] == [OtaJobStatus.IN_PROGRESS, waits, waits]
    assert [job.begun_at is None for job in jobs] == [False, True, True]
    assert [job.starts_at for job in jobs] == [deployment.starts_at, LATER, LATER]
    assert [job.expires_at for job in jobs] == [deployment.starts_at + 2 * HOUR, LATER + 2 * HOUR, None]
    made = await fleet.executions()
    assert [made[thing].job_id for thing in things] == [jobs[0].id, *[jobs[1].id] * 5, *[jobs[2].id] * 5]
    assert {row.status for row in made.values()} == {Status.PENDING}
    await fleet.assert_counts()
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == 11
    assert len(await fleet.events(EventKind.OTA_JOB_CHANGED)) == 3


async def test_a_first_phase_that_is_for_later(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(4)
    phases = [Phase(percent=50, starts_at=LATER), Phase(starts_at=LATER + HOUR)]
    key = await start(fleet, working, editor, Target(everything=True), phases=phases)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.status, deployment.starts_at) == (DeploymentStatus.SCHEDULED, LATER)
    assert {job.status for job in await jobs_of(fleet)} == {OtaJobStatus.SCHEDULED}


async def test_percents_below_a_hundred_leave_things_alone(fleet: Fleet, working: Working, editor: Access) -> None:
    things = sorted(await fleet.add_things(10))
    key = await start(fleet, working, editor, Target(everything=True), phases=[Phase(percent=30)])
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.pending_count, deployment.initial_thing_count) == (3, 10)
    assert set(await fleet.executions()) == set(things[:3])


async def test_things_that_nothing_fits_are_counted_in_their_phase(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    await fleet.add_things(2, "blue")
    await fleet.add_things(2, "red")
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    phases = [Phase(percent=50), Phase(starts_at=LATER)]
    key = await start(fleet, working, editor, Target(everything=True), release_id=release, phases=phases)
    jobs = await jobs_of(fleet)
    assert [(job.status, job.no_artifact_count, job.pending_count) for job in jobs] == [
        (OtaJobStatus.FINISHED, 2, 0),
        (OtaJobStatus.SCHEDULED, 0, 2),
    ]
    assert jobs[0].finished_at is not None
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.IN_PROGRESS
    await fleet.assert_counts()


async def test_a_phase_that_cannot_be_makes_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(11)
    for phases in ([Phase(percent=5), Phase(starts_at=LATER)], [Phase(percent=10), Phase()]):
        release = await fleet.add_release(f"{phases}"[:100])
        await fleet.add_artifact(release)
        with pytest.raises(InvalidInput):
            await start(fleet, working, editor, Target(everything=True), release_id=release, phases=phases)
    assert await fleet.count(DeploymentRow) == await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0
    assert await fleet.events(EventKind.DEPLOYMENT_CHANGED) == []


async def test_the_number_of_statements_is_that_of_no_phases_and_things(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    counts = []
    for number, phases in ((5, 2), (200, 50)):
        await fleet.add_things(number)
        release = await fleet.add_release(str(number))
        await fleet.add_artifact(release)
        wanted = [Phase(percent=1, count=None) if phases > 2 else Phase(percent=20)]
        wanted += [Phase(count=1, after_success_percent=50)] * (phases - 2) + [Phase(after_success_percent=50)]
        with statements() as seen:
            await start(fleet, working, editor, Target(everything=True), release_id=release, phases=wanted)
        counts.append(seen.count)
        executions = [text for text in seen.texts if text.startswith("INSERT INTO ota_execution")]
        assert len(executions) == 1
    assert counts[0] == counts[1]


async def test_several_at_once(fleet: Fleet, working: Working, editor: Access) -> None:
    """Each is whole, whatever others make over the same things at the same time."""
    await fleet.add_things(30)
    releases = [await fleet.add_release(str(number)) for number in range(4)]
    for release in releases:
        await fleet.add_artifact(release)
    phases = [Phase(percent=10), Phase(percent=20, starts_at=now() + HOUR), Phase(after_success_percent=1)]
    outcomes = await asyncio.gather(
        *(
            start(fleet, working, editor, Target(everything=True), release_id=release, phases=phases)
            for release in releases
        ),
        return_exceptions=True,
    )
    assert not [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, FleetError)]
    assert not [each for each in outcomes if isinstance(each, BaseException)]
    sizes = Counter(row.job_id for row in await fleet.all_executions())
    assert sorted(sizes.values()) == [3] * 4 + [6] * 4 + [21] * 4
    await fleet.assert_counts()


async def jobs_of(fleet: Fleet) -> list[OtaJobRow]:
    """All jobs in the order of their phases."""
    async with fleet.store.write() as session:
        return list((await session.execute(select(OtaJobRow).order_by(OTA_JOB.c.phase))).scalars())


async def test_executions_are_in_the_order_of_their_things(fleet: Fleet, working: Working, editor: Access) -> None:
    things = sorted(await fleet.add_things(7))
    await start(
        fleet, working, editor, Target(everything=True), phases=[Phase(count=3), Phase(after_success_percent=1)]
    )
    async with fleet.store.read() as connection:
        statement = select(OTA_EXECUTION.c.thing_id, OTA_JOB.c.phase).join(
            OTA_JOB, OTA_JOB.c.id == OTA_EXECUTION.c.job_id
        )
        found = {row.thing_id: row.phase for row in (await connection.execute(statement)).all()}
    assert [found[thing] for thing in things] == [1] * 3 + [2] * 4
