"""A world with every kind of row, the same in every run: ids, moments and values come from one fixed seed.

Two tenants with organizations below them (`alder`, `birch`), one that is empty, and every nullable column with and
without a value. `tests.differential.updates` adds releases, deployments and the updates of things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table

from models.enums import (
    AttributeScope,
    GroupKind,
    Lifecycle,
    OrganizationStatus,
    PayloadFormat,
    Role,
    ThingAuthStatus,
    ThingType,
    UserStatus,
)
from models.tables import (
    GROUP,
    GROUP_ANCESTOR,
    GROUP_THING,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    PROFILE,
    SESSION,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
    USER,
)
from services.access import Principal, ThingPrincipal, UserPrincipal

SEED: Final = 20260131
START: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
FAR: Final = datetime(2100, 1, 1, tzinfo=UTC)
EXTREMES: Final = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""Far from the present: asyncpg takes the very first and the very last moment of Python for infinities."""
NAMES: Final = ("pump", "Pump", "probe", "relay 7", "Ünïcode ✓", "a/b\\c", "100%", 'quo"te', "tab\there", "😀", "x")
TAGS: Final = ("water", "cold", "Cold", "ß", "50%", "under_score")
MARKS: Final = ("serial", "model", "size", "load", "zones")
PASSWORD_HASH: Final = "$argon2id$v=19$m=8,t=1,p=1$bm9ib2R5c2lnbnNpbg$3Cf0Y6l7zk8m2v1QdN5r5w"

DOCUMENTS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {"place": "hall", "floor": 3},
    {"text": 'ä€😀 " \\ / \u2028 \x7f \u00a0', "": "", "b": [1, 2.5, [], {}, [None, True, False, [1e20, -0.5]]]},
    {"big": 2**53 + 1, "biggest": 2**63 - 1, "smallest": -(2**63), "whole": 1.0, "zero": 0.0},
    {"part": 0.1, "tiny": 1e-7, "third": 1 / 3, "large": 123456789.125, "negative": -0.000001},
    {"zz": 1, "a": {"y": 2, "b": {"é": None}}, "bb": "", "é": 1, "aaa": [{"n": [[[]]]}]},
    {"control": "\b\f\n\r\t\x01\x1f", "huge": 1e300, "long": "l" * 300, "nothing": None},
)
"""JSON objects whose text, numbers and order of keys are easy to get wrong on the way out."""

VALUES: Final[Sequence[Any]] = (
    "S-1",
    "",
    "ä€😀",
    "17",
    "null",
    0,
    17,
    -2.5,
    1e20,
    2**53 + 1,
    0.1,
    ["a", "ü", ""],
    [1, 2.5, -3],
    [],
)
"""Values of attributes: texts, numbers, and lists of one of them."""


class Draft:
    """Rows on their way into a database, by table, and the ids in them."""

    def __init__(self) -> None:
        self.drawn = Random(SEED)
        self.rows: defaultdict[Table, list[dict[str, Any]]] = defaultdict(list)
        self._made = 0

    def key(self) -> UUID:
        """The next id: a UUIDv7 in form, one millisecond behind the one before."""
        self._made += 1
        milliseconds = int(START.timestamp() * 1000) + self._made
        return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | self.drawn.getrandbits(62))

    def moment(self) -> datetime:
        """A moment before the start, often on a whole second, and sometimes far from it."""
        if self.drawn.random() < 0.03:
            return self.drawn.choice(EXTREMES)
        back = timedelta(seconds=self.drawn.randrange(10_000_000))
        return START - back + timedelta(microseconds=self.drawn.choice((0, 0, 1, 120_000, 999_999)))

    def maybe(self, value: Any, share: float = 0.6) -> Any:
        """The value, or nothing."""
        return value if self.drawn.random() < share else None

    def document(self) -> Any:
        """One of the JSON objects."""
        return self.drawn.choice(DOCUMENTS)

    def add(self, table: Table, **values: Any) -> None:
        """One row, with the columns that every noun has."""
        row: dict[str, Any] = {}
        for name, draw in (("id", self.key), ("created_at", self.moment), ("updated_at", self.moment)):
            if name in table.c and name not in values:
                row[name] = draw()
        if "version" in table.c:
            row["version"] = self.drawn.choice((1, 1, 2, 17))
        if "metadata" in table.c:
            row["metadata"] = self.document()
        if "description" in table.c:
            row["description"] = self.drawn.choice(("", "said of it", "ä\n😀"))
        self.rows[table].append(row | values)

    def make(self, table: Table, **values: Any) -> UUID:
        """One row with an id, which is returned."""
        made = self.key()
        self.add(table, id=made, **values)
        return made


