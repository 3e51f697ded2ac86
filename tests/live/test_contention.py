"""Many callers change the same things at once: the log has the changes of each in the order in which they were made.

A position begins with the id of a transaction, and PostgreSQL gives ids out before it is known who comes first.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp

from tests.client import GatewayClient
from tests.fleets import Fleet
from tests.live.conftest import StartProcess
from tests.live.reading import check_order, logged
from tests.live.scale import Scale
from tests.live.writing import Writer

GATEWAYS: Final = 3
CALLERS_OF_EACH: Final = 4
CALLS: Final = 20


async def test_the_log_has_the_changes_of_a_thing_in_order_whoever_makes_them(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    scale: Scale,
    database_kind: str,
) -> None:
    """Reports of one thing, of many with one call, and wishes; through several gateways where that can be."""
    count = GATEWAYS if database_kind == "postgresql" else 1
    gateways = await asyncio.gather(*(start_process() for _ in range(count)))
    things, token = fleet.alder.things[:3], fleet.alder.owner.token
    changes = 0

    async def change(client: GatewayClient, name: str, given: dict[str, Any]) -> bool:
        """Call a mutation; whether nobody else was in its way."""
        payload = await client.mutate(name, given, token=token)
        assert {each["code"] for each in payload["userErrors"]} <= {"CONFLICT"}
        return not payload["userErrors"]

    async def call(client: GatewayClient, label: str) -> None:
        nonlocal changes
        chance = scale.chance(label)
        for number in range(CALLS):
            thing, value = chance.choice(things), {label: number}
            kind = chance.choice(["one", "many", "wish"])
            if kind == "one":
                made = int(await change(client, "reportThingState", {"thingId": thing.id, "reported": value}))
            elif kind == "wish":
                made = int(await change(client, "setDesiredThingState", {"thingId": thing.id, "desired": value}))
            else:
                reports = [{"thingId": each.id, "reported": value} for each in chance.sample(things, k=len(things))]
                given = {"reports": reports}
                payload = await client.mutate("reportThingStates", given, select="taken", token=token)
                made = payload["taken"] or 0
            changes += made

    callers = [
        call(GatewayClient(gateway.url, session), f"caller {number} of {place}")
        for place, gateway in enumerate(gateways)
        for number in range(CALLERS_OF_EACH)
    ]
    await asyncio.gather(*callers)
    written = await logged(writer.store)
    assert len(written) == changes
    assert changes > len(callers) * CALLS // 2
    check_order(written)
