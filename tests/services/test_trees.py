"""The closure of the trees is what the parents say, whatever is planted, moved and deleted in whatever order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from models.enums import ErrorCode
from models.store import Store, StoreSettings, open_store
from models.tables import ORGANIZATION, ORGANIZATION_ANCESTOR
from services import organizations
from services.access import Access
from services.errors import FleetError
from services.unit_of_work import unit_of_work

GATEWAY = Access(principal=None, is_platform_admin=True)
STEPS = 60


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


async def parents_of(store: Store) -> dict[UUID, UUID | None]:
    async with store.read() as connection:
        rows = (await connection.execute(select(ORGANIZATION.c.id, ORGANIZATION.c.parent_id))).all()
    return {row.id: row.parent_id for row in rows}


async def closure_of(store: Store) -> set[tuple[UUID, UUID, int]]:
    async with store.read() as connection:
        rows = (await connection.execute(select(ORGANIZATION_ANCESTOR))).all()
    return {(row.organization_id, row.ancestor_id, row.depth) for row in rows}


def expected_closure(parents: dict[UUID, UUID | None]) -> set[tuple[UUID, UUID, int]]:
    closure = set()
    for node in parents:
        above: UUID | None = node
        depth = 0
        while above is not None:
            closure.add((node, above, depth))
            above, depth = parents[above], depth + 1
    return closure


def is_inside(parents: dict[UUID, UUID | None], node: UUID | None, branch: UUID) -> bool:
    while node is not None and node != branch:
        node = parents[node]
    return node == branch


async def outcome(
    store: Store, act: Callable[..., Awaitable[object]], *details: Any, **options: Any
) -> ErrorCode | None:
    """The code of the error that an action ends with."""
    try:
        async with unit_of_work(store, GATEWAY, lambda: None) as work:
            await act(work, *details, **options)
    except FleetError as error:
        return error.code
    return None


@pytest.mark.parametrize("seed", [1, 2])
async def test_closure_follows_the_parents(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    codes = set()
    for step in range(STEPS):
        parents = await parents_of(store)
        parent = chance.choice([None, *sorted(parents)])
        node = chance.choice(sorted(parents)) if len(parents) > 5 else None
        expected = None
        if node is None:
            code = await outcome(store, organizations.create, {"name": f"Node {step}"}, parent)
        elif chance.random() < 0.7:
            code = await outcome(store, organizations.move, node, parent)
            expected = ErrorCode.INVALID_INPUT if is_inside(parents, parent, node) and parents[node] != parent else None
        else:
            cascade = chance.random() < 0.3
            code = await outcome(store, organizations.remove, node, cascade=cascade)
            expected = ErrorCode.CONFLICT if node in parents.values() and not cascade else None
        assert code == expected
        codes.add(code)
        assert await closure_of(store) == expected_closure(await parents_of(store))
    assert codes == {None, ErrorCode.INVALID_INPUT, ErrorCode.CONFLICT}
