"""A small world with every kind of caller in it, for tests of access and of mutations.

Two tenants: Acme (with Acme North below it) and Other. In Acme a group, a profile, and one thing that is at home in the
group and talks by the profile. The callers are named in `CALLERS`; each signs in over the API, with a real token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from sqlalchemy import ColumnElement, Table, func, insert, select

from engine.ids import global_id
from gateway import PARTS
from models.columns import now
from models.enums import GroupKind, OrganizationStatus, PayloadFormat, Role, ThingType, UserStatus
from models.ids import new_id
from models.tables import (
    GROUP,
    GROUP_ANCESTOR,
    GROUP_THING,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    PROFILE,
    THING,
    THING_STATE,
    USER,
)
from services.tokens import digest
from tests.client import USER_ERRORS
from tests.gateways import Gateway

PASSWORD: Final = "correct-horse"
THING_KEY: Final = "the-key-of-the-pump"
# As weak as argon2 goes: what the tests are about is not how slow it is.
PASSWORD_HASH: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
ROLES: Final = {"owner": Role.OWNER, "admin": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER}
PEOPLE: Final = ("platform", *ROLES, "outsider", "loner")
CALLERS: Final = ("anonymous", *PEOPLE, "thing")
"""`platform` administers all, owner to viewer are members of Acme, `outsider` owns Other, `loner` is nowhere."""


class Cast:
    """The world and its callers. Keys are UUIDs; `org_id` and its like give global ids."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = gateway.application[PARTS].store
        self.tokens: dict[str, str] = {"thing": f"Thing {THING_KEY}"}
        self.people = {name: new_id() for name in PEOPLE}
        self.acme, self.north, self.other = new_id(), new_id(), new_id()
        self.group, self.profile, self.thing = new_id(), new_id(), new_id()

    async def build(self) -> None:
        """Write the rows."""
        async with self.store.write() as session:
            for table, rows in self._rows():
                stamped = [{**_defaults(table), **row} for row in rows]
                await session.execute(insert(table), stamped)

    def _rows(self) -> Sequence[tuple[Table, list[dict[str, Any]]]]:
        members = [(self.acme, self.people[name], role) for name, role in ROLES.items()]
        members.append((self.other, self.people["outsider"], Role.OWNER))
        tree = [(self.acme, self.acme, 0), (self.north, self.north, 0), (self.north, self.acme, 1)]
        tree.append((self.other, self.other, 0))
        return (
            (USER, [_person(key, name) for name, key in self.people.items()]),
            (ORGANIZATION, [_organization(self.acme, "Acme"), _organization(self.other, "Other")]),
            (ORGANIZATION, [_organization(self.north, "Acme North", self.acme)]),
            (
                ORGANIZATION_ANCESTOR,
                [{"organization_id": node, "ancestor_id": above, "depth": depth} for node, above, depth in tree],
            ),
            (
                MEMBERSHIP,
                [
                    {"id": new_id(), "organization_id": where, "user_id": who, "role": role}
                    for where, who, role in members
                ],
            ),
            (GROUP, [{"id": self.group, "organization_id": self.acme, "name": "Hall", "kind": GroupKind.GROUP}]),
            (GROUP_ANCESTOR, [{"group_id": self.group, "ancestor_id": self.group, "depth": 0}]),
            (
                PROFILE,
                [
                    {
                        "id": self.profile,
                        "organization_id": self.acme,
                        "name": "Standard",
                        "payload_format": PayloadFormat.JSON,
                        "write_messages": True,
                    }
                ],
            ),
            (THING, [self._thing(self.thing, "Pump", THING_KEY)]),
            (THING_STATE, [{"thing_id": self.thing, "reported": {}, "desired": {}, "version": 0}]),
            (GROUP_THING, [{"group_id": self.group, "thing_id": self.thing, "is_home": True}]),
        )

    def _thing(self, key: UUID, name: str, secret: str) -> dict[str, Any]:
        return {
            "id": key,
            "organization_id": self.acme,
            "home_group_id": self.group,
            "profile_id": self.profile,
            "name": name,
            "type": ThingType.DEVICE,
            "key_digest": digest(secret),
            "connected": False,
            "lifecycle": "NEW",
        }

    async def add_things(self, count: int, *, organization: UUID | None = None) -> list[UUID]:
        """More things, in Acme unless told otherwise, without a home and without a profile."""
        keys = [new_id() for _ in range(count)]
        rows = [
            {
                **_defaults(THING),
                **self._thing(key, f"Thing {number}", key.hex),
                "organization_id": organization or self.acme,
                "home_group_id": None,
                "profile_id": None,
            }
            for number, key in enumerate(keys)
        ]
        async with self.store.write() as session:
            await session.execute(insert(THING), rows)
            states = [{"thing_id": key, "reported": {}, "desired": {}, "version": 0} for key in keys]
            await session.execute(insert(THING_STATE), states)
        return keys

    async def add_person(self, name: str, organization: UUID | None = None, role: Role | None = None) -> UUID:
        """One more person, signing in as `<name>@example.com`, a member of an organization when one is given."""
        key = self.people[name] = new_id()
        async with self.store.write() as session:
            await session.execute(insert(USER), [{**_defaults(USER), **_person(key, name)}])
            if organization is not None:
                member = {"id": new_id(), "organization_id": organization, "user_id": key, "role": role}
                await session.execute(insert(MEMBERSHIP), [{**_defaults(MEMBERSHIP), **member}])
        return key

    async def token(self, caller: str) -> str | None:
        """The credentials of a caller; people sign in with the first call."""
        if caller == "anonymous":
            return None
        if caller not in self.tokens:
            self.tokens[caller] = (await self.gateway.sign_in(email_of(caller), PASSWORD)).access_token
        return self.tokens[caller]

    async def change(self, caller: str, name: str, input: Mapping[str, Any], select: str = "") -> Any:
        """Call a mutation that must succeed as somebody; gives its payload."""
        return await self.gateway.change(name, input, select=select, token=await self.token(caller))

    async def errors(self, caller: str, name: str, input: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Call a mutation that must answer with user errors; gives them."""
        payload = await self.gateway.mutate(name, input, token=await self.token(caller))
        assert payload["userErrors"], f"{caller} may {name}"
        return list(payload["userErrors"])

    async def error(self, caller: str, name: str, input: Mapping[str, Any]) -> tuple[str, list[str] | None]:
        """The code and the path of the one user error of a mutation that must fail."""
        (error,) = await self.errors(caller, name, input)
        return error["code"], error["path"]

    async def refusal(self, caller: str, name: str, input: Mapping[str, Any]) -> str:
        """The code of the error of a mutation that must be refused, at the top of the answer or in its payload."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation Change($input: {kind}!) {{ {name}(input: $input) {{ {USER_ERRORS} }} }}"
        answer = await self.gateway.graphql(document, {"input": input}, token=await self.token(caller))
        if answer.errors:
            (code,) = answer.codes
            return str(code)
        errors = answer.data[name]["userErrors"]
        assert errors, f"{caller} may {name}"
        return str(errors[0]["code"])

    async def refused(self, name: str, input: Mapping[str, Any], codes: Mapping[str, str]) -> None:
        """Assert that a mutation is refused to each of the callers, with that code."""
        assert {caller: await self.refusal(caller, name, input) for caller in codes} == dict(codes)

    async def data(self, caller: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Ask something as somebody."""
        return await self.gateway.data(query, variables, token=await self.token(caller))

    async def count(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        """How many stored rows meet the conditions."""
        return int((await self.rows(select(func.count()).select_from(table).where(*conditions)))[0][0])

    async def rows(self, statement: Any) -> Sequence[Any]:
        """What is stored."""
        async with self.store.read() as connection:
            return (await connection.execute(statement)).all()

    async def value(self, column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> Any:
        """The one stored value."""
        ((value,),) = await self.rows(select(column).where(*conditions))
        return value


def email_of(name: str) -> str:
    """How somebody signs in."""
    return f"{name}@example.com"


def _person(key: UUID, name: str) -> dict[str, Any]:
    return {
        "id": key,
        "email": email_of(name),
        "name": name.capitalize(),
        "password_hash": PASSWORD_HASH,
        "status": UserStatus.ACTIVE,
        "is_platform_admin": name.startswith("platform"),
    }


def _organization(key: UUID, name: str, parent: UUID | None = None) -> dict[str, Any]:
    return {"id": key, "name": name, "parent_id": parent, "status": OrganizationStatus.ACTIVE, "address": {}}


def _defaults(table: Table) -> dict[str, Any]:
    given = {"version": 1, "created_at": now(), "updated_at": now(), "metadata": {}, "description": ""}
    return {name: value for name, value in given.items() if name in table.c}


def org_id(key: UUID) -> str:
    return global_id("org", key)


def user_id(key: UUID) -> str:
    return global_id("user", key)


def group_id(key: UUID) -> str:
    return global_id("group", key)


def thing_id(key: UUID) -> str:
    return global_id("thing", key)


def profile_id(key: UUID) -> str:
    return global_id("profile", key)


def refusals(**codes: str) -> dict[str, str]:
    """What a mutation on something of Acme answers to those who may never do it, and to the callers named."""
    nobody = {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    return nobody | codes


@pytest.fixture
async def cast(gateway: Gateway) -> Cast:
    """A gateway over the small world, and the callers in it."""
    made = Cast(gateway)
    await made.build()
    return made
