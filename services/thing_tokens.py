"""Tokens of things that have signed in: given, revoked, and removed when their time is over.

A token is a JWT of the audience of things with the claims `jti` (its id), `sub` (the thing), `org` and `exp`; the row
with its id is what makes it good (`services.access`). Ids in it are 32 hex digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, literal, or_, select

from models import OrganizationRow, ThingRow, ThingTokenRow
from models.columns import JSON_COLUMN, now
from models.dialects import transaction_id
from models.enums import EventKind, Permission
from models.ids import new_id
from models.store import Store
from models.tables import EVENT, THING, THING_TOKEN
from services.access import ANONYMOUS
from services.bulk import allow_time
from services.lookups import look_up
from services.tokens import Audience, TokenKeys
from services.unit_of_work import UnitOfWork, unit_of_work
from sql.moments import UtcDateTime
from sql.sets import member_of

TOKENS_PER_THING: Final = 10
"""Good at once; one more ends the oldest."""
REMOVED_AT_ONCE: Final = 5_000


async def issue(
    work: UnitOfWork, keys: TokenKeys, seconds: int, *, organization_id: UUID, thing_id: UUID, auth_set_id: UUID
) -> str:
    """A new token of a thing that is locked and whose auth set is accepted."""
    key = new_id()
    # The claim holds whole seconds, and the row shall not end before it.
    started = work.moment.replace(microsecond=0)
    row = {"id": key, "organization_id": organization_id, "thing_id": thing_id, "auth_set_id": auth_set_id}
    moments = {"issued_at": work.moment, "expires_at": started + timedelta(seconds=seconds + 1)}
    await work.session.execute(insert(THING_TOKEN).values(**row, **moments))
    columns = THING_TOKEN.c
    newest = (
        select(columns.id)
        .where(columns.thing_id == thing_id)
        .order_by(columns.issued_at.desc(), columns.id.desc())
        .limit(TOKENS_PER_THING)
    )
    over = or_(columns.expires_at <= work.moment, columns.id.not_in(newest))
    await work.session.execute(delete(THING_TOKEN).where(columns.thing_id == thing_id, over))
    claims = {"jti": key.hex, "sub": thing_id.hex, "org": organization_id.hex}
    return keys.sign(Audience.THING, claims, seconds=seconds)


async def revoke(work: UnitOfWork, token_id: UUID) -> int:
    """End one token; its auth set stays, so that an accepted thing may sign in anew.

    (mender.identity.revoke-device-token) Raises NotFound for a token that is not there (any more), and Forbidden.
    """
    await look_up(work, ThingTokenRow, token_id, Permission.THING_AUTHORIZE, ("tokenId",))
    return await _end(work, THING_TOKEN.c.id == token_id)


async def revoke_of_thing(work: UnitOfWork, thing_id: UUID) -> int:
    """End all tokens of a thing; how many there were, which may be none (mender.identity.revoke-tokens-of-device).

    Raises NotFound and Forbidden.
    """
    await work.fetch(ThingRow, thing_id, Permission.THING_AUTHORIZE, ("thingId",))
    return await _end(work, THING_TOKEN.c.thing_id == thing_id)


async def revoke_of_organization(work: UnitOfWork, organization_id: UUID) -> int:
    """End the tokens of all things of one organization; those below keep theirs.

    Auth sets stay as they are (mender.identity.revoke-tokens-of-all-devices). Raises NotFound and Forbidden.
    """
    await look_up(work, OrganizationRow, organization_id, Permission.ORGANIZATION_UPDATE, ("organizationId",))
    await allow_time(work)
    return await _end(work, THING_TOKEN.c.organization_id == organization_id)


async def _end(work: UnitOfWork, which: ColumnElement[bool]) -> int:
    """Delete tokens, and note for each thing among their owners that it was changed: that closes what it has open."""
    gone = delete(THING_TOKEN).where(which).returning(THING_TOKEN.c.thing_id)
    owners = list((await work.session.execute(gone)).scalars())
    if owners:
        await _tell(work, sorted(set(owners)))
    return len(owners)


async def _tell(work: UnitOfWork, things: Sequence[UUID]) -> None:
    row: dict[str, ColumnElement[Any]] = {
        "transaction": transaction_id(work.dialect),
        "kind": literal(EventKind.THING_UPDATED, EVENT.c.kind.type),
        "organization_id": THING.c.organization_id,
        "group_id": THING.c.home_group_id,
        "thing_id": THING.c.id,
        "subject_id": THING.c.id,
        "detail": literal({}, JSON_COLUMN),
        "occurred_at": literal(work.moment, UtcDateTime()),
    }
    rows = select(*row.values()).where(member_of(THING.c.id, things)).order_by(THING.c.id)
    await work.session.execute(insert(EVENT).from_select(list(row), rows))
    work.has_told = True


class ExpiredTokens:
    """A duty: removes the rows of tokens whose time is over."""

    name = "expired tokens of things"

    def __init__(self, store: Store, committed: Callable[[], None]) -> None:
        """Look in `store`; `committed` is called by whatever leaves events, which this does not."""
        self._store = store
        self._committed = committed

    async def run(self) -> int:
        """Remove all of them, some with each transaction; returns how many. Without any, nothing is written."""
        removed = 0
        while some := await self._remove_some():
            removed += some
        return removed

    async def _remove_some(self) -> int:
        columns = THING_TOKEN.c
        over = select(columns.id).where(columns.expires_at <= now()).limit(REMOVED_AT_ONCE)
        async with self._store.read() as connection:
            keys = list((await connection.execute(over)).scalars())
        if not keys:
            return 0
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            await work.session.execute(delete(THING_TOKEN).where(member_of(columns.id, keys)))
        return len(keys)
