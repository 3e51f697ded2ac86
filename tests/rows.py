"""Rows written straight into a gateway's database: more of them, or stranger ones, than its API makes one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert, select

from engine.ids import global_id, split_id
from gateway import PARTS
from models.columns import now
from models.enums import (
    ArtifactFormat,
    ArtifactStatus,
    DeploymentStatus,
    Lifecycle,
    OrganizationStatus,
    OtaExecutionStatus,
    OtaJobStatus,
    ThingType,
)
from models.ids import new_id
from models.store import Store
from models.tables import (
    ARTIFACT,
    DEPLOYMENT,
    GROUP,
    GROUP_ANCESTOR,
    GROUP_THING,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    OTA_EXECUTION,
    OTA_JOB,
    RELEASE,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
)
from tests.gateways import Gateway

Values = Mapping[str, Any]


def store_of(gateway: Gateway) -> Store:
    """The database behind a gateway of this process."""
    return gateway.application[PARTS].store


def key(value: str) -> UUID:
    """The key in a global id."""
    parts = split_id(value)
    assert parts is not None, value
    return parts[1]


async def add(store: Store, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows, with the columns that every noun has unless they are given."""
    given = {"version": 1, "created_at": now(), "updated_at": now(), "metadata": {}, "description": ""}
    defaults = {name: value for name, value in given.items() if name in table.c}
    if rows:
        async with store.write() as session:
            await session.execute(insert(table), [{**defaults, **row} for row in rows])


async def rows_of(store: Store, table: Table, *conditions: Any) -> list[dict[str, Any]]:
    """The stored rows that meet the conditions, by their key."""
    statement = select(table).where(*conditions).order_by(*table.primary_key)
    async with store.read() as connection:
        return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def count(store: Store, table: Table, *conditions: Any) -> int:
    """How many rows are stored that meet the conditions."""
    return len(await rows_of(store, table, *conditions))


async def add_groups(store: Store, organization: str, number: int) -> list[str]:
    """Groups side by side."""
    keys = [new_id() for _ in range(number)]
    owner = key(organization)
    rows = [
        {"id": each, "organization_id": owner, "name": f"g{index}", "kind": "GROUP"} for index, each in enumerate(keys)
    ]
    await add(store, GROUP, rows)
    await add(store, GROUP_ANCESTOR, [{"group_id": each, "ancestor_id": each, "depth": 0} for each in keys])
    return [global_id("group", each) for each in keys]


async def add_things(
    store: Store, organization: str, things: Sequence[Values], *, home: str | None = None
) -> list[str]:
    """Things with their states; `tags` and `attributes` (scope, name, value) among the values of a thing are theirs."""
    owner, place = key(organization), None if home is None else key(home)
    made: list[dict[str, Any]] = []
    for index, thing in enumerate(things):
        identity = thing.get("id", new_id())
        made.append(
            {
                "id": identity,
                "organization_id": owner,
                "home_group_id": place,
                "profile_id": None,
                "name": f"thing {index}",
                "type": ThingType.SENSOR,
                "external_id": None,
                "key_digest": identity.bytes * 2,
                "lifecycle": Lifecycle.NEW,
                "connected": False,
                "last_seen_at": None,
                "tags": (),
                "attributes": (),
                **thing,
            }
        )
    await add(store, THING, [_without(thing, "tags", "attributes") for thing in made])
    await add(
        store, THING_STATE, [{"thing_id": thing["id"], "reported": {}, "desired": {}, "version": 0} for thing in made]
    )
    steps = {"lifecycle": Lifecycle.NEW, "reason": "", "occurred_at": now()}
    await add(store, THING_LIFECYCLE, [{"id": new_id(), "thing_id": thing["id"], **steps} for thing in made])
    if place is not None:
        homes = {"group_id": place, "is_home": True, "created_at": now()}
        await add(store, GROUP_THING, [{"thing_id": thing["id"], **homes} for thing in made])
    await add(store, THING_TAG, [{"thing_id": thing["id"], "tag": tag} for thing in made for tag in thing["tags"]])
    await add(store, THING_ATTRIBUTE, [row for thing in made for row in _attributes(thing)])
    return [global_id("thing", thing["id"]) for thing in made]


