"""The access epoch moves with every change of access, together with it, and with nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Update, delete, insert, select, text, update

from models.columns import now
from models.enums import Role, UserStatus
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import (
    ACCESS_EPOCH,
    GROUP,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    REFRESH_TOKEN,
    SESSION,
    THING,
    THING_STATE,
    USER,
)
from services.access import read_epoch
from tests.cast import Cast

SESSIONS = {name: new_id() for name in ("lasting", "short", "revoked", "over", "long over")}


def new_membership(cast: Cast) -> dict[str, Any]:
    stamps = {"created_at": now(), "updated_at": now()}
    return {
        "id": new_id(),
        "organization_id": cast.acme,
        "user_id": cast.people["loner"],
        "role": Role.VIEWER,
        **stamps,
    }


def of(cast: Cast, name: str) -> Any:
    return MEMBERSHIP.c.user_id == cast.people[name]


def session_of(cast: Cast, name: str) -> dict[str, Any]:
    """A session of the viewer; the names are those of SESSIONS."""
    ends = {"over": timedelta(hours=-23), "long over": timedelta(hours=-25)}.get(name, timedelta(days=30))
    revoked = now() if name == "revoked" else None
    row = {"id": SESSIONS[name], "created_at": now(), "expires_at": now() + ends, "revoked_at": revoked}
    return {**row, "user_id": cast.people["viewer"]}


def changes(cast: Cast) -> dict[str, Any]:
    """Statements that change what somebody may see, one after the other."""
    edge = {"organization_id": cast.other, "ancestor_id": cast.acme, "depth": 1}
    below = (ORGANIZATION_ANCESTOR.c.organization_id == cast.other) & (
        ORGANIZATION_ANCESTOR.c.ancestor_id != cast.other
    )
    viewer, session = USER.c.id == cast.people["viewer"], SESSION.c.id
    return {
        "a new member": insert(MEMBERSHIP).values(new_membership(cast)),
        "another role": update(MEMBERSHIP).where(of(cast, "loner")).values(role=Role.OWNER),
        "another person": update(MEMBERSHIP).where(of(cast, "loner")).values(user_id=cast.people["platform"]),
        "another organization": update(MEMBERSHIP).where(of(cast, "platform")).values(organization_id=cast.north),
        "a member less": delete(MEMBERSHIP).where(of(cast, "platform")),
        "a new place in the tree": insert(ORGANIZATION_ANCESTOR).values(edge),
        "another place in the tree": update(ORGANIZATION_ANCESTOR).where(below).values(ancestor_id=cast.north),
        "a place less": delete(ORGANIZATION_ANCESTOR).where(below),
        "an organization that takes its rows along": delete(ORGANIZATION).where(ORGANIZATION.c.id == cast.other),
        "an administrator": update(USER).where(viewer).values(is_platform_admin=True),
        "an account disabled": update(USER).where(viewer).values(status=UserStatus.DISABLED),
        "a session longer": update(SESSION).where(session == SESSIONS["short"]).values(expires_at=now()),
        "a session of another": update(SESSION)
        .where(session == SESSIONS["short"])
        .values(user_id=cast.people["admin"]),
        "a session revoked": update(SESSION).where(session == SESSIONS["short"]).values(revoked_at=now()),
        "a session revived": update(SESSION).where(session == SESSIONS["short"]).values(revoked_at=None),
        "a session gone that lasted": delete(SESSION).where(session == SESSIONS["lasting"]),
        "a session gone that may last by another clock": delete(SESSION).where(session == SESSIONS["over"]),
        "an account gone": delete(USER).where(viewer),
    }


def other_writes(cast: Cast) -> dict[str, Any]:
    """Statements that change nothing of access."""
    token = {"id": new_id(), "session_id": SESSIONS["lasting"], "digest": b"d" * 32, "created_at": now()}
    nobody = MEMBERSHIP.c.id == new_id()
    return {
        "a thing": update(THING).values(name="Another name", connected=True),
        "a state": update(THING_STATE).values(reported={"on": True}),
        "a group": update(GROUP).values(name="Another hall"),
        "an organization": update(ORGANIZATION).values(name="Another name"),
        "a name": update(USER).values(name="Another name", version=2),
        "a password": update(USER).values(password_hash="another"),
        "the same role": update(MEMBERSHIP).where(of(cast, "viewer")).values(role=Role.VIEWER, updated_at=now()),
        "the same depth": update(ORGANIZATION_ANCESTOR).values(depth=7),
        "the same rights": update(USER).where(USER.c.id == cast.people["viewer"]).values(status=UserStatus.ACTIVE),
        "no row": delete(MEMBERSHIP).where(nobody),
        "no row changed": update(MEMBERSHIP).where(nobody).values(role=Role.OWNER),
        "a refresh token": insert(REFRESH_TOKEN).values(token),
        "a refresh token spent": update(REFRESH_TOKEN).values(used_at=now()),
        "a session the same": update(SESSION).where(SESSION.c.id == SESSIONS["revoked"]).values(created_at=now()),
        "a session gone that was revoked": delete(SESSION).where(SESSION.c.id == SESSIONS["revoked"]),
        "a session gone that was over for long": delete(SESSION).where(SESSION.c.id == SESSIONS["long over"]),
    }


@pytest.fixture
async def world(cast: Cast) -> Cast:
    """The small world with sessions of every kind."""
    before = await read_epoch(cast.store)
    async with cast.store.write() as session:
        await session.execute(insert(SESSION), [session_of(cast, name) for name in SESSIONS])
    assert await read_epoch(cast.store) == before, "a session that begins takes nothing from anybody"
    return cast


async def run(store: Store, statement: Any) -> None:
    async with store.write() as session:
        await session.execute(statement)


async def test_every_change_of_access_moves_the_epoch(world: Cast) -> None:
    seen = [await read_epoch(world.store)]
    for name, statement in changes(world).items():
        await run(world.store, statement)
        seen.append(await read_epoch(world.store))
        assert seen[-1] > seen[-2], name


async def test_other_writes_leave_it_where_it_is(world: Cast) -> None:
    before = await read_epoch(world.store)
    for name, statement in other_writes(world).items():
        await run(world.store, statement)
        assert await read_epoch(world.store) == before, name


async def test_it_is_seen_together_with_the_change(world: Cast) -> None:
    members = select(ACCESS_EPOCH.c.value, MEMBERSHIP.c.id).outerjoin_from(ACCESS_EPOCH, MEMBERSHIP, of(world, "loner"))

    async def look() -> tuple[int, bool]:
        async with world.store.read() as connection:
            value, key = (await connection.execute(members)).one()
        return value, key is not None

    before, _ = await look()
    async with world.store.write() as session:
        await session.execute(insert(MEMBERSHIP).values(new_membership(world)))
        assert await look() == (before, False)
    after, is_member = await look()
    assert is_member
    assert after > before


async def test_what_is_taken_back_moves_nothing(world: Cast) -> None:
    before = await read_epoch(world.store)
    async with world.store.write() as session:
        nested = await session.begin_nested()
        await session.execute(insert(MEMBERSHIP).values(new_membership(world)))
        await nested.rollback()
    assert await read_epoch(world.store) == before
    with pytest.raises(LookupError):
        async with world.store.write() as session:
            await session.execute(insert(MEMBERSHIP).values(new_membership(world)))
            raise LookupError
    assert await read_epoch(world.store) == before
    async with world.store.write() as session:
        nested = await session.begin_nested()
        await session.execute(insert(MEMBERSHIP).values(new_membership(world)))
        await nested.rollback()
        await session.execute(delete(MEMBERSHIP).where(of(world, "viewer")))
    assert await read_epoch(world.store) > before


def rename(world: Cast) -> Update:
    return update(ORGANIZATION).where(ORGANIZATION.c.id == world.acme).values(name="Another name")


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_changes_of_access_do_not_wait_for_each_other_in_a_circle(world: Cast) -> None:
    """One has changed access and wants a row; another has the row and changes access. Neither is given up."""
    seen = [await read_epoch(world.store)]
    async with asyncio.timeout(30), world.store.write() as first:
        await first.execute(insert(MEMBERSHIP).values(new_membership(world)))
        async with world.store.write() as second:
            await second.execute(rename(world))
            waiting = asyncio.create_task(first.execute(rename(world)))
            await second.execute(delete(MEMBERSHIP).where(of(world, "viewer")))
        seen.append(await read_epoch(world.store))
        await waiting
    seen.append(await read_epoch(world.store))
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_it_is_written_once_in_a_transaction(world: Cast) -> None:
    """However many rows are changed: each version of the one row would have to be read over by the next."""
    async with world.store.write() as session:
        await session.execute(update(MEMBERSHIP).values(role=Role.ADMIN))
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        moved = (await session.execute(select(ACCESS_EPOCH.c.value))).scalar_one()
        await session.execute(delete(SESSION))
        assert (await session.execute(select(ACCESS_EPOCH.c.value))).scalar_one() == moved


async def test_there_is_one_row(database_url: str) -> None:
    store = open_store(StoreSettings(database_url))
    try:
        async with store.read() as connection:
            assert [row.id for row in await connection.execute(select(ACCESS_EPOCH.c.id))] == [1]
    finally:
        await store.close()
