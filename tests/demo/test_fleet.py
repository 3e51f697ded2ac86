"""A demo fleet obeys the rules that the services keep."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from models.counts import count_column
from models.enums import DeploymentStatus, Lifecycle, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.store import Store
from models.tables import (
    ARTIFACT,
    DEPLOYMENT,
    GROUP,
    GROUP_ANCESTOR,
    GROUP_THING,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    OTA_EXECUTION,
    OTA_JOB,
    PROFILE,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    USER,
)
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_moves import ACTIVE
from services.passwords import Passwords
from services.storage import LocalStorage
from services.things import MOVES
from tests.demo.conftest import Build

THINGS = 400


async def rows(store: Store, statement: Select[Any]) -> Sequence[Any]:
    async with store.read() as connection:
        found: Sequence[Any] = (await connection.execute(statement)).all()
    return found


async def number(store: Store, statement: Select[Any]) -> int:
    return int((await rows(store, select(func.count()).select_from(statement.subquery())))[0][0])


async def test_counts_equal_a_recount(store: Store, build: Build) -> None:
    summary = await build(things=THINGS)
    moved = await rows(store, select(OTA_EXECUTION.c.job_id, OTA_EXECUTION.c.deployment_id, OTA_EXECUTION.c.status))
    recount: defaultdict[UUID, Counter[Status]] = defaultdict(Counter)
    for job_id, deployment_id, status in moved:
        recount[job_id][status] += 1
        if deployment_id is not None:
            recount[deployment_id][status] += 1
    assert len(moved) == summary.ota_executions > THINGS
    kinds: set[Status] = {status for _, _, status in moved}
    assert kinds >= set(Status) - {Status.DECOMMISSIONED, Status.AWAITING_APPROVAL, Status.REBOOTING, Status.STARTED}
    for table in (OTA_JOB, DEPLOYMENT):
        counted = await rows(store, select(table))
        assert counted
        for row in counted:
            stored = {status: row._mapping[count_column(status)] for status in Status}
            assert +Counter(stored) == recount[row.id]


async def test_jobs_and_deployments_end_with_their_last_execution(store: Store, build: Build) -> None:
    await build(things=THINGS)
    for table, still_open in ((OTA_JOB, OPEN_JOB), (DEPLOYMENT, OPEN_DEPLOYMENT)):
        statuses = set()
        for row in await rows(store, select(table)):
            active = sum(row._mapping[count_column(status)] for status in ACTIVE)
            assert (row.status in still_open) is (active > 0), row.name
            assert (row.finished_at is None) is (active > 0), row.name
            statuses.add(row.status)
        wanted: set[Any] = {OtaJobStatus.CANCELLED} if table is OTA_JOB else set()
        kind = OtaJobStatus if table is OTA_JOB else DeploymentStatus
        assert statuses >= wanted | {kind.SCHEDULED, kind.IN_PROGRESS, kind.PAUSED, kind.FINISHED}
    aborted = await rows(store, select(DEPLOYMENT).where(DEPLOYMENT.c.aborted_at.is_not(None)))
    assert {row.status for row in aborted} == {DeploymentStatus.FINISHED}


async def test_executions_belong_together(store: Store, build: Build) -> None:
    await build(things=THINGS)
    joined = (
        select(OTA_EXECUTION.c.id)
        .join(OTA_JOB, OTA_JOB.c.id == OTA_EXECUTION.c.job_id)
        .join(THING, THING.c.id == OTA_EXECUTION.c.thing_id)
    )
    astray = joined.where(
        or_(
            OTA_EXECUTION.c.organization_id != THING.c.organization_id,
            OTA_EXECUTION.c.organization_id != OTA_JOB.c.organization_id,
            OTA_EXECUTION.c.deployment_id.is_distinct_from(OTA_JOB.c.deployment_id),
        )
    )
    assert await number(store, joined) > 0
    assert await number(store, astray) == 0
    without_file = OTA_EXECUTION.c.artifact_id.is_(None)
    assert await number(store, select(OTA_EXECUTION.c.id).where(without_file)) > 0
    wrong = or_(
        without_file != (OTA_EXECUTION.c.status == Status.NO_ARTIFACT),
        OTA_EXECUTION.c.finished_at.is_(None) != OTA_EXECUTION.c.status.in_(ACTIVE),
        OTA_EXECUTION.c.finished_at < OTA_EXECUTION.c.started_at,
        OTA_EXECUTION.c.updated_at < OTA_EXECUTION.c.created_at,
        and_(OTA_EXECUTION.c.status == Status.SUCCESS, OTA_EXECUTION.c.progress != 100),
    )
    assert await number(store, select(OTA_EXECUTION.c.id).where(wrong)) == 0


async def test_artifacts_fit_the_device_types_of_their_executions(store: Store, build: Build) -> None:
    await build(things=THINGS)
    statement = (
        select(ARTIFACT.c.compatible_types, THING_ATTRIBUTE.c.text_value)
        .join(OTA_EXECUTION, OTA_EXECUTION.c.artifact_id == ARTIFACT.c.id)
        .join(THING_ATTRIBUTE, THING_ATTRIBUTE.c.thing_id == OTA_EXECUTION.c.thing_id)
        .where(THING_ATTRIBUTE.c.name == "device_type")
    )
    pairs = await rows(store, statement)
    assert pairs
    assert all(device_type in types for types, device_type in pairs)


async def test_closures_hold_every_ancestor_once(store: Store, build: Build) -> None:
    await build(things=THINGS)
    for table, closure, column in (
        (ORGANIZATION, ORGANIZATION_ANCESTOR, "organization_id"),
        (GROUP, GROUP_ANCESTOR, "group_id"),
    ):
        parents: dict[UUID, UUID | None] = dict(await rows(store, select(table.c.id, table.c.parent_id)))
        expected = {(key, above, depth) for key in parents for depth, above in enumerate(path(parents, key))}
        stored = await rows(store, select(closure.c[column], closure.c.ancestor_id, closure.c.depth))
        assert set(stored) == expected
        assert len(stored) == len(expected)
        assert {depth for _, _, depth in stored} == {0, 1, 2}


def path(parents: dict[UUID, UUID | None], key: UUID) -> list[UUID]:
    found = [key]
    while (above := parents[found[-1]]) is not None:
        found.append(above)
    return found


async def test_things_stand_in_places_of_their_own_organization(store: Store, build: Build) -> None:
    await build(things=THINGS)
    things = await rows(store, select(THING.c.id, THING.c.organization_id, THING.c.home_group_id, THING.c.profile_id))
    groups = dict(await rows(store, select(GROUP.c.id, GROUP.c.organization_id)))
    profiles = dict(await rows(store, select(PROFILE.c.id, PROFILE.c.organization_id)))
    homes = {(row.id, row.home_group_id) for row in things if row.home_group_id is not None}
    joined = await rows(store, select(GROUP_THING.c.thing_id, GROUP_THING.c.group_id, GROUP_THING.c.is_home))
    owners = {row.id: row.organization_id for row in things}
    assert {(thing, group) for thing, group, is_home in joined if is_home} == homes
    assert all(groups[group] == owners[thing] for thing, group, _ in joined)
    assert all(profiles[row.profile_id] == row.organization_id for row in things)
    assert any(not is_home for _, _, is_home in joined)
    assert 0 < len(homes) < THINGS


async def test_every_thing_has_a_state(store: Store, build: Build) -> None:
    await build(things=THINGS)
    joined = select(THING.c.last_seen_at, THING_STATE).join(THING_STATE, THING_STATE.c.thing_id == THING.c.id)
    states = await rows(store, joined)
    assert len(states) == THINGS
    for row in states:
        assert bool(row.reported) is (row.reported_at is not None) is (row.last_seen_at is not None)
        assert bool(row.desired) is (row.desired_at is not None)
        assert row.version >= bool(row.reported) + bool(row.desired)
    assert any(row.reported.get(key) != value for row in states for key, value in row.desired.items())


async def test_lives_follow_the_allowed_steps(store: Store, build: Build) -> None:
    await build(things=THINGS)
    lives: defaultdict[UUID, list[Lifecycle]] = defaultdict(list)
    statement = select(THING_LIFECYCLE.c.thing_id, THING_LIFECYCLE.c.lifecycle).order_by(THING_LIFECYCLE.c.id)
    for thing_id, lifecycle in await rows(store, statement):
        lives[thing_id].append(lifecycle)
    things = await rows(store, select(THING.c.id, THING.c.lifecycle, THING.c.version))
    assert {row.id: row.lifecycle for row in things} == {key: steps[-1] for key, steps in lives.items()}
    assert all(row.version == len(lives[row.id]) for row in things)
    for steps in lives.values():
        assert steps[0] is Lifecycle.NEW
        assert all(after in MOVES[before] for before, after in pairwise(steps))
    assert {row.lifecycle for row in things} == set(Lifecycle)


async def test_files_of_artifacts_are_in_the_storage(store: Store, build: Build, storage: LocalStorage) -> None:
    summary = await build(things=1)
    artifacts = await rows(store, select(ARTIFACT.c.id, ARTIFACT.c.size, ARTIFACT.c.sha256))
    assert len(artifacts) == summary.artifacts
    for row in artifacts:
        async with storage.open(row.id) as stored:
            content = b"".join([chunk async for chunk in stored.read(0, stored.size)])
        assert len(content) == row.size
        assert hashlib.sha256(content).hexdigest() == row.sha256


async def test_people_sign_in_with_the_printed_password(store: Store, build: Build) -> None:
    summary = await build(things=1)
    statement = (
        select(USER, MEMBERSHIP.c.role, MEMBERSHIP.c.organization_id)
        .join(MEMBERSHIP, MEMBERSHIP.c.user_id == USER.c.id)
        .where(USER.c.email == summary.email)
    )
    [owner] = await rows(store, statement)
    assert (owner.role, owner.organization_id) == (Role.OWNER, summary.organization_id)
    assert await Passwords().verify(owner.password_hash, summary.password)
    assert await number(store, select(USER.c.id).where(USER.c.is_platform_admin)) == 0
    assert {row.role for row in await rows(store, select(MEMBERSHIP.c.role))} == set(Role)
