"""The ends of time: drivers give Python's first and last moment back without a zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from models.tables import THING
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import store_of

ENDS = {
    "first": (datetime.min.replace(tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    "last": (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
}
QUERY = "query ($id: ID!, $bad: String) { thing(id: $id) { lastSeenAt executions(after: $bad) { nodes { id } } } }"


@pytest.mark.parametrize("end", sorted(ENDS))
async def test_they_are_written_like_any_other(gateway: Gateway, fleet: Fleet, end: str) -> None:
    moment, written = ENDS[end]
    async with store_of(gateway).write() as session:
        await session.execute(update(THING).values(last_seen_at=moment))
    given = {"id": fleet.alder.pump.id}
    token = fleet.alder.viewer.token
    assert (await gateway.data(QUERY, given, token=token))["thing"]["lastSeenAt"] == written
    by_reference = await gateway.graphql(QUERY, {**given, "bad": "no cursor"}, token=token)
    assert by_reference.codes == ["BAD_USER_INPUT"]
