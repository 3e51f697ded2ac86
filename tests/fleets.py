"""A small known fleet: two tenants that must not see each other, people of every role, things with their keys.

It is built once per worker and kind of database, through the API of a served gateway (the first administrator through
the command line), and copied for each test together with its sessions: the tokens in it are real ones.

    alder, birch     two tenants: a root organization, one below it, groups, a profile, things
    administrator    a platform administrator
    stranger         an account without any membership
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from tests.client import GatewayClient
from tests.databases import a_database, make_once_on_sqlite, wait_for
from tests.gateways import ROOT, TOKEN_SECRET, clean_environment, served
from tests.run import Run

PASSWORD = "a-password-of-the-tests"
ROLES = ("OWNER", "ADMIN", "EDITOR", "VIEWER")
A_DAY = 86_400


@dataclass(frozen=True)
class Person:
    """An account, signed in: `token` is good for a day."""

    id: str
    email: str
    token: str
    password: str = PASSWORD


@dataclass(frozen=True)
class ThingHandle:
    """A thing and how it signs in."""

    id: str
    name: str
    token: str


@dataclass(frozen=True)
class Tenant:
    """What one customer has.

    The members of `organization` (one for each role) reach down into `branch`; `branch_viewer` is a member of the
    branch alone. `row` is a group inside `hall`, `yard` stands beside it. Of the things, `pump` (ACTUATOR) has its home
    in `hall`, `probe` (SENSOR) in `row`, `meter` (SENSOR) has none, and `relay` (CONTROLLER) belongs to the branch.
    The names of both tenants' things, groups and profiles are the same.
    """

    organization: str
    branch: str
    owner: Person
    admin: Person
    editor: Person
    viewer: Person
    branch_viewer: Person
    hall: str
    row: str
    yard: str
    profile: str
    pump: ThingHandle
    probe: ThingHandle
    meter: ThingHandle
    relay: ThingHandle

    @property
    def members(self) -> dict[str, Person]:
        """The members of the organization by role."""
        return dict(zip(ROLES, (self.owner, self.admin, self.editor, self.viewer), strict=True))

    @property
    def things(self) -> tuple[ThingHandle, ...]:
        """All of them, the branch's last."""
        return (self.pump, self.probe, self.meter, self.relay)


@dataclass(frozen=True)
class Fleet:
    """All of it."""

    administrator: Person
    stranger: Person
    alder: Tenant
    birch: Tenant


STORED = TypeAdapter(Fleet)


