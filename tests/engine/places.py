"""An organization whose list of things is known, and ways to read that list in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from engine.ids import global_id
from models.enums import Lifecycle, ThingType
from models.ids import new_id
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_groups, add_organization, add_things, store_of

Row = Mapping[str, Any]
Term = tuple[str, bool]
Between = Callable[[list[str]], Awaitable[None]]

FIELDS: Final = {
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "LAST_SEEN_AT": "last_seen_at",
    "NAME": "name",
    "TYPE": "type",
    "LIFECYCLE": "lifecycle",
    "EXTERNAL_ID": "external_id",
}
MOMENTS: Final = [datetime(2026, 1, 1, 12, 0, second, second, tzinfo=UTC) for second in (0, 1, 2)]

# Texts whose order every collation agrees on.
texts = st.text("abc", min_size=1, max_size=2)
rows: st.SearchStrategy[Row] = st.fixed_dictionaries(
    {
        "name": texts,
        "type": st.sampled_from([ThingType.ACTUATOR, ThingType.DEVICE, ThingType.SENSOR]),
        "lifecycle": st.sampled_from([Lifecycle.INSTALLED, Lifecycle.NEW]),
        "created_at": st.sampled_from(MOMENTS),
        "updated_at": st.sampled_from(MOMENTS),
        "last_seen_at": st.none() | st.sampled_from(MOMENTS),
        "external_id": st.none() | texts,
    }
)
orders: st.SearchStrategy[tuple[Term, ...]] = st.lists(st.sampled_from([*FIELDS]), max_size=4, unique=True).flatmap(
    lambda fields: st.tuples(*(st.tuples(st.just(field), st.booleans()) for field in fields))
)

_VARIABLES = "$first: Int, $after: String, $last: Int, $before: String, $order: [ThingOrder!], $filter: ThingFilter"
_THINGS = """
things(first: $first, after: $after, last: $last, before: $before, orderBy: $order, filter: $filter) {
  edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}
"""
LISTS: Final = {
    "the root list": f"query ({_VARIABLES}) {{ {_THINGS} }}",
    "a list of a parent": f"query ($id: ID!, {_VARIABLES}) {{ parent: organization(id: $id) {{ {_THINGS} }} }}",
    "a list through an association": f"query ($id: ID!, {_VARIABLES}) {{ parent: group(id: $id) {{ {_THINGS} }} }}",
}


class Place:
    """An organization of its own, with one group that all of its things are at home in."""

    def __init__(self, gateway: Gateway, token: str, organization: str, group: str) -> None:
        self.gateway, self.token = gateway, token
        self.organization, self.group = organization, group
        self.known: dict[str, Row] = {}

    @classmethod
    async def make(cls, gateway: Gateway, fleet: Fleet) -> Place:
        organization = await add_organization(store_of(gateway), fleet.alder.organization)
        (group,) = await add_groups(store_of(gateway), organization, 1)
        return cls(gateway, fleet.alder.viewer.token, organization, group)

    async def add(self, things: Sequence[Row]) -> list[str]:
        """Add things; external ids are made unique in a way that keeps their order."""
        made = []
        for thing in things:
            identity = new_id()
            external = thing.get("external_id") and f"{thing['external_id']}{len(self.known):04}"
            made.append({**thing, "id": identity, "external_id": external})
            self.known[global_id("thing", identity)] = made[-1]
        return await add_things(store_of(self.gateway), self.organization, made, home=self.group)

    def in_order(self, order: Sequence[Term]) -> list[str]:
        """The ids as the list must have them: an absent value counts as the smallest, ties go by id."""
        found = sorted(self.known)
        for field, descending in reversed(order):
            found.sort(key=lambda each: _rank(self.known[each][FIELDS[field]]), reverse=descending)
        return found

    async def page(self, kind: str, order: Sequence[Term], **arguments: Any) -> Any:
        """One page of the list."""
        terms = [{"field": field, "direction": "DESC" if descending else "ASC"} for field, descending in order]
        variables: dict[str, Any] = {"order": terms, **arguments}
        if kind == "the root list":
            variables["filter"] = {"organization": {"id": self.organization}}
        else:
            variables["id"] = self.organization if kind == "a list of a parent" else self.group
        data = await self.gateway.data(LISTS[kind], variables, token=self.token)
        return (data.get("parent") or data)["things"]

    async def walk(
        self, kind: str, order: Sequence[Term], size: int, *, backward: bool = False, between: Between | None = None
    ) -> list[str]:
        """Every id of the list, page by page, in the order of the list; what each page says of itself is checked."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            arguments = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
            page = await self.page(kind, order, **arguments)
            ids = [edge["node"]["id"] for edge in page["edges"]]
            info = page["pageInfo"]
            more, came = ("hasPreviousPage", "hasNextPage") if backward else ("hasNextPage", "hasPreviousPage")
            ends = [page["edges"][0]["cursor"], page["edges"][-1]["cursor"]] if ids else [None, None]
            assert [node["id"] for node in page["nodes"]] == ids
            assert [info["startCursor"], info["endCursor"]] == ends
            assert info[came] is (cursor is not None)
            found = ids + found if backward else found + ids
            if not info[more]:
                assert len(ids) <= size
                return found
            assert len(ids) == size
            cursor = ends[0] if backward else ends[1]
            if between is not None:
                await between(found)


def _rank(value: Any) -> tuple[Any, ...]:
    return (0,) if value is None else (1, value)