def _without(values: Values, *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _attributes(thing: Values) -> list[dict[str, Any]]:
    return [
        {
            "thing_id": thing["id"],
            "scope": scope,
            "name": name,
            "value": value,
            "text_value": value if isinstance(value, str) else None,
            "number_value": float(value) if isinstance(value, int | float) else None,
        }
        for scope, name, value in thing["attributes"]
    ]


@dataclass(frozen=True)
class Campaign:
    """One deployment with its one job, and an update of each of its things."""

    release: str
    artifact: str
    deployment: str
    job: str
    executions: list[str]


async def add_campaign(
    store: Store, organization: str, things: Sequence[str], *, created_by: str | None = None, name: str = "campaign"
) -> Campaign:
    """A campaign over things, each with one pending update."""
    owner = key(organization)
    release, artifact, deployment, job = new_id(), new_id(), new_id(), new_id()
    executions = [new_id() for _ in things]
    counts = {column.key: 0 for column in OTA_JOB.c if column.key.endswith("_count")}
    counts["pending_count"] = len(things)
    rules = {"priority": 5, "retries": 0, "starts_at": now(), **counts}
    await add(store, RELEASE, [{"id": release, "organization_id": owner, "name": name, "notes": ""}])
    file = {
        "artifact_version": "1",
        "format": ArtifactFormat.RAW,
        "compatible_types": [],
        "provides": {},
        "depends": {},
    }
    stored = {"file_name": "a.bin", "size": 1, "sha256": "0" * 64, "status": ArtifactStatus.READY}
    mine = {"id": artifact, "organization_id": owner, "release_id": release, "name": name}
    await add(store, ARTIFACT, [mine | file | stored])
    creator = None if created_by is None else key(created_by)
    campaign = {
        "id": deployment,
        "organization_id": owner,
        "release_id": release,
        "created_by_id": creator,
        "name": name,
    }
    await add(store, DEPLOYMENT, [campaign | {"status": DeploymentStatus.PENDING, "target": {}} | rules])
    batch = {"id": job, "organization_id": owner, "deployment_id": deployment, "artifact_id": artifact, "name": name}
    await add(store, OTA_JOB, [batch | {"status": OtaJobStatus.IN_PROGRESS, "phase": 1} | rules])
    waiting = {"status": OtaExecutionStatus.PENDING, "substate": "", "progress": 0, "attempts": 0}
    parents = {"organization_id": owner, "job_id": job, "deployment_id": deployment, "artifact_id": artifact}
    updates = [
        {"id": execution, "thing_id": key(thing), **parents, **waiting}
        for execution, thing in zip(executions, things, strict=True)
    ]
    await add(store, OTA_EXECUTION, updates)
    return Campaign(
        release=global_id("release", release),
        artifact=global_id("artifact", artifact),
        deployment=global_id("deployment", deployment),
        job=global_id("otajob", job),
        executions=[global_id("otaexec", execution) for execution in executions],
    )


async def add_organization(store: Store, parent: str) -> str:
    """An organization below another one."""
    made, above = new_id(), key(parent)
    tree = ORGANIZATION_ANCESTOR
    ancestors = await rows_of(store, tree, tree.c.organization_id == above)
    row = {"id": made, "parent_id": above, "name": made.hex, "address": {}, "status": OrganizationStatus.ACTIVE}
    await add(store, ORGANIZATION, [row])
    lines = [{"ancestor_id": line["ancestor_id"], "depth": line["depth"] + 1} for line in ancestors]
    closure = [{"ancestor_id": made, "depth": 0}, *lines]
    await add(store, tree, [{"organization_id": made, **line} for line in closure])
    return global_id("org", made)


async def put_into_group(store: Store, group: str, things: Sequence[str]) -> None:
    """Things into a group that is not their home."""
    joined = {"group_id": key(group), "is_home": False, "created_at": now()}
    await add(store, GROUP_THING, [{"thing_id": key(thing), **joined} for thing in things])
