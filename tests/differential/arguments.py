"""What the arguments of each field are drawn from: ids and cursors that exist, filters, orders, pages, and mistakes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from random import Random
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLField, GraphQLSchema, get_named_type

import resolvers.fleet_schema  # noqa: F401 - defines the types that NODES knows
from engine.records import NODES
from engine.resolve import MAX_NODES
from tests.differential.updates import World
from tests.differential.values import ABSENT
from tests.differential.world import MARKS, START, TAGS

Value = Mapping[str, Any]
Draw = Callable[["Arguments"], Any]
"""Draws the value of a condition."""

PREFIXES: Final = {kind.__name__: prefix for prefix, kind in NODES.items()}
"""The prefix of ids by the name of the type."""

ORDERS: Final[Sequence[Sequence[Value]]] = (
    [{"field": "NAME"}],
    [{"field": "NAME", "direction": "DESC"}],
    [{"field": "LAST_SEEN_AT", "direction": "ASC"}],
    [{"field": "LAST_SEEN_AT", "direction": "DESC"}],
    [{"field": "EXTERNAL_ID", "direction": "DESC"}, {"field": "NAME", "direction": "ASC"}],
    [{"field": "TYPE"}, {"field": "LIFECYCLE", "direction": "DESC"}],
    [{"field": "CREATED_AT", "direction": "DESC"}],
    [{"field": "UPDATED_AT"}, {"field": "EXTERNAL_ID"}, {"field": "TYPE", "direction": "DESC"}, {"field": "NAME"}],
)
"""Orders of things that cursors are collected for."""

DECLARED: Final = "the declared order"
GARBAGE_IDS: Final = ("", "thing", "thing_1", "Thing_" + "0" * 32, "nobody_" + "0" * 32, "0", "ü", "thing_" + "z" * 32)
WORDS: Final = ("p", "pump", "PUMP", "ext", "%", "_", "\\", "ü", "", "😀", "a", 'quo"te', "group 1", "x y")


def list_of(parent: str, name: str, order: Sequence[Value] | None) -> str:
    """The name under which cursors of a list are kept."""
    return json.dumps(order) if order else f"{parent}.{name}: {DECLARED}"


@dataclass
class Known:
    """What one caller has seen: ids by prefix, and cursors by list."""

    world: World
    ids: dict[str, list[str]] = field(default_factory=dict)
    cursors: dict[str, list[str]] = field(default_factory=dict)


class Arguments:
    """Draws arguments for one operation."""

    def __init__(self, drawn: Random, schema: GraphQLSchema, known: Known, *, faulty: bool = False) -> None:
        """With `faulty`, some of them are refused when the operation runs."""
        self.drawn = drawn
        self.faulty = faulty
        self._schema = schema
        self._known = known

    def of(self, parent: str, name: str, declared: GraphQLField) -> dict[str, Any]:
        """A value for each argument of a field that gets one; ABSENT for those that a variable may leave out."""
        given: dict[str, Any] = {}
        if "after" in declared.args:
            order = self._order() if "orderBy" in declared.args else None
            if order is not None:
                given["orderBy"] = order
            given |= self._page(list_of(parent, name, order))
        if "filter" in declared.args and self._hits(0.4):
            given["filter"] = self.filter(get_named_type(declared.args["filter"].type).name)
        if "archived" in declared.args and self._hits(0.4):
            given["archived"] = self._word("ArchiveView")
        given |= self._lookup(parent, name, declared)
        if "groupBy" in declared.args and self._hits(0.8):
            given["groupBy"] = self._word("ThingStatsKey")
        if "limit" in declared.args and self._hits(0.5):
            given["limit"] = self.drawn.choice((0, 1, 3, 1000, -1 if self._fault(0.5) else 2))
        for left in declared.args:
            if left not in given and not str(declared.args[left].type).endswith("!"):
                # An explicit null means what absence means.
                given[left] = None if self._hits(0.05) else ABSENT
        return dict(sorted(given.items())) if self._hits(0.5) else given

    def id(self, prefix: str) -> str:
        """The id of something: mostly of what the caller sees, else of what others see, of nothing, or no id."""
        if self._fault(0.3):
            wrong = self._known.world.ids[self.drawn.choice([each for each in PREFIXES.values() if each != prefix])]
            return self.drawn.choice((*GARBAGE_IDS, *wrong[:2]))
        mine = self._known.ids.get(prefix)
        if mine and self._hits(0.85):
            return self.drawn.choice(mine)
        known = self._known.world.ids[prefix]
        return self.drawn.choice(known) if self._hits(0.8) else f"{prefix}_{self.drawn.getrandbits(128):032x}"

    def ids(self, prefix: str, most: int = 4) -> list[str]:
        """Several ids of one type, some of them twice."""
        made = [self.id(prefix) for _ in range(self.drawn.randrange(most + 1))]
        return made + made[:1] if self._hits(0.2) else made

    def any_id(self) -> str:
        """The id of anything."""
        return self.id(self.drawn.choice(list(PREFIXES.values())))

    def filter(self, kind: str = "ThingFilter", depth: int = 0) -> dict[str, Any]:
        """A filter of this input type, up to four deep."""
        conditions = FILTERS[kind]
        if self._fault(0.15):
            return self._excessive(kind)
        made: dict[str, Any] = {}
        for name in self.drawn.sample(conditions.often, self.drawn.choice((0, 1, 1, 1, 2, 3))):
            made[name] = None if self._hits(0.04) else conditions.draws[name](self)
        if depth < 3 and self._hits(0.25):
            name = self.drawn.choice(("and", "or", "not"))
            parts = [self.filter(kind, depth + 1) for _ in range(self.drawn.randrange(3))]
            made[name] = self.filter(kind, depth + 1) if name == "not" else parts
        return made

    def _lookup(self, parent: str, name: str, declared: GraphQLField) -> dict[str, Any]:
        """The arguments that name what is looked for."""
        if parent != "Query":
            return {}
        if name == "nodes":
            many = MAX_NODES + 1 if self._fault(0.1) else self.drawn.randrange(6)
            made = [self.any_id() for _ in range(many)]
            return {"ids": made + made[:1] if self._hits(0.3) else made}
        if name == "node":
            return {"id": self.any_id()}
        if name == "thing":
            return self._thing()
        if name == "nextUpdate":
            return {"thingId": self.id("thing")}
        if name == "deploymentPreview":
            return {"input": self._preview()}
        return {"id": self.id(PREFIXES[get_named_type(declared.type).name])} if "id" in declared.args else {}

    def _preview(self) -> dict[str, Any]:
        """A release for things of its organization, at once or in phases."""
        organization, release = self.drawn.choice(self._known.world.releases)
        if self._hits(0.1):
            organization, release = self.id("org"), self.id("release")
        some = {"thingIds": self.ids("thing"), "groupIds": self.ids("group", 2)}
        target = self.drawn.choice(({"all": True}, some, {"filter": self.filter(), "all": False}))
        made: dict[str, Any] = {"organizationId": organization, "releaseId": release, "target": target}
        if self._hits(0.5):
            later: dict[str, Any] = {"startsAt": START.replace(year=2100).isoformat()}
            steps: Sequence[dict[str, Any]] = ({"percent": 50}, {"count": 1}, {"percent": 20, "startsAt": None})
            made["phases"] = [self.drawn.choice(steps), self.drawn.choice((later, {"afterSuccessPercent": 80}))]
        return made

    def _thing(self) -> dict[str, Any]:
        if self._fault(0.3):
            both = {"id": self.id("thing"), "externalId": "a"}
            return self.drawn.choice(({}, {"externalId": "ext-1"}, {"id": ""}, both))
        if self._hits(0.5):
            return {"id": self.id("thing")}
        organization, external = self.drawn.choice(self._known.world.external_ids)
        if self._hits(0.2):
            external = "nobody's"
        return {"externalId": external, "organizationId": organization}

    def _order(self) -> list[dict[str, Any]] | None:
        if self._hits(0.5):
            return None
        if self._hits(0.7):
            return [dict(term) for term in self.drawn.choice(ORDERS)]
        words = list(self._words("ThingOrderField"))
        terms = self.drawn.sample(words, self.drawn.randrange(6 if self._fault(0.5) else 5))
        if self._fault(0.2):
            terms = terms[:1] * 2
        return [{"field": term, "direction": self._word("OrderDirection")} for term in terms]

    def _page(self, name: str) -> dict[str, Any]:
        """Page arguments: forward, backward, or none of them."""
        size = self.drawn.choice((0, 1, 2, 2, 3, 3, 3, 5))
        if self._fault(0.2):
            size = self.drawn.choice((-1, 101, 2**31 - 1, 100))
        cursor = self._cursor(name)
        if self._fault(0.1):
            given = {"first": size, "last": 2, "after": cursor, "before": cursor}
            chosen = self.drawn.sample(list(given), self.drawn.randrange(2, 5))
            return {each: given[each] for each in chosen if given[each] is not None}
        match self.drawn.randrange(10):
            case 0 | 1:
                made = {"last": size, "before": cursor}
            case 2:
                made = {"last": size}
            case 3:
                made = {"before": cursor} if cursor is not None else {}
            case 4 | 5 | 6:
                made = {"first": size, "after": cursor}
            case 7 | 8:
                made = {"first": size}
            case _:
                made = {"after": cursor} if cursor is not None else {"first": None}
        return {each: value for each, value in made.items() if value is not None or each == "first"}

    def _cursor(self, name: str) -> str | None:
        """A cursor of the list, when there is one; sometimes one of another list, or none at all."""
        if self._fault(0.4):
            good = self.drawn.choice([each[0] for each in self._known.cursors.values() if each] or ["WyJpZCsiXQ"])
            body = base64.urlsafe_b64encode(b'["id+","not an id"]').decode()
            return self.drawn.choice((good, good[:-3], good + "A", "", "ü", "null", body, "x" * 17_000))
        known = self._known.cursors.get(name)
        return self.drawn.choice(known) if known else None

    def _excessive(self, kind: str) -> dict[str, Any]:
        """A filter beyond one of the bounds."""
        plain: dict[str, Any] = {"createdAt": {"exists": True}}
        deep = plain
        for _ in range(17):
            deep = {"not": deep}
        wide = {"or": [plain] * 101}
        others: tuple[Any, ...] = ({"group": {"id": self.drawn.choice(GARBAGE_IDS)}}, {"ids": ["?"]})
        return self.drawn.choice((deep, wide, *(others if kind == "ThingFilter" else ())))

    def text(self) -> dict[str, Any]:
        """Conditions on a text."""
        operators = {
            "eq": self._text,
            "ne": self._text,
            "in": lambda: [self._text() for _ in range(self.drawn.randrange(3))],
            "nin": lambda: [self._text() for _ in range(self.drawn.randrange(3))],
            "contains": lambda: self.drawn.choice(WORDS),
            "startsWith": lambda: self.drawn.choice(WORDS),
            "exists": lambda: self._hits(0.5),
        }
        return self._some(operators)

    def number(self) -> dict[str, Any]:
        """Conditions on a number."""

        def number() -> Any:
            return self.drawn.choice((0, 17, -2.5, 0.1, 1e20, -1, 17.0))

        operators: dict[str, Any] = dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), number)
        return self._some(operators | {"in": lambda: [number() for _ in range(self.drawn.randrange(3))]})

    def moment(self) -> dict[str, Any]:
        """Conditions on a moment, in any time zone."""

        def moment() -> str:
            back = START - timedelta(seconds=self.drawn.randrange(10_000_000))
            offset = timezone(timedelta(minutes=self.drawn.choice((0, 0, 120, -210))))
            return back.astimezone(offset).isoformat()

        operators: dict[str, Any] = dict.fromkeys(("eq", "gt", "gte", "lt", "lte"), moment)
        return self._some(operators | {"exists": lambda: self._hits(0.5)})

    def attribute(self) -> dict[str, Any]:
        """Conditions on an attribute."""
        made: dict[str, Any] = {"name": self.drawn.choice((*MARKS, "nothing"))}
        if self._hits(0.7):
            made["scope"] = self._word("AttributeScope")
        more = {"number": self.number, "text": self.text, "exists": lambda: self._hits(0.6)}
        return made | (self._some(more) if self._hits(0.5) else {"number": self.number()})

    def place(self, prefix: str, name: str) -> dict[str, Any]:
        """An organization or a group, with or without what is below it."""
        made: dict[str, Any] = {"id": self.id(prefix)}
        return made | {name: self._hits(0.5)} if self._hits(0.5) else made

    def words(self, enum: str) -> list[str]:
        """Several values of an enum."""
        return [self._word(enum) for _ in range(self.drawn.randrange(4))]

    def _some(self, operators: Mapping[str, Any]) -> dict[str, Any]:
        chosen = self.drawn.sample(list(operators), self.drawn.choice((0, 1, 1, 1, 2)))
        return {each: None if self._hits(0.05) else operators[each]() for each in chosen}

    def _text(self) -> str:
        return self.drawn.choice((*WORDS, *TAGS, "S-1", "ext-3", "ext-10"))

    def _words(self, enum: str) -> Sequence[str]:
        kind = self._schema.type_map[enum]
        assert isinstance(kind, GraphQLEnumType)
        return list(kind.values)

    def _word(self, enum: str) -> str:
        return self.drawn.choice(self._words(enum))

    def _hits(self, share: float) -> bool:
        return self.drawn.random() < share

    def _fault(self, share: float) -> bool:
        return self.faulty and self.drawn.random() < share


@dataclass(frozen=True)
class Conditions:
    """The conditions of one filter: how each is drawn, and their names, some several times."""

    draws: Mapping[str, Draw]
    often: Sequence[str]


def _ids(prefix: str) -> Draw:
    return lambda draw: draw.ids(prefix, 3)


def _words(enum: str) -> Draw:
    return lambda draw: draw.words(enum)


def _truth(draw: Arguments) -> bool:
    return draw.drawn.random() < 0.5


def _search(draw: Arguments) -> str:
    return "a" * 1025 if draw.faulty and draw.drawn.random() < 0.1 else draw.drawn.choice(WORDS)


def _conditions(**draws: Draw) -> Conditions:
    return Conditions(draws, [*draws, *["attribute"] * 3] if "attribute" in draws else list(draws))


FILTERS: Final[Mapping[str, Conditions]] = {
    "ThingFilter": _conditions(
        ids=_ids("thing"),
        search=_search,
        name=Arguments.text,
        externalId=Arguments.text,
        type=_words("ThingType"),
        lifecycle=_words("Lifecycle"),
        authStatus=_words("ThingAuthStatus"),
        connected=_truth,
        lastSeenAt=Arguments.moment,
        createdAt=Arguments.moment,
        updatedAt=Arguments.moment,
        organization=lambda draw: draw.place("org", "includeDescendants"),
        group=lambda draw: draw.place("group", "includeSubgroups"),
        profileIds=_ids("profile"),
        tag=Arguments.text,
        attribute=Arguments.attribute,
    ),
    "ArtifactFilter": _conditions(
        ids=_ids("artifact"),
        search=_search,
        name=Arguments.text,
        model=Arguments.text,
        artifactVersion=Arguments.text,
        compatibleType=Arguments.text,
        format=_words("ArtifactFormat"),
        status=_words("ArtifactStatus"),
        signed=_truth,
        private=_truth,
        createdAt=Arguments.moment,
    ),
    "ReleaseFilter": _conditions(ids=_ids("release"), name=Arguments.text, createdAt=Arguments.moment),
    "DeploymentFilter": _conditions(
        ids=_ids("deployment"),
        search=_search,
        name=Arguments.text,
        status=_words("DeploymentStatus"),
        dynamic=_truth,
        releaseIds=_ids("release"),
        createdAt=Arguments.moment,
        finishedAt=Arguments.moment,
    ),
    "OtaJobFilter": _conditions(
        ids=_ids("otajob"),
        search=_search,
        name=Arguments.text,
        status=_words("OtaJobStatus"),
        dynamic=_truth,
        phaseOfDeployment=_truth,
        deploymentIds=_ids("deployment"),
        artifactIds=_ids("artifact"),
        createdAt=Arguments.moment,
        finishedAt=Arguments.moment,
    ),
    "OtaExecutionFilter": _conditions(
        ids=_ids("otaexec"),
        status=_words("OtaExecutionStatus"),
        thingIds=_ids("thing"),
        jobIds=_ids("otajob"),
        deploymentIds=_ids("deployment"),
        hasLog=_truth,
        createdAt=Arguments.moment,
        updatedAt=Arguments.moment,
        finishedAt=Arguments.moment,
    ),
    "SigningRequestFilter": _conditions(
        status=_words("SigningStatus"), artifactIds=_ids("artifact"), createdAt=Arguments.moment
    ),
}
"""Every filter by the name of its input type."""