async def build(url: str, directory: Path) -> Fleet:
    """Build the fleet into the migrated database at `url`; `directory` takes the gateway's files."""
    command = [sys.executable, str(ROOT / "gateway.py"), "create-admin", "--email", "administrator@example.com"]
    command += ["--password", PASSWORD, "--database", url, "--data-dir", str(directory)]
    subprocess.run(command, check=True, env=clean_environment(), cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: ASYNC221
    settings = {
        "database_url": url,
        "data_dir": directory,
        "token_secret": TOKEN_SECRET,
        "access_token_seconds": A_DAY,
    }
    async with served(settings) as gateway:
        administrator = await signed_in(gateway, "administrator@example.com")
        return Fleet(
            administrator=administrator,
            stranger=await make_person(gateway, administrator, "stranger@example.com"),
            alder=await make_tenant(gateway, administrator, "alder"),
            birch=await make_tenant(gateway, administrator, "birch"),
        )


async def signed_in(gateway: GatewayClient, email: str) -> Person:
    """Sign an account in."""
    session = await gateway.sign_in(email, PASSWORD)
    viewer = "{ viewer { user { id } } }"
    data = await gateway.data(viewer, token=session.access_token)
    return Person(data["viewer"]["user"]["id"], email, session.access_token)


async def make_person(gateway: GatewayClient, administrator: Person, email: str) -> Person:
    """Create an account and sign it in."""
    name = email.partition("@")[0].replace(".", " ").title()
    new = {"email": email, "password": PASSWORD, "name": name}
    await gateway.change("createUser", new, select="user { id }", token=administrator.token)
    return await signed_in(gateway, email)


async def make_tenant(gateway: GatewayClient, administrator: Person, name: str) -> Tenant:
    """Create one tenant; its owner is whoever creates the organization."""

    async def make(noun: str, by: Person, **given: Any) -> str:
        payload = await gateway.change(f"create{noun}", given, select=f"{noun.lower()} {{ id }}", token=by.token)
        identity: str = payload[noun.lower()]["id"]
        return identity

    async def things(organization: str, *new: dict[str, Any]) -> list[ThingHandle]:
        payload = await gateway.change(
            "createThings",
            {"organizationId": organization, "things": list(new)},
            select="keys { key thing { id name } }",
            token=owner.token,
        )
        return [ThingHandle(**each["thing"], token=f"Thing {each['key']}") for each in payload["keys"]]

    async def join(organization: str, *members: tuple[Person, str]) -> None:
        given = [{"email": person.email, "role": role} for person, role in members]
        joined = {"organizationId": organization, "members": given}
        await gateway.change("addMembers", joined, select="memberships { id }", token=owner.token)

    people = ("owner", "admin", "editor", "viewer", "branch.viewer")
    owner, admin, editor, viewer, branch_viewer = [
        await make_person(gateway, administrator, f"{role}.{name}@example.com") for role in people
    ]
    organization = await make("Organization", owner, name=name.title())
    branch = await make("Organization", owner, name=f"{name.title()} Branch", parentId=organization)
    await join(organization, (admin, "ADMIN"), (editor, "EDITOR"), (viewer, "VIEWER"))
    await join(branch, (branch_viewer, "VIEWER"))
    hall = await make("Group", owner, organizationId=organization, name="Hall")
    row = await make("Group", owner, organizationId=organization, name="Row", parentId=hall)
    yard = await make("Group", owner, organizationId=organization, name="Yard")
    profile = await make("Profile", owner, organizationId=organization, name="Plain")
    pump, probe, meter = await things(
        organization,
        {"name": "pump", "type": "ACTUATOR", "homeGroupId": hall, "profileId": profile, "tags": ["water"]},
        {"name": "probe", "type": "SENSOR", "homeGroupId": row, "tags": ["water", "cold"]},
        {"name": "meter", "type": "SENSOR", "externalId": "meter-1"},
    )
    (relay,) = await things(branch, {"name": "relay", "type": "CONTROLLER"})
    return Tenant(
        organization=organization,
        branch=branch,
        owner=owner,
        admin=admin,
        editor=editor,
        viewer=viewer,
        branch_viewer=branch_viewer,
        hall=hall,
        row=row,
        yard=yard,
        profile=profile,
        pump=pump,
        probe=probe,
        meter=meter,
        relay=relay,
    )


def build_and_store(url: str, place: Path) -> None:
    """Build the fleet and leave what the tests must know of it beside its database."""
    directory = place.with_suffix(".files")
    directory.mkdir()
    place.write_bytes(STORED.dump_json(wait_for(build(url, directory))))


@pytest.fixture(scope="session")
def sqlite_fleet(run: Run, sqlite_template: Path) -> Path:
    """An SQLite file with the fleet in it, made by the first worker that needs it."""
    place = run.directory / "sqlite-fleet.json"
    return make_once_on_sqlite(run, "fleet", lambda url: build_and_store(url, place), source=sqlite_template)


@pytest.fixture(scope="session")
def postgresql_fleet(run: Run, postgres_server: str, postgresql_template: str) -> Iterator[str]:
    """The name of a database with the fleet in it, on this worker's server."""
    with a_database(run, postgres_server, "fleet", postgresql_template) as (name, url):
        build_and_store(url, run.directory / f"postgresql-fleet-{run.worker}.json")
        yield name


@pytest.fixture
def built_fleet(request: pytest.FixtureRequest, run: Run, database_kind: str) -> Fleet:
    """The fleet of this kind of database; asking for it makes `database_url` a copy of its database."""
    request.getfixturevalue(f"{database_kind}_fleet")
    place = "sqlite-fleet.json" if database_kind == "sqlite" else f"postgresql-fleet-{run.worker}.json"
    return STORED.validate_json((run.directory / place).read_bytes())


@pytest.fixture
def fleet(built_fleet: Fleet) -> Fleet:
    """The known fleet (see above), in the database of this test."""
    return built_fleet
