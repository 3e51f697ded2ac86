"""Organizations and their tree.

A root is made by whoever is signed in, who becomes its owner (mainflux.org.create-org). One below another is made by
those who may create there; roles reach down, so it needs no members of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Table, delete, func, select, union_all

from models import OrganizationRow
from models.enums import EventKind, Permission, Role
from models.tables import (
    ARTIFACT,
    ATTACHMENT,
    DEPLOYMENT,
    GROUP,
    MEMBERSHIP,
    ORGANIZATION,
    OTA_JOB,
    PROFILE,
    RELEASE,
    THING,
)
from services import trees
from services.cascades import Heir, remove_things
from services.errors import Conflict, Forbidden, LimitReached
from services.memberships import has_owner, make_owner, release_members
from services.patches import DESCRIPTION, METADATA, NAME, Fields, Patched, apply_changes, checked
from services.time_zones import check_time_zone
from services.trees import ORGANIZATIONS
from services.unit_of_work import UnitOfWork, check_version
from services.validation import MAX_INTEGER, Path, check_email, check_object, check_range, check_text

OWNED_ROOTS: Final = 100
"""How many organizations without a parent one person may own."""
MOST_THINGS: Final = 100_000_000
_FIELDS: Final[Fields] = {
    "name": NAME,
    "description": DESCRIPTION,
    "email": Patched("email", check_email, empty=None),
    "phone": Patched("phone", partial(check_text, limit=64), empty=None),
    "address": Patched("address", check_object, empty={}),
    "metadata": METADATA,
    "time_zone": Patched("time_zone", check_time_zone),
    "thing_limit": Patched("thing_limit", partial(check_range, least=0, most=MOST_THINGS), empty=None),
}
_LIMITS: Final[Fields] = {
    "accepted_things": Patched(
        "accepted_thing_limit",
        lambda value, path: check_range(value, path, least=0, most=MOST_THINGS) or None,
        empty=None,
    ),
    "storage_bytes": Patched(
        "storage_limit", lambda value, path: check_range(value, path, least=0, most=MAX_INTEGER) or None, empty=None
    ),
}
_CONTENTS: Final[Mapping[str, Table]] = {
    "group": GROUP,
    "profile": PROFILE,
    "thing": THING,
    "release": RELEASE,
    "artifact": ARTIFACT,
    "deployment": DEPLOYMENT,
    "OTA job": OTA_JOB,
}


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with an organization; the files of artifacts and attachments are to be removed after the commit."""

    organizations: int
    things: int
    files: list[UUID]


async def create(work: UnitOfWork, values: Mapping[str, Any], parent_id: UUID | None = None) -> UUID:
    """Create an organization: `values` holds its `name` and any other field.

    Raises NotFound and Forbidden for the parent, LimitReached for too deep a tree or too many roots of one owner,
    InvalidInput.
    """
    _require_person(work)
    if parent_id is not None:
        await trees.lock(work, ORGANIZATIONS)
        await work.fetch(OrganizationRow, parent_id, Permission.ORGANIZATION_CREATE, ("parentId",))
    elif not work.access.is_platform_admin:
        await _require_fewer_roots(work)
    if values.get("thing_limit") is not None:
        _require_limits(work, parent_id)
    row = OrganizationRow(
        **checked(values, _FIELDS), parent_id=parent_id, created_at=work.moment, updated_at=work.moment
    )
    work.session.add(row)
    await work.session.flush()
    await trees.plant(work, ORGANIZATIONS, row.id, parent_id, ("parentId",))
    if parent_id is None:
        await make_owner(work, row.id)
    return row.id