@dataclass
class Tenant:
    """The ids of what a tenant has; the first organization is its root."""

    organizations: list[UUID] = field(default_factory=list)
    groups: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    profiles: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    things: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))


class Ground(Draft):
    """Organizations, people, groups, profiles and things."""

    def __init__(self) -> None:
        super().__init__()
        self.callers: dict[str, Principal | None] = {"nobody": None}
        self.people: list[UUID] = []
        self.alder, self.birch = Tenant(), Tenant()
        root = self._organization("Alder", None, self.alder)
        first = self._organization("Alder North", root, self.alder)
        second = self._organization("Alder South", root, self.alder)
        below = self._organization("Alder North Pier", first, self.alder)
        other = self._organization("Birch", None, self.birch)
        branch = self._organization("Birch Branch", other, self.birch)
        self.empty = self._organization("Empty", None, Tenant(), OrganizationStatus.CANCELLED)
        self._people(root, first, second, below, other, branch)
        for tenant, organization, things in (
            (self.alder, root, 30),
            (self.alder, first, 6),
            (self.alder, second, 3),
            (self.alder, below, 2),
            (self.birch, other, 7),
            (self.birch, branch, 2),
        ):
            self._furnish(tenant, organization, things)
        thing = self._thing(self.alder, first, name="the caller", place=self.alder.groups[first][0], number=100)
        self.thing = thing
        self.callers["thing"] = ThingPrincipal(thing, first, self._digest(thing))

    def _organization(
        self,
        name: str,
        parent: UUID | None,
        tenant: Tenant,
        status: OrganizationStatus = OrganizationStatus.ACTIVE,
    ) -> UUID:
        made = self.make(
            ORGANIZATION,
            name=name,
            parent_id=parent,
            status=status,
            email=self.maybe(f"office@{len(name)}.example.com"),
            phone=self.maybe("+49 30 1234"),
            address=self.document(),
            thing_limit=self.maybe(1000),
            accepted_thing_limit=self.maybe(20),
            accepted_thing_count=self.drawn.randrange(9),
            storage_limit=self.maybe(2**53),
            storage_used=self.drawn.choice((0, 2**31, 2**40)),
            time_zone=self.drawn.choice(("UTC", "Asia/Kolkata")),
        )
        lines = self.rows[ORGANIZATION_ANCESTOR]
        above = [(line["ancestor_id"], line["depth"] + 1) for line in lines if line["organization_id"] == parent]
        for ancestor, depth in [(made, 0), *above]:
            lines.append({"organization_id": made, "ancestor_id": ancestor, "depth": depth})
        tenant.organizations.append(made)
        return made

    def _person(self, called: str, *roles: tuple[UUID, Role], **more: Any) -> UUID:
        row = {"name": called.title(), "status": UserStatus.ACTIVE, "is_platform_admin": False}
        made = self.make(USER, email=f"{called}@example.com", password_hash=PASSWORD_HASH, **row | more)
        for organization, role in roles:
            self.add(MEMBERSHIP, organization_id=organization, user_id=made, role=role)
        self.people.append(made)
        return made

    def _caller(self, name: str, *roles: tuple[UUID, Role], **more: Any) -> None:
        person = self._person(name, *roles, **more)
        session = self.make(SESSION, user_id=person, expires_at=FAR)
        self.callers[name] = UserPrincipal(person, session, FAR.timestamp())

    def _people(self, root: UUID, first: UUID, second: UUID, below: UUID, other: UUID, branch: UUID) -> None:
        self._caller("administrator", is_platform_admin=True)
        self._caller("owner", (root, Role.OWNER), (first, Role.VIEWER))
        self._caller("viewer", (below, Role.VIEWER))
        self._caller("traveller", (second, Role.EDITOR), (other, Role.ADMIN), (branch, Role.VIEWER))
        self._caller("stranger")
        self._person("sleeper", (root, Role.EDITOR), status=UserStatus.DISABLED, name="")
        for number in range(3):
            self._person(f"member{number}", (root, self.drawn.choice(tuple(Role))), (other, Role.VIEWER))

    def _furnish(self, tenant: Tenant, organization: UUID, things: int) -> None:
        """Groups three levels deep, profiles, and things in some of both."""
        parents: list[list[UUID]] = []
        for number in range(5):
            above = parents[number - 1] if number in {1, 2, 4} else []
            made = self.make(
                GROUP,
                organization_id=organization,
                parent_id=above[0] if above else None,
                name=f"group {number}",
                kind=tuple(GroupKind)[number % 2],
            )
            parents.append([made, *above])
            for depth, ancestor in enumerate(parents[-1]):
                self.add(GROUP_ANCESTOR, group_id=made, ancestor_id=ancestor, depth=depth)
            tenant.groups[organization].append(made)
        for number, kind in enumerate(PayloadFormat):
            profile = {"name": f"profile {number}", "payload_format": kind, "write_messages": number != 1}
            tenant.profiles[organization].append(self.make(PROFILE, organization_id=organization, **profile))
        for number in range(things):
            # The last group of each organization stays empty.
            place = self.maybe(self.drawn.choice(tenant.groups[organization][:-1]))
            self._thing(tenant, organization, name=f"{self.drawn.choice(NAMES)}", place=place, number=number)

    def _thing(self, tenant: Tenant, organization: UUID, *, name: str, place: UUID | None, number: int = 0) -> UUID:
        made = self.key()
        self.add(
            THING,
            id=made,
            organization_id=organization,
            home_group_id=place,
            profile_id=self.maybe(self.drawn.choice(tenant.profiles[organization])),
            name=name,
            type=tuple(ThingType)[number % len(ThingType)],
            external_id=self.maybe(f"ext-{number}", 0.5),
            key_digest=self._digest(made),
            lifecycle=self.drawn.choice(tuple(Lifecycle)),
            connected=self.drawn.random() < 0.5,
            last_seen_at=self.maybe(self.moment()),
            report_interval_seconds=90 if number % 2 else None,
            time_zone=self.maybe("Europe/Berlin"),
            identity=self.document(),
            identity_digest=None,
            auth_status=self.drawn.choice(tuple(ThingAuthStatus)),
            software=self.drawn.choice(({}, {"device_type": "pump", "artifact_name": "1.0"})),
            boot_key_digests=self.drawn.choice(([], ["ab" * 32])),
            decommissioned_at=self.maybe(self.moment(), 0.1),
        )
        tenant.things[organization].append(made)
        joined = {place} if place is not None else set()
        for group in self.drawn.sample(tenant.groups[organization][:-1], self.drawn.randrange(3)):
            joined.add(group)
        for group in sorted(joined):
            self.add(GROUP_THING, group_id=group, thing_id=made, is_home=group == place)
        self._describe(made)
        return made

    def _describe(self, thing: UUID) -> None:
        """The parts of a thing: its state (some of Birch have none), tags, attributes, and its life."""
        if self.drawn.random() < 0.7 or not self.birch.things:
            self.add(
                THING_STATE,
                thing_id=thing,
                reported=self.document(),
                desired=self.document(),
                version=self.drawn.randrange(9),
                reported_at=self.maybe(self.moment()),
                desired_at=self.maybe(self.moment()),
            )
        for tag in self.drawn.sample(TAGS, self.drawn.randrange(4)):
            self.add(THING_TAG, thing_id=thing, tag=tag)
        for scope in self.drawn.sample(tuple(AttributeScope), self.drawn.randrange(4)):
            for name in self.drawn.sample(MARKS, self.drawn.randrange(1, 4)):
                value = self.drawn.choice(VALUES)
                text = value if isinstance(value, str) else None
                number = float(value) if isinstance(value, int | float) else None
                typed = {"value": value, "text_value": text, "number_value": number}
                self.add(THING_ATTRIBUTE, thing_id=thing, scope=scope, name=name, **typed)
        for step in range(self.drawn.randrange(3)):
            reason = self.drawn.choice(("", "bought", "ü"))
            lifecycle = tuple(Lifecycle)[step]
            self.add(THING_LIFECYCLE, thing_id=thing, lifecycle=lifecycle, reason=reason, occurred_at=self.moment())

    @staticmethod
    def _digest(thing: UUID) -> bytes:
        return thing.bytes * 2
