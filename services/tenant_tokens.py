"""Tokens of tenants: secrets in the images of things, which name the organization that they first sign in to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from models import OrganizationRow, TenantTokenRow
from models.enums import Permission
from models.tables import TENANT_TOKEN
from services.errors import LimitReached
from services.tokens import digest, new_secret
from services.unit_of_work import UnitOfWork
from services.validation import check_name

TOKENS_PER_ORGANIZATION: Final = 100


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A new token, whose secret is shown this once and stored as its digest."""

    id: UUID
    secret: str = field(repr=False)


async def create(work: UnitOfWork, organization_id: UUID, name: str) -> CreatedToken:
    """Make a token of an organization; raises NotFound, Forbidden, InvalidInput, LimitReached.

    (mender.identity.select-organization-by-tenant-token)
    """
    called = check_name(name, ("name",))
    await work.fetch(OrganizationRow, organization_id, Permission.TENANT_WRITE, ("organizationId",))
    mine = TENANT_TOKEN.c.organization_id == organization_id
    counted = select(func.count()).select_from(TENANT_TOKEN).where(mine)
    if (await work.session.execute(counted)).scalar_one() >= TOKENS_PER_ORGANIZATION:
        raise LimitReached(f"an organization has at most {TOKENS_PER_ORGANIZATION} tenant tokens", ("organizationId",))
    secret = new_secret()
    row = TenantTokenRow(
        organization_id=organization_id,
        created_by_id=work.access.user_id,
        name=called,
        digest=digest(secret),
        created_at=work.moment,
        updated_at=work.moment,
    )
    work.session.add(row)
    await work.session.flush()
    return CreatedToken(row.id, secret)


async def remove(work: UnitOfWork, token_id: UUID) -> None:
    """Delete a token: things that name it, known or not, sign in no more; what they were given lasts to its end.

    Raises NotFound and Forbidden.
    """
    row = await work.fetch(TenantTokenRow, token_id, Permission.TENANT_WRITE, ("id",))
    await work.session.delete(row)
