"""`extensions.cost` through the API: the same answer with the cost behind it, whatever runs the operation."""

from __future__ import annotations

from typing import Any, Final

import pytest

from services.settings import Profile
from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway

THINGS: Final = (
    "query ($first: Int) { things(first: $first) { nodes { name organization { name } state { version } } } }"
)
REPORT: Final = "mutation { reportThingState(input: { reported: { seen: true } }) { state { version } } }"
WATCH: Final = "subscription { thingStateChanged { version thing { name } } }"
TOLD: Final = {"cost": True}


async def ask(gateway: Gateway, query: str, token: str, **body: Any) -> Any:
    return await gateway.request("POST", "/graphql", json={"query": query, **body}, token=token)


@pytest.mark.parametrize("first", [1, 3])
async def test_a_query(gateway: Gateway, fleet: Fleet, first: int) -> None:
    token, variables = fleet.alder.viewer.token, {"first": first}
    plain = await ask(gateway, THINGS, token, variables=variables)
    told = await ask(gateway, THINGS, token, variables=variables, extensions=TOLD)
    assert told.json["data"] == plain.json["data"]
    assert told.body.startswith(plain.body[:-1])
    cost = told.json["extensions"]["cost"]
    assert cost["total"] == 1 + (1 + first) + 2 * first * (1 + 1)
    assert (cost["nodes"], cost["requests"], cost["connections"]) == (3 * first, 1 + 2 * first, 1)


async def test_an_answer_with_errors(gateway: Gateway, fleet: Fleet) -> None:
    query = '{ viewer { user { name } } thing(id: "nonsense") { name } }'
    told = await ask(gateway, query, fleet.alder.viewer.token, extensions=TOLD)
    assert told.codes == ["BAD_USER_INPUT"]
    assert told.json["extensions"]["cost"]["total"] == 1 + (1 + 1 + 2) + 2


async def test_a_mutation(gateway: Gateway, fleet: Fleet) -> None:
    told = await ask(gateway, REPORT, fleet.alder.pump.token, extensions=TOLD)
    assert told.json["data"]["reportThingState"]["state"]["version"] == 1
    assert told.json["extensions"]["cost"]["total"] == 1 + 10 + 1 + 1


async def test_a_socket(gateway: Gateway, fleet: Fleet) -> None:
    async with gateway.socket(fleet.alder.viewer.token) as socket:

        async def send(name: str, query: str) -> None:
            payload = {"query": query, "variables": {"first": 2}, "extensions": TOLD}
            await socket.send_json({"id": name, "type": "subscribe", "payload": payload})

        await send("query", THINGS)
        message = await socket.receive_json()
        assert (message["id"], len(message["payload"]["data"]["things"]["nodes"])) == ("query", 2)
        assert message["payload"]["extensions"]["cost"]["total"] == 1 + 3 + 8
        assert (await socket.receive_json())["type"] == "complete"
        await send("watch", WATCH)
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        while not (gateway.running_subscriptions and gateway.all_listen):
            await gateway.data("{ __typename }")
        await gateway.data(REPORT, token=fleet.alder.pump.token)
        message = await socket.receive_json()
    assert message["payload"]["data"]["thingStateChanged"] == {"version": 1, "thing": {"name": "pump"}}
    assert message["payload"]["extensions"]["cost"]["total"] == 1 + 1 + 1 + 2


async def test_what_is_refused_changes_nothing(start_gateway: StartGateway, fleet: Fleet) -> None:
    narrow = await start_gateway(profile=Profile.PRODUCTION, max_cost=12)
    assert (await narrow.graphql(REPORT, token=fleet.alder.pump.token)).codes == ["LIMIT_EXCEEDED"]
    wide = await start_gateway(profile=Profile.PRODUCTION, max_cost=13)
    data = await wide.data(REPORT, token=fleet.alder.pump.token)
    assert data["reportThingState"]["state"]["version"] == 1


async def test_the_budget_is_one_for_all_tokens_of_a_principal(start_gateway: StartGateway, fleet: Fleet) -> None:
    # A login costs 200 and what it shows; nobody pays for it.
    gateway = await start_gateway(cost_per_minute=230)
    person = fleet.alder.viewer
    session = await gateway.sign_in(person.email, person.password)
    query = "{ things(first: 100) { nodes { id } } }"  # 102
    for token, status in ((person.token, 200), (session.access_token, 200), (person.token, 429)):
        assert (await gateway.graphql(query, token=token)).status == status
    assert (await gateway.graphql(query, token=fleet.alder.owner.token)).status == 200
