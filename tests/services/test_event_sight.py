"""Who sees an event: the rule in SQL and the one in Python are held against each other over drawn events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from models.columns import now
from models.enums import EventKind, Permission, Role
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import EVENT
from services import access as access_module
from services.access import ANONYMOUS, Access, ThingPrincipal, UserPrincipal
from services.events import PERMISSIONS, Event, organizations_seen, sees, visible_events

ORGANIZATIONS = [new_id() for _ in range(6)]
PEOPLE = [new_id() for _ in range(4)]
THINGS = [new_id() for _ in range(4)]
EVENTS = 400


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


def draw_event(drawn: Random) -> dict[str, Any]:
    def maybe(choices: list[UUID]) -> UUID | None:
        return drawn.choice([*choices, *[None] * len(choices)])

    return {
        "transaction": drawn.randrange(5),
        "kind": drawn.choice(list(EventKind)),
        "organization_id": drawn.choice(ORGANIZATIONS),
        "previous_organization_id": maybe(ORGANIZATIONS),
        "user_id": maybe(PEOPLE),
        "thing_id": maybe(THINGS),
        "subject_id": new_id(),
        "detail": {},
        "occurred_at": now(),
    }


def draw_access(drawn: Random) -> Access:
    person = UserPrincipal(drawn.choice(PEOPLE), new_id(), 0)
    number = drawn.choice((0, 1, 1, 2, 3))
    roles = {key: drawn.choice(list(Role)) for key in drawn.sample(ORGANIZATIONS, number)}
    return Access(person, roles, is_platform_admin=drawn.random() < 0.1)


def accesses(drawn: Random) -> list[Access]:
    things = [Access(ThingPrincipal(key, ORGANIZATIONS[0], b"")) for key in (*THINGS[:2], new_id())]
    return [ANONYMOUS, *things, *(draw_access(drawn) for _ in range(40))]


async def write(store: Store, drawn: Random) -> list[Event]:
    async with store.write() as session:
        await session.execute(insert(EVENT), [draw_event(drawn) for _ in range(EVENTS)])
    async with store.read() as connection:
        return [Event.of(row) for row in (await connection.execute(select(EVENT))).mappings()]


@pytest.mark.parametrize("roles", ["as they are", "unlike each other"])
async def test_sql_and_python_say_the_same(store: Store, roles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if roles == "unlike each other":
        # Today every role reads everything; the rule is asked of each permission all the same.
        unlike = {
            Role.VIEWER: frozenset({Permission.THING_READ}),
            Role.EDITOR: frozenset({Permission.OTA_READ}),
            Role.ADMIN: frozenset({Permission.MEMBERSHIP_READ, Permission.THING_READ}),
            Role.OWNER: frozenset({Permission.ORGANIZATION_READ}),
        }
        monkeypatch.setattr(access_module, "ROLE_PERMISSIONS", unlike)
    drawn = Random(20260131)
    events = await write(store, drawn)
    assert len(events) == EVENTS
    some, none = 0, 0
    for access in accesses(drawn):
        kinds = drawn.sample(list(EventKind), drawn.randrange(1, len(EventKind) + 1))
        asked = select(EVENT.c.sequence).where(EVENT.c.kind.in_(kinds), visible_events(access, kinds))
        async with store.read() as connection:
            by_sql = set((await connection.execute(asked)).scalars())
        by_python = {each.position.sequence for each in events if each.kind in kinds and sees(access, each)}
        assert by_sql == by_python, access
        some, none = some + bool(by_sql), none + (not by_sql)
    assert some > 20
    assert none >= 2


def test_a_move_is_seen_at_both_ends_and_an_event_of_a_person_by_them() -> None:
    here, there, person = ORGANIZATIONS[0], ORGANIZATIONS[1], PEOPLE[0]
    parts = {"kind": EventKind.THING_MOVED, "subject_id": THINGS[0], "thing_id": THINGS[0]}
    row = {"transaction": 0, "sequence": 1, "occurred_at": now(), "detail": {}, "group_id": None, "user_id": None}
    moved = Event.of({**row, **parts, "organization_id": here, "previous_organization_id": there})  # type: ignore[arg-type]
    for organization in (here, there):
        assert sees(Access(UserPrincipal(person, new_id(), 0), {organization: Role.VIEWER}), moved)
    assert not sees(Access(UserPrincipal(person, new_id(), 0), {ORGANIZATIONS[2]: Role.OWNER}), moved)
    assert not sees(ANONYMOUS, moved)
    assert sees(Access(ThingPrincipal(THINGS[0], here, b"")), moved)
    about = {"kind": EventKind.MEMBERSHIP_CHANGED, "subject_id": new_id(), "thing_id": None, "user_id": person}
    removed = Event.of({**row, **about, "organization_id": here, "previous_organization_id": None})  # type: ignore[arg-type]
    assert sees(Access(UserPrincipal(person, new_id(), 0)), removed)
    assert not sees(Access(UserPrincipal(PEOPLE[1], new_id(), 0)), removed)


def test_every_kind_takes_a_permission_to_read() -> None:
    assert set(PERMISSIONS) == set(EventKind)
    assert all(permission.value.endswith(":read") for permission in PERMISSIONS.values())


def test_where_events_are_seen() -> None:
    access = Access(
        UserPrincipal(PEOPLE[0], new_id(), 0), {ORGANIZATIONS[0]: Role.VIEWER, ORGANIZATIONS[1]: Role.OWNER}
    )
    assert organizations_seen(access, list(EventKind)) == frozenset(ORGANIZATIONS[:2])
    assert organizations_seen(Access(access.principal, is_platform_admin=True), list(EventKind)) is None
