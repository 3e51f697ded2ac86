"""Operations over graphql-transport-ws: each runs, fails and ends for itself."""

from __future__ import annotations

import asyncio

from engine.limits import Limits
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect


async def test_a_query_answers_once_and_completes(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise("Bearer alice")
        await wire.subscribe("1", "{ whoami }")
        assert await wire.hear() == {"id": "1", "type": "next", "payload": {"data": {"whoami": "user_alice"}}}
        assert await wire.hear() == {"id": "1", "type": "complete"}


async def test_a_mutation_takes_variables_and_an_operation_name(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        query = 'mutation A($w: String!) { note(what: $w) } mutation B { note(what: "b") }'
        await wire.subscribe("m", query, variables={"w": "rain"}, operationName="A")
        assert (await wire.hear())["payload"] == {"data": {"note": "rain"}}
    assert gateway.laboratory.seen["noted rain"] == 1
    assert gateway.laboratory.seen["noted b"] == 0


async def test_a_subscription_sends_its_events_in_order_and_completes(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { ticks(count: 3) { number } }")
        heard = await wire.until_complete("s")
    assert [message["payload"]["data"]["ticks"]["number"] for message in heard[:-1]] == [0, 1, 2]
    assert heard[-1] == {"id": "s", "type": "complete"}


async def test_every_event_has_a_context_of_its_own(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { ticks(count: 3) { contextNumber } }")
        heard = await wire.until_complete("s")
    assert [message["payload"]["data"]["ticks"]["contextNumber"] for message in heard[:-1]] == [0, 1, 2]
    # One for each event, and that of the source.
    assert gateway.laboratory.seen["context closed"] == 4


async def test_an_event_with_a_failing_field_is_an_event_with_errors(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { ticks(count: 2) { oddOnly } }")
        heard = await wire.until_complete("s")
    assert [message["type"] for message in heard] == ["next", "next", "complete"]
    assert heard[0]["payload"]["errors"][0]["extensions"] == {"code": "WRONG_STATE"}
    assert heard[1]["payload"] == {"data": {"ticks": {"oddOnly": 1}}}


async def test_a_failing_operation_leaves_its_siblings_alone(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("good", 'subscription { gated(gate: "g") { number } }')
        assert (await wire.hear())["id"] == "good"
        for bad in ("{ nothing }", "{", "subscription { expired { number } }", "query($n: Int!) { number(value: $n) }"):
            await wire.subscribe("bad", bad)
            assert [message["type"] for message in await wire.until_complete("bad")] == ["error"]
        gateway.laboratory.gate("g").set()
        assert (await wire.hear())["payload"] == {"data": {"gated": {"number": 1}}}
        assert await wire.hear() == {"id": "good", "type": "complete"}


async def test_a_refusal_of_the_source_is_told_with_its_code(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { expired { number } }")
        message = await wire.hear()
    assert message["type"] == "error"
    assert message["payload"][0]["message"] == "The log does not reach back that far."
    assert message["payload"][0]["extensions"] == {"code": "CURSOR_EXPIRED"}


async def test_a_source_that_breaks_ends_with_an_error_that_leaks_nothing(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { failing { number } }")
        heard = await wire.until_complete("s")
    assert [message["type"] for message in heard] == ["next", "error"]
    assert heard[1]["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in str(heard)


async def test_an_event_that_takes_too_long_ends_its_subscription() -> None:
    async with served(limits=Limits(seconds=0.05)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", 'subscription { ticks(count: 2) { held(gate: "g") } }')
        message = await wire.hear()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert gateway.laboratory.seen["g cancelled"] == 1
    assert gateway.laboratory.seen["ticks ended"] == 1
    assert gateway.laboratory.seen["context closed"] == 2


async def test_the_time_of_an_operation_is_not_that_of_its_subscription() -> None:
    async with served(limits=Limits(seconds=0.05)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
        await gateway.laboratory.at("g").wait()
        asyncio.get_running_loop().call_later(0.2, gateway.laboratory.gate("g").set)
        assert [message["type"] for message in await wire.until_complete("s")] == ["next", "next", "complete"]


async def test_an_answer_that_cannot_be_written_is_an_error(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("1", "{ unwritable }")
        message = await wire.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
        await wire.subscribe("1", "{ hello }")
        assert (await wire.hear())["payload"] == {"data": {"hello": "hello world"}}


async def test_complete_stops_a_subscription_and_frees_its_id(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
        assert (await wire.hear())["type"] == "next"
        await gateway.laboratory.at("g").wait()
        await wire.complete("s")
        await wire.subscribe("s", "{ hello }")
        assert await wire.hear() == {"id": "s", "type": "next", "payload": {"data": {"hello": "hello world"}}}
        assert await wire.hear() == {"id": "s", "type": "complete"}
    assert gateway.laboratory.seen["g ended"] == 1


async def test_complete_for_an_unknown_id_means_nothing(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.complete("never")
        await wire.subscribe("1", "{ hello }")
        assert (await wire.hear())["type"] == "next"


async def test_a_lost_socket_stops_its_subscriptions_and_closes_their_contexts(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
        await gateway.laboratory.at("g").wait()
    await gateway.laboratory.at("g ended").wait()
    await gateway.laboratory.at("context closed").wait()
    assert gateway.laboratory.seen["g cancelled"] == 1


async def test_a_lost_socket_cancels_a_query_and_lets_a_mutation_end(gateway: Served) -> None:
    laboratory = gateway.laboratory
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("q", '{ held(gate: "query") }')
        await wire.subscribe("m", 'mutation { heldNote(gate: "mutation") }')
        await laboratory.at("query").wait()
        await laboratory.at("mutation").wait()
    await laboratory.at("query cancelled").wait()
    laboratory.gate("mutation").set()
    await laboratory.at("mutation passed").wait()
    assert laboratory.seen["mutation cancelled"] == 0


async def test_a_registered_document_runs_by_its_id() -> None:
    async with served(registered={"greet": "query Greet { hello }"}) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.say({"id": "1", "type": "subscribe", "payload": {"documentId": "greet"}})
        assert (await wire.hear())["payload"] == {"data": {"hello": "hello world"}}
        assert (await wire.hear())["type"] == "complete"
        await wire.say({"id": "2", "type": "subscribe", "payload": {"documentId": "other"}})
        assert (await wire.hear())["payload"][0]["extensions"] == {"code": "NOT_FOUND"}
