"""The scope of two callers of one kind is one SQL text, so that a compiled statement serves them all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import BindParameter, Dialect, Table, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import visitors

from models.enums import EventKind, Permission, Role
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import EVENT, MEMBERSHIP, ORGANIZATION, THING, USER
from services import access as access_module
from services.access import ANONYMOUS, Access, Shape, ThingPrincipal, UserPrincipal, resolve_access
from services.events import visible_events
from services.scope import PARTS, READ_PERMISSION, visible
from services.sessions import Authenticator
from services.tokens import TokenKeys
from tests.fleets import Fleet
from tests.gateways import TOKEN_SECRET

DIALECTS: tuple[Dialect, ...] = (postgresql.dialect(), sqlite.dialect())  # type: ignore[no-untyped-call]
PERSONAL = {"scope_user", *(access_module.scope_parameter(each) for each in READ_PERMISSION.values())}


def person(*roles: Role) -> Access:
    principal = UserPrincipal(new_id(), new_id(), 0.0)
    return Access(principal, {new_id(): role for role in roles})


def thing() -> Access:
    return Access(ThingPrincipal(new_id(), new_id(), b"digest"))


PAIRS: Mapping[str, tuple[Access, Access, Shape]] = {
    "administrators": (
        Access(UserPrincipal(new_id(), new_id(), 0.0), is_platform_admin=True),
        Access(None, is_platform_admin=True),
        Shape.EVERYTHING,
    ),
    "nobody": (ANONYMOUS, Access(None), Shape.NOTHING),
    "one organization": (person(Role.VIEWER), person(Role.OWNER), Shape.ONE_ORGANIZATION),
    "several organizations": (
        person(Role.VIEWER, Role.EDITOR),
        person(Role.OWNER, Role.VIEWER, Role.ADMIN),
        Shape.ORGANIZATIONS,
    ),
    "no organization": (person(), person(Role.VIEWER, Role.VIEWER), Shape.ORGANIZATIONS),
    "things": (thing(), thing(), Shape.THING),
}


def compiled(access: Access, table: Table, dialect: Dialect) -> tuple[str, Mapping[str, Any]]:
    """The text of a list and a count of what the caller sees, with the scope twice in it, and its parameters."""
    scope = visible(access, table)
    conditions = [] if scope is None else [scope]
    counted = select(func.count()).select_from(table).where(*conditions).scalar_subquery()
    statement = select(table, counted).where(*conditions)
    result = statement.compile(dialect=dialect)
    return str(result), result.params


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_accesses_of_one_shape_have_one_text_for_every_table(pair: str, dialect: Dialect) -> None:
    first, second, shape = PAIRS[pair]
    assert (first.shape, second.shape) == (shape, shape)
    assert first.scope_values.keys() == second.scope_values.keys()
    for table in (*READ_PERMISSION, *PARTS):
        (text, values), (other, others) = compiled(first, table, dialect), compiled(second, table, dialect)
        assert text == other, table.name
        assert values == {name: first.scope_values[name] for name in values}
        assert others == {name: second.scope_values[name] for name in others}


@pytest.mark.parametrize("pair", PAIRS)
def test_every_value_is_a_parameter_with_a_name(pair: str) -> None:
    """Nothing of a caller is written into the text, and no parameter has a name that changes."""
    first, _, _ = PAIRS[pair]
    for table in READ_PERMISSION:
        scope = visible(first, table)
        found = [] if scope is None else [each for each in visitors.iterate(scope) if isinstance(each, BindParameter)]
        assert {each.key for each in found} <= first.scope_values.keys()
        assert not any(each.unique for each in found)


def test_the_names_are_those_of_the_shape() -> None:
    assert person(Role.VIEWER).scope_values.keys() == person().scope_values.keys() == PERSONAL
    assert thing().scope_values.keys() == {"scope_thing", "scope_thing_organization"}
    assert ANONYMOUS.scope_values == PAIRS["administrators"][0].scope_values == {}
    one = person(Role.VIEWER)
    assert one.scope_values["scope_thing_read"] == next(iter(one.roles))
    assert one.scope_values["scope_user"] == one.user_id
    several = person(Role.VIEWER, Role.OWNER)
    assert several.scope_values["scope_thing_read"] == sorted(several.roles)


def test_who_reads_in_different_organizations_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every role reads everything today; if one did not, one parameter could not stand for all permissions."""
    lesser = {**access_module.ROLE_PERMISSIONS, Role.VIEWER: frozenset({Permission.THING_READ})}
    monkeypatch.setattr(access_module, "ROLE_PERMISSIONS", lesser)
    viewer = person(Role.VIEWER)
    assert viewer.shape is Shape.ORGANIZATIONS
    assert viewer.scope_values["scope_thing_read"] == list(viewer.roles)
    assert viewer.scope_values["scope_group_read"] == []


def test_one_organization_is_compared_as_itself() -> None:
    text, _ = compiled(person(Role.VIEWER), THING, DIALECTS[0])
    assert "ANY" not in text
    assert "thing.organization_id = " in text


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


async def access_of(store: Store, token: str) -> Access:
    header = token if " " in token else f"Bearer {token}"
    return await resolve_access(store, await Authenticator(store, TokenKeys.of(TOKEN_SECRET)).authenticate(header))


async def found(store: Store, statement: Any) -> set[UUID]:
    async with store.read() as connection:
        return set((await connection.execute(statement)).scalars())


async def seen(store: Store, access: Access, table: Table) -> set[UUID]:
    scope = visible(access, table)
    assert scope is not None
    return await found(store, select(table.c.id).where(scope))


async def test_callers_of_one_shape_each_see_their_own(store: Store, fleet: Fleet) -> None:
    """SQLAlchemy compiles the statement of the first caller and runs it for the second with the second's values."""
    pairs = (
        (fleet.alder.branch_viewer.token, fleet.birch.branch_viewer.token, Shape.ONE_ORGANIZATION),
        (fleet.alder.owner.token, fleet.birch.viewer.token, Shape.ORGANIZATIONS),
        (fleet.alder.pump.token, fleet.birch.meter.token, Shape.THING),
    )
    for token, other_token, shape in pairs:
        access, other = await access_of(store, token), await access_of(store, other_token)
        assert access.shape == other.shape == shape
        for table in (THING, ORGANIZATION):
            mine, theirs = await seen(store, access, table), await seen(store, other, table)
            assert mine
            assert theirs
            assert not mine & theirs


async def test_scopes_of_several_tables_fit_into_one_statement(store: Store, fleet: Fleet) -> None:
    """The same parameter in several places of one statement is one parameter."""
    for tenant in (fleet.alder, fleet.birch):
        for token in (tenant.owner.token, tenant.branch_viewer.token, fleet.stranger.token):
            access = await access_of(store, token)
            happened = select(func.count()).select_from(EVENT).where(visible_events(access, tuple(EventKind)))
            scopes = [scope for table in (USER, MEMBERSHIP) if (scope := visible(access, table)) is not None]
            joined = select(USER.c.id).outerjoin(MEMBERSHIP, and_(MEMBERSHIP.c.user_id == USER.c.id, scopes[1]))
            one_by_one = await found(store, select(USER.c.id).where(scopes[0]))
            assert access.user_id in one_by_one
            assert await found(store, joined.where(scopes[0], happened.scalar_subquery() >= 0)) == one_by_one
