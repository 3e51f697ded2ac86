"""Profiles: how a kind of thing talks. They belong to one organization and are named in it once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from models import OrganizationRow, ProfileRow
from models.enums import PayloadFormat, Permission
from models.tables import PROFILE, THING
from services.cascades import count_things
from services.errors import Conflict
from services.patches import DESCRIPTION, METADATA, NAME, Fields, Patched, apply_changes, checked
from services.unit_of_work import UnitOfWork, check_version
from services.validation import Path


def _as_given(value: Any, _: Path) -> Any:
    """A value that its GraphQL type has checked."""
    return value


_FIELDS: Final[Fields] = {
    "name": NAME,
    "description": DESCRIPTION,
    "payload_format": Patched("payload_format", _as_given, empty=PayloadFormat.JSON),
    "write_messages": Patched("write_messages", _as_given, empty=True),
    "metadata": METADATA,
}


async def create(work: UnitOfWork, organization_id: UUID, values: Mapping[str, Any]) -> UUID:
    """Create a profile: `values` holds its `name` and any other field (mainflux.thing.create-profiles).

    Raises NotFound, Forbidden, InvalidInput, Conflict for a taken name.
    """
    await work.fetch(OrganizationRow, organization_id, Permission.PROFILE_WRITE, ("organizationId",))
    row = ProfileRow(
        **checked(values, _FIELDS), organization_id=organization_id, created_at=work.moment, updated_at=work.moment
    )
    await _require_free_name(work, row)
    work.session.add(row)
    await work.session.flush()
    return row.id


async def edit(
    work: UnitOfWork, profile_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> None:
    """Change what is given; a profile never changes its organization (mainflux.thing.update-profile).

    Raises NotFound, Forbidden, InvalidInput, Conflict for an old version or a taken name.
    """
    row = await work.fetch(ProfileRow, profile_id, Permission.PROFILE_WRITE, ("id",))
    check_version(row.version, expected_version)
    apply_changes(row, changes, _FIELDS, work.moment)
    await _require_free_name(work, row)


async def remove(work: UnitOfWork, profile_id: UUID, expected_version: int | None = None) -> None:
    """Delete a profile that no thing uses; things are never deleted with it (mainflux.thing.delete-profile).

    Raises NotFound, Forbidden, Conflict for an old version or while things use it.
    """
    row = await work.fetch(ProfileRow, profile_id, Permission.PROFILE_DELETE, ("id",))
    check_version(row.version, expected_version)
    used = await count_things(work, THING.c.profile_id == profile_id)
    if used:
        raise Conflict(f"{used:,} thing{'s use' if used > 1 else ' uses'} this profile", ("id",))
    await work.session.execute(delete(PROFILE).where(PROFILE.c.id == profile_id))


async def _require_free_name(work: UnitOfWork, row: ProfileRow) -> None:
    same = (PROFILE.c.organization_id == row.organization_id, PROFILE.c.name == row.name)
    if await work.exists(*same, PROFILE.c.id != row.id):
        raise Conflict("another profile of the organization has this name", ("name",))
