"""The storage that an organization may fill, and what it has filled of it (mender.limits.get-storage-usage).

The count is kept by the transactions that add and remove files. It is changed as their last statement, so that the row
of the organization is held for a moment only.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, update

from models.tables import ORGANIZATION
from services.errors import LimitReached
from services.unit_of_work import UnitOfWork

_FULL = "the storage of the organization is full: the file would pass its limit"


def check_room(size: int, *, limit: int | None, used: int) -> None:
    """Whether a file would fit as things are; a limit of None or 0 is none. Raises LimitReached."""
    if limit and used + size > limit:
        raise LimitReached(_FULL, ("size",))


async def take_storage(work: UnitOfWork, organization_id: UUID, size: int) -> None:
    """Count a file of `size` bytes; raises LimitReached when it does not fit.

    Of two that come at the same time and do not both fit, one is refused. A limit below what is used refuses every
    file and deletes none (mender.limits.set-org-storage-limit).
    """
    used = ORGANIZATION.c.storage_used + size
    fits = or_(
        ORGANIZATION.c.storage_limit.is_(None), ORGANIZATION.c.storage_limit == 0, used <= ORGANIZATION.c.storage_limit
    )
    counted = (
        update(ORGANIZATION)
        .where(ORGANIZATION.c.id == organization_id, fits)
        .values(storage_used=used)
        .returning(ORGANIZATION.c.id)
    )
    if (await work.session.execute(counted)).first() is None:
        raise LimitReached(_FULL, ("size",))


async def free_storage(work: UnitOfWork, organization_id: UUID, size: int) -> None:
    """Count files of `size` bytes together as gone."""
    if size:
        less = ORGANIZATION.c.storage_used - size
        await work.session.execute(
            update(ORGANIZATION).where(ORGANIZATION.c.id == organization_id).values(storage_used=less)
        )