async def edit(
    work: UnitOfWork, organization_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> None:
    """Change what is given (mainflux.org.update-org); `thing_limit` is set by those above.

    Raises NotFound, Forbidden, Conflict for an old version, InvalidInput.
    """
    row = await work.fetch(OrganizationRow, organization_id, Permission.ORGANIZATION_UPDATE, ("id",))
    check_version(row.version, expected_version)
    if "thing_limit" in changes:
        _require_limits(work, row.parent_id)
    apply_changes(row, changes, _FIELDS, work.moment)


async def limit(work: UnitOfWork, organization_id: UUID, limits: Mapping[str, int | None]) -> None:
    """Set what is given of `accepted_things` and `storage_bytes`; None and 0 are no limit. Effective at once.

    A limit below what is there takes nothing away (mender.limits.set-org-device-limit,
    mender.limits.clear-org-device-limit, mender.limits.set-org-storage-limit). Raises NotFound, InvalidInput for
    negative numbers, and Forbidden for everybody but those who administer the organization above, or the platform.
    """
    row = await work.fetch(OrganizationRow, organization_id, None, ("organizationId",))
    _require_limits(work, row.parent_id, ("organizationId",))
    apply_changes(row, limits, _LIMITS, work.moment)


async def move(
    work: UnitOfWork, organization_id: UUID, parent_id: UUID | None, expected_version: int | None = None
) -> None:
    """Hang an organization with all below it under another parent, or make it a root.

    The caller may update it, and create in both the parent that it leaves and the one that it joins; making a root
    takes organization:delete instead of the latter, and whoever does it becomes the owner when there is none. Raises
    NotFound, Forbidden, Conflict, LimitReached, and InvalidInput for a place inside itself
    (lynx.org.update-organization).
    """
    await trees.lock(work, ORGANIZATIONS)
    row = await work.fetch(OrganizationRow, organization_id, Permission.ORGANIZATION_UPDATE, ("id",))
    check_version(row.version, expected_version)
    if parent_id is not None:
        await work.fetch(OrganizationRow, parent_id, Permission.ORGANIZATION_CREATE, ("parentId",))
    else:
        work.access.require(Permission.ORGANIZATION_DELETE, organization_id)
    if row.parent_id == parent_id:
        return
    if row.parent_id is not None and not work.access.allows(Permission.ORGANIZATION_CREATE, row.parent_id):
        raise Forbidden("this needs the permission organization:create in the present parent", ("id",))
    await trees.move(work, ORGANIZATIONS, organization_id, parent_id, ("parentId",))
    row.parent_id = parent_id
    row.version += 1
    row.updated_at = work.moment
    if parent_id is None and not await has_owner(work, organization_id):
        await make_owner(work, organization_id)


async def remove(
    work: UnitOfWork, organization_id: UUID, *, cascade: bool = False, expected_version: int | None = None
) -> Removed:
    """Delete an organization with its memberships; accounts of people stay (mainflux.org.delete-org).

    With `cascade` everything in it and below it goes too. Raises NotFound, Forbidden, LimitReached, and Conflict for an
    old version or, without `cascade`, naming what is still in it (lynx.org.delete-organization).
    """
    await trees.lock(work, ORGANIZATIONS)
    row = await work.fetch(OrganizationRow, organization_id, Permission.ORGANIZATION_DELETE, ("id",))
    check_version(row.version, expected_version)
    if not cascade:
        await _require_empty(work, organization_id)
    below = ORGANIZATIONS.below(organization_id)
    keys = list((await work.session.execute(below)).scalars())
    heir = Heir(row.parent_id or organization_id, organization_id)
    things = await remove_things(work, ("id",), THING.c.organization_id.in_(below), heir=heir)
    await _record_updates(work, below, heir)
    await release_members(work, organization_id, heir)
    owned = (select(table.c.id).where(table.c.organization_id.in_(below)) for table in (ARTIFACT, ATTACHMENT))
    files = list((await work.session.execute(union_all(*owned))).scalars())
    await work.session.execute(delete(ORGANIZATION).where(ORGANIZATION.c.id.in_(below)))
    return Removed(len(keys), things, files)


def _require_person(work: UnitOfWork) -> None:
    if work.access.user_id is None and not work.access.is_platform_admin:
        raise Forbidden("only people create organizations")


def _require_limits(work: UnitOfWork, parent_id: UUID | None, path: Path = ("thingLimit",)) -> None:
    """Those above set what one below may have; the limits of a root are the platform's."""
    access = work.access
    if not (access.is_platform_admin or (parent_id and access.allows(Permission.ORGANIZATION_UPDATE, parent_id))):
        raise Forbidden("the limit is set by those who administer the organization above", path)


async def _require_fewer_roots(work: UnitOfWork) -> None:
    owned = (
        select(func.count())
        .select_from(MEMBERSHIP)
        .join(ORGANIZATION, ORGANIZATION.c.id == MEMBERSHIP.c.organization_id)
        .where(MEMBERSHIP.c.user_id == work.access.user_id, MEMBERSHIP.c.role == Role.OWNER)
        .where(ORGANIZATION.c.parent_id.is_(None))
    )
    if (await work.session.execute(owned)).scalar_one() >= OWNED_ROOTS:
        raise LimitReached(f"one person owns at most {OWNED_ROOTS} organizations")


async def _require_empty(work: UnitOfWork, organization_id: UUID) -> None:
    counts = [select(func.count()).where(ORGANIZATION.c.parent_id == organization_id).scalar_subquery()]
    counts += [
        select(func.count()).where(table.c.organization_id == organization_id).scalar_subquery()
        for table in _CONTENTS.values()
    ]
    found = (await work.session.execute(select(*counts))).one()
    reasons = [
        f"{count:,} {noun}{'s' if count > 1 else ''}"
        for noun, count in zip(["sub-organization", *_CONTENTS], found, strict=True)
        if count
    ]
    if reasons:
        raise Conflict(f"the organization still has {', '.join(reasons)}", ("id",))


async def _record_updates(work: UnitOfWork, organizations: Select[tuple[UUID]], heir: Heir) -> None:
    """Tell that jobs and deployments go; the rows go with the organizations, by foreign key."""
    for table, kind in ((OTA_JOB, EventKind.OTA_JOB_CHANGED), (DEPLOYMENT, EventKind.DEPLOYMENT_CHANGED)):
        going = select(table.c.id).where(table.c.organization_id.in_(organizations)).order_by(table.c.id)
        for key in (await work.session.execute(going)).scalars():
            work.record(
                kind,
                organization_id=heir.organization_id,
                previous_organization_id=heir.removed_id,
                subject_id=key,
                detail={"deleted": True},
            )
