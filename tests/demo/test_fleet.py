"""A demo fleet obeys the rules that the services keep."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from models.counts import count_column
from models.enums import DeploymentStatus, Lifecycle, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.tables import (
    ARTIFACT,
    DEPLOYMENT,
    EVENT,
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
    THING_TAG,
    USER,
)
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_moves import ACTIVE
from services.passwords import Passwords
from services.things import MOVES
from tests.demo.conftest import BuiltFleet


def counters(row: Any) -> Counter[Status]:
    return +Counter({status: row._mapping[count_column(status)] for status in Status})


@pytest.mark.parametrize(("table", "column"), [(OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")])
async def test_counts_equal_a_recount(fleet: BuiltFleet, table: Any, column: str) -> None:
    recount: defaultdict[UUID, Counter[Status]] = defaultdict(Counter)
    for row in fleet[OTA_EXECUTION]:
        recount[row._mapping[column]][row.status] += 1
    assert {row.id: counters(row) for row in fleet[table]} == {key: recount[key] for key in recount.keys() - {None}}
    assert len(fleet[OTA_EXECUTION]) == fleet.summary.ota_executions
    # The rarest ones are missing from a small fleet.
    assert len({row.status for row in fleet[OTA_EXECUTION]}) >= len(Status) - 4


async def test_the_storage_of_each_organization_is_that_of_its_files(fleet: BuiltFleet) -> None:
    sizes: Counter[UUID] = Counter()
    for row in fleet[ARTIFACT]:
        sizes[row.organization_id] += row.size
    assert sizes
    assert +Counter({row.id: row.storage_used for row in fleet[ORGANIZATION]}) == sizes


@pytest.mark.parametrize(("table", "still_open"), [(OTA_JOB, OPEN_JOB), (DEPLOYMENT, OPEN_DEPLOYMENT)])
async def test_jobs_and_deployments_end_with_their_last_execution(
    fleet: BuiltFleet, table: Any, still_open: tuple[Any, ...]
) -> None:
    for row in fleet[table]:
        active = sum(counters(row)[status] for status in ACTIVE)
        assert (row.status in still_open) is (active > 0), row.name
        assert (row.finished_at is None) is (active > 0), row.name


async def test_campaigns_are_in_all_courses(fleet: BuiltFleet) -> None:
    assert {row.status for row in fleet[OTA_JOB]} == set(OtaJobStatus)
    assert {row.status for row in fleet[DEPLOYMENT]} >= set(DeploymentStatus) - {DeploymentStatus.PENDING}
    aborted = [row for row in fleet[DEPLOYMENT] if row.aborted_at is not None]
    assert {row.status for row in aborted} == {DeploymentStatus.FINISHED}
    assert all(counters(row)[Status.ABORTED] for row in aborted)
    assert any(row.deployment_id is None for row in fleet[OTA_JOB])


async def test_executions_belong_together(fleet: BuiltFleet) -> None:
    jobs = {row.id: row for row in fleet[OTA_JOB]}
    things = {row.id: row for row in fleet[THING]}
    assert fleet[OTA_EXECUTION]
    for row in fleet[OTA_EXECUTION]:
        job, thing = jobs[row.job_id], things[row.thing_id]
        assert row.organization_id == job.organization_id == thing.organization_id
        assert row.deployment_id == job.deployment_id
        assert (row.artifact_id is None) is (row.status is Status.NO_ARTIFACT)
        assert (row.finished_at is None) is (row.status in ACTIVE)
        assert (row.progress == 100) is (row.status in {Status.SUCCESS, Status.ALREADY_INSTALLED})
        moments = [row.created_at, row.started_at, row.finished_at, row.updated_at]
        passed = [moment for moment in moments if moment is not None]
        assert passed == sorted(passed)
    pairs = [(row.job_id, row.thing_id) for row in fleet[OTA_EXECUTION]]
    assert len(set(pairs)) == len(pairs)


async def test_artifacts_fit_the_device_types_of_their_executions(fleet: BuiltFleet) -> None:
    types = {row.id: row.compatible_types for row in fleet[ARTIFACT]}
    device_types = {row.thing_id: row.text_value for row in fleet[THING_ATTRIBUTE] if row.name == "device_type"}
    given = [row for row in fleet[OTA_EXECUTION] if row.artifact_id is not None]
    assert given
    assert all(device_types[row.thing_id] in types[row.artifact_id] for row in given)


@pytest.mark.parametrize(
    ("table", "closure", "column"),
    [(ORGANIZATION, ORGANIZATION_ANCESTOR, "organization_id"), (GROUP, GROUP_ANCESTOR, "group_id")],
)
async def test_closures_hold_every_ancestor_once(fleet: BuiltFleet, table: Any, closure: Any, column: str) -> None:
    parents: dict[UUID, UUID | None] = {row.id: row.parent_id for row in fleet[table]}
    expected = [(key, above, depth) for key in parents for depth, above in enumerate(path(parents, key))]
    stored = [(row._mapping[column], row.ancestor_id, row.depth) for row in fleet[closure]]
    assert sorted(stored) == sorted(expected)
    assert {depth for _, _, depth in stored} == {0, 1, 2}


def path(parents: dict[UUID, UUID | None], key: UUID) -> list[UUID]:
    found = [key]
    while (above := parents[found[-1]]) is not None:
        found.append(above)
    return found


async def test_things_stand_in_places_of_their_own_organization(fleet: BuiltFleet) -> None:
    groups = {row.id: row.organization_id for row in fleet[GROUP]}
    profiles = {row.id: row.organization_id for row in fleet[PROFILE]}
    owners = {row.id: row.organization_id for row in fleet[THING]}
    homes = {(row.id, row.home_group_id) for row in fleet[THING] if row.home_group_id is not None}
    assert {(row.thing_id, row.group_id) for row in fleet[GROUP_THING] if row.is_home} == homes
    assert all(groups[row.group_id] == owners[row.thing_id] for row in fleet[GROUP_THING])
    assert all(profiles[row.profile_id] == row.organization_id for row in fleet[THING])
    assert any(not row.is_home for row in fleet[GROUP_THING])
    assert 0 < len(homes) < len(fleet[THING])


async def test_groups_have_parents_of_their_own_organization(fleet: BuiltFleet) -> None:
    owners = {row.id: row.organization_id for row in fleet[GROUP]}
    nested = [row for row in fleet[GROUP] if row.parent_id is not None]
    assert nested
    assert all(owners[row.parent_id] == row.organization_id for row in nested)


async def test_every_thing_has_a_state(fleet: BuiltFleet) -> None:
    seen = {row.id: row.last_seen_at for row in fleet[THING]}
    assert {row.thing_id for row in fleet[THING_STATE]} == seen.keys()
    for row in fleet[THING_STATE]:
        assert bool(row.reported) is (row.reported_at is not None)
        assert row.reported_at == seen[row.thing_id]
        assert bool(row.desired) is (row.desired_at is not None)
        assert row.version >= bool(row.reported) + bool(row.desired)
    assert any(row.reported.get(key) != value for row in fleet[THING_STATE] for key, value in row.desired.items())


async def test_attributes_have_their_typed_copy(fleet: BuiltFleet) -> None:
    for row in fleet[THING_ATTRIBUTE]:
        copies = (row.value, None) if isinstance(row.value, str) else (None, row.value)
        assert (row.text_value, row.number_value) == copies
    assert {row.thing_id for row in fleet[THING_ATTRIBUTE]} == {row.id for row in fleet[THING]}
    assert {row.thing_id for row in fleet[THING_TAG]} == {row.id for row in fleet[THING]}


async def test_lives_follow_the_allowed_steps(fleet: BuiltFleet) -> None:
    lives: defaultdict[UUID, list[Lifecycle]] = defaultdict(list)
    for row in sorted(fleet[THING_LIFECYCLE], key=lambda row: row.id):
        lives[row.thing_id].append(row.lifecycle)
    assert {row.id: row.lifecycle for row in fleet[THING]} == {key: steps[-1] for key, steps in lives.items()}
    assert all(row.version == len(lives[row.id]) for row in fleet[THING])
    for steps in lives.values():
        assert steps[0] is Lifecycle.NEW
        assert all(after in MOVES[before] for before, after in pairwise(steps))
    assert {row.lifecycle for row in fleet[THING]} == set(Lifecycle)


async def test_people_sign_in_with_the_printed_password(fleet: BuiltFleet) -> None:
    [owner] = [row for row in fleet[USER] if row.email == DEMO_EMAIL]
    [membership] = [row for row in fleet[MEMBERSHIP] if row.user_id == owner.id]
    assert (membership.role, membership.organization_id) == (Role.OWNER, fleet.summary.organization_id)
    assert await Passwords().verify(owner.password_hash, DEMO_PASSWORD)
    assert not any(row.is_platform_admin for row in fleet[USER])
    assert {row.role for row in fleet[MEMBERSHIP]} == set(Role)


async def test_nothing_has_happened_yet(fleet: BuiltFleet) -> None:
    assert fleet[EVENT] == []
