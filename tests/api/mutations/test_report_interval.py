"""How often a thing reports: given when it is created or updated, within bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import now
from models.tables import THING
from sql.moments import write_moment
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, thing_id
from tests.gateways import StartGateway

DAYS_30 = 2_592_000
OUT_OF_BOUNDS = (0, -1, DAYS_30 + 1, 2**31 - 1)


def new(cast: Cast, interval: Any) -> dict[str, Any]:
    probe = {"name": "Probe", "type": "SENSOR", "reportIntervalSeconds": interval}
    return {"organizationId": org_id(cast.acme), "things": [probe]}


def patch(cast: Cast, interval: Any) -> dict[str, Any]:
    return {"things": [{"id": thing_id(cast.thing), "reportIntervalSeconds": interval}]}


@pytest.mark.parametrize("interval", [None, 1, 90, DAYS_30])
async def test_it_is_given_with_the_thing_and_changed_with_it(cast: Cast, interval: int | None) -> None:
    select = "things { reportIntervalSeconds }"
    for name, input in (("createThings", new(cast, interval)), ("updateThings", patch(cast, interval))):
        payload = await cast.change("editor", name, input, select)
        assert payload["things"] == [{"reportIntervalSeconds": interval}]
    assert await seen(cast, cast.thing, "reportIntervalSeconds") == {"reportIntervalSeconds": interval}


async def test_null_clears_it_and_what_is_left_out_stays(cast: Cast) -> None:
    await cast.change("editor", "updateThings", patch(cast, 60))
    other = {"things": [{"id": thing_id(cast.thing), "name": "Pump 2"}]}
    await cast.change("editor", "updateThings", other)
    assert await seen(cast, cast.thing, "reportIntervalSeconds") == {"reportIntervalSeconds": 60}
    await cast.change("editor", "updateThings", patch(cast, None))
    assert await seen(cast, cast.thing, "reportIntervalSeconds version") == {
        "reportIntervalSeconds": None,
        "version": 4,
    }


@pytest.mark.parametrize("interval", OUT_OF_BOUNDS)
async def test_out_of_bounds_nothing_changes(cast: Cast, interval: int) -> None:
    for name, input in (("createThings", new(cast, interval)), ("updateThings", patch(cast, interval))):
        error = await cast.error("editor", name, input)
        assert error == ("INVALID_INPUT", ["things", "0", "reportIntervalSeconds"])
    assert await events(cast) == []
    assert await cast.count(THING) == 1
    assert await seen(cast, cast.thing, "reportIntervalSeconds") == {"reportIntervalSeconds": None}


async def test_subscribers_learn_that_a_thing_is_silent(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(presence_sweep_seconds=0.05)
    cast = Cast(gateway)
    await cast.build()
    await cast.change("thing", "reportThingState", {"reported": {"on": True}})
    subscription = "subscription { thingConnectivityChanged { connected thing { name connected lastSeenAt } } }"
    async with gateway.subscribe(subscription, token=await cast.token("viewer")) as told:
        late = now() - timedelta(seconds=451)
        async with cast.store.write() as session:
            await session.execute(update(THING).values(last_seen_at=late))
        event = (await told.next())["thingConnectivityChanged"]
    assert event == {
        "connected": False,
        "thing": {"name": "Pump", "connected": False, "lastSeenAt": write_moment(late)},
    }
