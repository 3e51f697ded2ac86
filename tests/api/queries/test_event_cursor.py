"""`eventCursor`: read it beside a list, subscribe with it, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from resolvers import context
from services.events import Position, latest_position
from tests.cast import Cast, org_id

LISTED = "{ thingStats { total } things { nodes { name } } eventCursor organizations { totalCount } %s }"
CHANGED = "subscription ($after: String) { thingChanged(after: $after) { kind thing { name } } }"


async def create(cast: Cast, name: str) -> None:
    things = [{"name": name, "type": "SENSOR"}]
    given = {"organizationId": org_id(cast.acme), "things": things}
    await cast.change("editor", "createThings", given, "things { id }")


async def test_what_happens_behind_the_cursor_is_replayed(cast: Cast) -> None:
    await create(cast, "before")
    read = await cast.data("viewer", LISTED % "")
    assert {each["name"] for each in read["things"]["nodes"]} == {"Pump", "before"}
    await create(cast, "between")
    variables = {"after": read["eventCursor"]}
    async with cast.gateway.subscribe(CHANGED, variables, token=await cast.token("viewer")) as events:
        await create(cast, "live")
        for name in ("between", "live"):
            assert (await events.next())["thingChanged"] == {"kind": "THING_CREATED", "thing": {"name": name}}


@pytest.mark.parametrize("more", ["", "__schema { queryType { name } }"], ids=["by plan", "by reference"])
async def test_it_is_read_before_all_that_stands_beside_it(
    cast: Cast, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has happened when the place is read is in every list, wherever in the query they stand."""
    token = await cast.token("viewer")
    await create(cast, "before")

    async def late(store: Any) -> Position:
        await create(cast, "while the query runs")
        return await latest_position(store)

    monkeypatch.setattr(context, "latest_position", late)
    answer = await cast.gateway.graphql(LISTED % more, token=token)
    assert answer.errors == []
    assert answer.data["thingStats"]["total"] == len(answer.data["things"]["nodes"]) == 3
    assert answer.data["eventCursor"] is not None


async def test_one_operation_has_one_place(cast: Cast) -> None:
    await create(cast, "before")
    read = await cast.data("thing", "{ eventCursor again: eventCursor }")
    assert read["eventCursor"] == read["again"]


async def test_there_is_none_before_the_first_event(cast: Cast) -> None:
    assert await cast.data("viewer", "{ eventCursor }") == {"eventCursor": None}


async def test_nobody_is_told(cast: Cast) -> None:
    answer = await cast.gateway.graphql("{ eventCursor }")
    assert answer.codes == ["UNAUTHENTICATED"]
