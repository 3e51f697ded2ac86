"""A gateway over things of every kind, and what is known of them: what filters are tried on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.ids import global_id
from models.enums import AttributeScope, Lifecycle, ThingType
from models.ids import new_id
from tests.client import Answer
from tests.engine.model import Known
from tests.engine.places import MOMENTS
from tests.fleets import Fleet, Tenant
from tests.gateways import Gateway
from tests.rows import add_organization, add_things, key, put_into_group, store_of

SIZE: Final = 80
SEED: Final = 20260101
NAMES: Final = ["a", "A", "b", "ab", "aB", "%", "_", "\\", "a%b", "a_b", "a\\b", "axb", "/", "'", '"', "ä", "a b"]
TAGS: Final = ["red", "Red", "re", "%", "_", "\\"]
TEXTS: Final = ["x", "X", "%"]
NUMBERS: Final = [0, 1, -1, 2.5, 2**53]
SCOPES: Final = [AttributeScope.INVENTORY, AttributeScope.TAGS]
MARKS: Final = ["red", "size"]
FILTERED: Final = """
query ($filter: ThingFilter) {
  things(first: 100, filter: $filter) { nodes { id } totalCount }
  thingStats(filter: $filter) { total }
}
"""


@dataclass(frozen=True)
class Stand:
    """The things, and the places that they are in."""

    gateway: Gateway
    token: str
    things: Sequence[Known]
    organizations: Sequence[str]
    groups: Sequence[str]
    profile: str

    async def ask(self, wanted: Mapping[str, Any] | None) -> Answer:
        """The things that meet a filter, and their number by two ways."""
        return await self.gateway.graphql(FILTERED, {"filter": wanted}, token=self.token)

    async def ask_all(self, filters: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The things that meet each of several filters."""
        variables = ", ".join(f"$f{index}: ThingFilter" for index in range(len(filters)))
        fields = (
            f"f{index}: things(first: 100, filter: $f{index}) {{ nodes {{ id }} }}" for index in range(len(filters))
        )
        given = {f"f{index}": wanted for index, wanted in enumerate(filters)}
        data = await self.gateway.data(f"query ({variables}) {{ {' '.join(fields)} }}", given, token=self.token)
        return [[node["id"] for node in data[name]["nodes"]] for name in given]


async def make_stand(gateway: Gateway, fleet: Fleet) -> Stand:
    """Things in an organization and in two below it, always the same, and no others."""
    drawn, alder, store = random.Random(SEED), fleet.alder, store_of(gateway)
    gone = {"ids": [thing.id for thing in alder.things]}
    await gateway.change("deleteThings", gone, select="deletedIds", token=alder.owner.token)
    below = await add_organization(store, alder.branch)
    branches = [alder.organization, alder.branch, below]
    known: list[Known] = []
    for depth, organization in enumerate(branches):
        rows = [_draw(drawn, number) for number in range(depth, SIZE, len(branches))]
        at_root = organization == alder.organization
        profiles = [alder.profile if at_root and drawn.random() < 0.3 else None for _ in rows]
        places = [_places(drawn, alder) if at_root else frozenset() for _ in rows]
        await add_things(
            store,
            organization,
            [{**row, "profile_id": profile and key(profile)} for row, profile in zip(rows, profiles, strict=True)],
        )
        for group in (alder.hall, alder.row, alder.yard):
            joined = [global_id("thing", row["id"]) for row, place in zip(rows, places, strict=True) if group in place]
            await put_into_group(store, group, joined)
        above = frozenset(branches[: depth + 1])
        known += [
            _known(row, place, alder, profile=profile, organization=organization, organizations_above=above)
            for row, place, profile in zip(rows, places, profiles, strict=True)
        ]
    groups = [alder.hall, alder.row, alder.yard]
    return Stand(gateway, alder.viewer.token, known, branches, groups, alder.profile)


def _draw(drawn: random.Random, number: int) -> dict[str, Any]:
    attributes = {
        (scope, name): drawn.choice([*TEXTS, *NUMBERS]) for scope in SCOPES for name in MARKS if drawn.random() < 0.5
    }
    return {
        "id": new_id(),
        "name": drawn.choice(NAMES),
        "type": drawn.choice([*ThingType]),
        "lifecycle": drawn.choice([*Lifecycle]),
        "connected": drawn.random() < 0.5,
        "external_id": drawn.choice([None, f"{drawn.choice(NAMES)}{number}"]),
        "created_at": drawn.choice(MOMENTS),
        "updated_at": drawn.choice(MOMENTS),
        "last_seen_at": drawn.choice([None, *MOMENTS]),
        "tags": drawn.sample(TAGS, drawn.randrange(3)),
        "attributes": [(scope, name, value) for (scope, name), value in attributes.items()],
    }


def _places(drawn: random.Random, alder: Tenant) -> frozenset[str]:
    groups = [alder.hall, alder.row, alder.yard]
    return frozenset(drawn.sample(groups, drawn.randrange(3)))


def _known(row: Mapping[str, Any], place: frozenset[str], alder: Tenant, **more: Any) -> Known:
    plain = {
        name: row[name] for name in ("name", "external_id", "connected", "created_at", "updated_at", "last_seen_at")
    }
    return Known(
        id=global_id("thing", row["id"]),
        type=row["type"].value,
        lifecycle=row["lifecycle"].value,
        tags=frozenset(row["tags"]),
        attributes={(scope.value, name): value for scope, name, value in row["attributes"]},
        groups=place,
        groups_above=place | ({alder.hall} if alder.row in place else frozenset()),
        **plain,
        **more,
    )
