"""New things: what they are drafted with, the rules of their columns, and how many are written at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select

from models import OrganizationRow
from models.enums import EventKind, Lifecycle, ThingAuthStatus, ThingType
from models.ids import new_id
from models.tables import GROUP, GROUP_THING, PROFILE, THING, THING_ATTRIBUTE, THING_LIFECYCLE, THING_STATE, THING_TAG
from services import thing_parts
from services.errors import Conflict, InvalidInput, LimitReached, NotFound
from services.identities import Identity
from services.thing_events import Place, record_thing
from services.thing_parts import AttributeDraft
from services.time_zones import check_time_zone
from services.tokens import digest, new_secret
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_name, check_object
from sql.sets import member_of

NAME_LENGTH: Final = 1024
NAME_OCTETS: Final = 2560
MAX_INTERVAL: Final = 2_592_000
"""The longest interval between two reports: 30 days, in seconds."""
MAX_BOOT_KEYS: Final = 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ThingDraft:
    """A thing to be created."""

    name: str
    type: ThingType
    external_id: str | None = None
    home_group_id: UUID | None = None
    profile_id: UUID | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    attributes: Sequence[AttributeDraft] = ()
    report_interval_seconds: int | None = None
    time_zone: str | None = None
    boot_key_digests: Sequence[str] = ()
    identity: Identity | None = None
    auth_status: ThingAuthStatus = ThingAuthStatus.NOAUTH


@dataclass(frozen=True, slots=True)
class CreatedThing:
    """A new thing with the key that it signs in with: shown this once, stored as a digest."""

    id: UUID
    key: str


async def insert_things(
    work: UnitOfWork, organization_id: UUID, drafts: Sequence[ThingDraft], path: Path
) -> list[CreatedThing]:
    """Write new things with all that is theirs; access and the limit of the organization are the caller's business.

    Raises InvalidInput for broken values, NotFound for a group or profile that is not the organization's, Conflict for
    a taken external id.
    """
    rows = [_row(work, organization_id, draft, (*path, index)) for index, draft in enumerate(drafts)]
    await _check_places(work, organization_id, drafts, path)
    await _check_external_ids(work, organization_id, [row["external_id"] for row in rows], path)
    created = []
    for row in rows:
        secret = new_secret()
        row["key_digest"] = digest(secret)
        created.append(CreatedThing(row["id"], secret))
    await work.session.execute(insert(THING), rows)
    await _insert_parts(work, rows, drafts, path)
    for row in rows:
        record_thing(work, EventKind.THING_CREATED, row["id"], Place(organization_id, row["home_group_id"]))
    return created


async def check_limit(work: UnitOfWork, organization: OrganizationRow, more: int, path: Path) -> None:
    """Raise LimitReached when an organization may not have so many things more.

    It is locked, so that two who come at once cannot both take the last place.
    """
    if organization.thing_limit is None or not more:
        return
    counted = select(func.count()).select_from(THING).where(THING.c.organization_id == organization.id)
    if (await work.session.execute(counted)).scalar_one() + more > organization.thing_limit:
        raise LimitReached(f"the organization may have {organization.thing_limit} things", path)


def check_interval(value: int | None, path: Path) -> int | None:
    """How often a thing reports; `path` leads to the thing."""
    if value is not None and not 1 <= value <= MAX_INTERVAL:
        raise InvalidInput(f"from 1 to {MAX_INTERVAL:,} seconds are allowed", (*path, "reportIntervalSeconds"))
    return value


def check_boot_keys(values: Sequence[str], path: Path) -> list[str]:
    """The SHA-256, in lower-case hex, of keys that a boot loader takes images of; doubles count once."""
    if len(values) > MAX_BOOT_KEYS:
        raise InvalidInput(f"a thing has at most {MAX_BOOT_KEYS} of them", path)
    for index, value in enumerate(values):
        if _SHA256.fullmatch(value.lower()) is None:
            raise InvalidInput("a SHA-256 is written with 64 hex digits", (*path, index))
    return list(dict.fromkeys(value.lower() for value in values))


def check_external_id(value: str | None, path: Path) -> str | None:
    """An id in another registry, or none."""
    return None if value is None else check_name(value, path)


def _row(work: UnitOfWork, organization_id: UUID, draft: ThingDraft, path: Path) -> dict[str, Any]:
    return {
        "id": new_id(),
        "organization_id": organization_id,
        "home_group_id": draft.home_group_id,
        "profile_id": draft.profile_id,
        "name": check_name(draft.name, (*path, "name"), limit=NAME_LENGTH, octets=NAME_OCTETS),
        "type": draft.type,
        "external_id": check_external_id(draft.external_id, (*path, "externalId")),
        "lifecycle": Lifecycle.NEW,
        "connected": False,
        "report_interval_seconds": check_interval(draft.report_interval_seconds, path),
        "time_zone": check_time_zone(draft.time_zone, (*path, "timeZone")),
        "boot_key_digests": check_boot_keys(draft.boot_key_digests, (*path, "bootKeyDigests")),
        "identity": {} if draft.identity is None else dict(draft.identity.values),
        "identity_digest": None if draft.identity is None else draft.identity.digest,
        "auth_status": draft.auth_status,
        "metadata": check_object(draft.metadata, (*path, "metadata")),
        "version": 1,
        "created_at": work.moment,
        "updated_at": work.moment,
    }


async def _insert_parts(
    work: UnitOfWork, rows: Sequence[dict[str, Any]], drafts: Sequence[ThingDraft], path: Path
) -> None:
    """State, history, home, tags and attributes of new things: one statement for each kind."""
    states = [{"thing_id": row["id"], "reported": {}, "desired": {}, "version": 0} for row in rows]
    homes = [
        {"thing_id": row["id"], "group_id": row["home_group_id"], "is_home": True, "created_at": work.moment}
        for row in rows
        if row["home_group_id"] is not None
    ]
    tags, attributes = [], []
    for index, (row, draft) in enumerate(zip(rows, drafts, strict=True)):
        tags += thing_parts.tag_rows(row["id"], draft.tags, (*path, index, "tags"))
        attributes += thing_parts.attribute_rows(work, row["id"], draft.attributes, (*path, index, "attributes"))
    history = [lifecycle_row(work, row["id"], Lifecycle.NEW, "") for row in rows]
    parts = (
        (THING_STATE, states),
        (THING_LIFECYCLE, history),
        (GROUP_THING, homes),
        (THING_TAG, tags),
        (THING_ATTRIBUTE, attributes),
    )
    for table, values in parts:
        if values:
            await work.session.execute(insert(table), values)


def lifecycle_row(work: UnitOfWork, thing_id: UUID, lifecycle: Lifecycle, reason: str) -> dict[str, Any]:
    """The row of one step in the life of a thing."""
    values = {"id": new_id(), "thing_id": thing_id, "lifecycle": lifecycle, "reason": reason}
    return {**values, "occurred_at": work.moment}


async def _check_places(work: UnitOfWork, organization_id: UUID, drafts: Sequence[ThingDraft], path: Path) -> None:
    for table, name in ((GROUP, "home_group_id"), (PROFILE, "profile_id")):
        wanted = {getattr(draft, name) for draft in drafts} - {None}
        if not wanted:
            continue
        here = table.c.organization_id == organization_id
        statement = select(table.c.id).where(member_of(table.c.id, sorted(wanted)), here)
        known = set((await work.session.execute(statement)).scalars())
        for index, draft in enumerate(drafts):
            value = getattr(draft, name)
            if value is not None and value not in known:
                field_name = "homeGroupId" if name == "home_group_id" else "profileId"
                raise NotFound("the organization has nothing with this id", (*path, index, field_name))


async def _check_external_ids(
    work: UnitOfWork, organization_id: UUID, wanted: Sequence[str | None], path: Path
) -> None:
    seen: set[str] = set()
    for index, external_id in enumerate(wanted):
        if external_id is None:
            continue
        if external_id in seen:
            raise Conflict("this external id is given twice", (*path, index, "externalId"))
        seen.add(external_id)
    if not seen:
        return
    taken_ids = select(THING.c.external_id).where(
        THING.c.organization_id == organization_id, member_of(THING.c.external_id, sorted(seen))
    )
    taken = set((await work.session.execute(taken_ids)).scalars())
    for index, external_id in enumerate(wanted):
        if external_id in taken:
            raise Conflict("this external id is taken in the organization", (*path, index, "externalId"))
