"""What tests of things look at after a mutation: a thing as the API shows it, and the event rows that are stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from models.tables import EVENT, ORGANIZATION
from tests.cast import Cast, thing_id


async def seen(cast: Cast, key: UUID, fields: str) -> Any:
    """A thing as a platform administrator sees it now; None when it is gone."""
    query = f"query Thing($id: ID!) {{ thing(id: $id) {{ {fields} }} }}"
    return (await cast.data("platform", query, {"id": thing_id(key)}))["thing"]


async def events(cast: Cast) -> list[tuple[str, UUID]]:
    """Kind and subject of all stored events, in the order in which they were recorded."""
    rows = await cast.rows(select(EVENT.c.kind, EVENT.c.subject_id).order_by(EVENT.c.sequence))
    return [(row.kind.value, row.subject_id) for row in rows]


async def limit_things(cast: Cast, organization: UUID, number: int) -> None:
    """Let an organization have so many things at most."""
    async with cast.store.write() as session:
        limited = update(ORGANIZATION).where(ORGANIZATION.c.id == organization).values(thing_limit=number)
        await session.execute(limited)


async def can_sign_in(cast: Cast, secret: str) -> bool:
    """Whether the key opens the gateway; when it does not, that is what the answer says."""
    answer = await cast.gateway.graphql("{ viewer { thing { id } } }", token=f"Thing {secret}")
    assert not answer.errors or answer.codes == ["UNAUTHENTICATED"]
    return not answer.errors
