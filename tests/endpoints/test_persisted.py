"""Automatic persisted queries: a hash alone, then the hash with its document, then the hash alone again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import orjson
import pytest
from aiohttp import ClientSession

from endpoints.application import SERVICE
from endpoints.documents import SentDocuments
from endpoints.settings import DocumentSettings, EndpointSettings
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

HELLO: Final = "query Hello($name: String!) { hello(name: $name) }"
NOT_FOUND: Final = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
NOT_SUPPORTED: Final = {
    "message": "PersistedQueryNotSupported",
    "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"},
}
OFF: Final = EndpointSettings(production=False, documents=DocumentSettings(persisted_queries=False))
MEDIA_TYPES: Final = ("application/json", "application/graphql-response+json")


def hashed(text: str, name: str | None = None) -> dict[str, Any]:
    digest = name or sha256(text.encode()).hexdigest()
    return {"persistedQuery": {"version": 1, "sha256Hash": digest}}


async def post(http: ClientSession, gateway: Served, accept: str = MEDIA_TYPES[0], **body: Any) -> tuple[int, Any]:
    async with http.post(f"{gateway.url}/graphql", json=body, headers={"Accept": accept}) as response:
        return response.status, await response.json(content_type=None)


async def get(http: ClientSession, gateway: Served, **parameters: Any) -> tuple[int, Any]:
    given = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in parameters.items()
    }
    async with http.get(f"{gateway.url}/graphql", params=given) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("accept", MEDIA_TYPES)
async def test_a_hash_is_known_once_its_document_was_sent(gateway: Served, http: ClientSession, accept: str) -> None:
    asked = {"variables": {"name": "you"}, "extensions": hashed(HELLO)}
    answer = (200, {"data": {"hello": "hello you"}})
    assert await post(http, gateway, accept, **asked) == (200, {"errors": [NOT_FOUND]})
    assert await post(http, gateway, accept, **asked, query=HELLO) == answer
    assert await post(http, gateway, accept, **asked) == answer
    assert await post(http, gateway, accept, **asked | {"variables": {"name": "me"}}) == (
        200,
        {"data": {"hello": "hello me"}},
    )


async def test_a_hash_that_is_not_that_of_the_document_is_refused(gateway: Served, http: ClientSession) -> None:
    for _ in range(2):
        status, answer = await post(http, gateway, query="{ whoami }", extensions=hashed(HELLO))
        assert (status, answer["errors"][0]["message"]) == (400, "provided sha does not match query")
        assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
        assert await post(http, gateway, extensions=hashed(HELLO)) == (200, {"errors": [NOT_FOUND]})
    # Also when the hash is known by then.
    await post(http, gateway, query=HELLO, extensions=hashed(HELLO), variables={"name": "you"})
    assert (await post(http, gateway, query="{ whoami }", extensions=hashed(HELLO)))[0] == 400
    assert (await post(http, gateway, extensions=hashed(HELLO), variables={"name": "you"}))[1]["data"]


@pytest.mark.parametrize(
    "persisted",
    [
        "hash",
        [],
        {},
        {"version": 1},
        {"version": 1, "sha256Hash": None},
        {"version": 1, "sha256Hash": ""},
        {"version": 1, "sha256Hash": "a" * 257},
        {"version": 2, "sha256Hash": "a" * 64},
        {"sha256Hash": "a" * 64},
    ],
)
async def test_another_form_is_refused(gateway: Served, http: ClientSession, persisted: Any) -> None:
    for query in ({}, {"query": "{ hello }"}):
        status, answer = await post(http, gateway, **query, extensions={"persistedQuery": persisted})
        assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_a_document_that_does_not_fit_is_not_kept(gateway: Served, http: ClientSession) -> None:
    for text in ("{ nothing }", "{", "{ hello " + "@a" * 10 + " }"):
        assert (await post(http, gateway, query=text, extensions=hashed(text)))[1]["errors"]
        assert await post(http, gateway, extensions=hashed(text)) == (200, {"errors": [NOT_FOUND]})
    assert len(gateway.application[SERVICE].documents.sent) == 0


async def test_documents_that_are_not_ascii(gateway: Served, http: ClientSession) -> None:
    text = '{ hello(name: "Jürgen 🦊") }'
    for extra in ({"query": text}, {}):
        answer = await post(http, gateway, **extra, extensions=hashed(text))
        assert answer == (200, {"data": {"hello": "hello Jürgen 🦊"}})


async def test_a_mutation_may_be_sent_by_its_hash(gateway: Served, http: ClientSession) -> None:
    text = 'mutation { note(what: "rain") }'
    for extra in ({"query": text}, {}):
        assert (await post(http, gateway, **extra, extensions=hashed(text)))[1] == {"data": {"note": "rain"}}
    assert gateway.laboratory.seen["noted rain"] == 2


async def test_by_get_in_development(gateway: Served, http: ClientSession) -> None:
    asked = {"extensions": hashed(HELLO), "variables": {"name": "you"}}
    assert await get(http, gateway, **asked) == (200, {"errors": [NOT_FOUND]})
    assert await get(http, gateway, **asked, query=HELLO) == (200, {"data": {"hello": "hello you"}})
    assert await get(http, gateway, **asked) == (200, {"data": {"hello": "hello you"}})
    mutation = 'mutation { note(what: "rain") }'
    await post(http, gateway, query=mutation, extensions=hashed(mutation))
    assert (await get(http, gateway, extensions=hashed(mutation)))[0] == 405
    assert gateway.laboratory.seen["noted rain"] == 1


async def test_by_get_in_production_nothing_runs_that_was_not_registered(http: ClientSession) -> None:
    asked: dict[str, Any] = {"extensions": hashed(HELLO), "variables": {"name": "you"}}
    async with served(EndpointSettings(production=True)) as gateway:
        assert (await post(http, gateway, **asked, query=HELLO))[1] == {"data": {"hello": "hello you"}}
        assert (await post(http, gateway, **asked))[1] == {"data": {"hello": "hello you"}}
        # The client is told to send the document, which it does by POST.
        assert await get(http, gateway, **asked) == (200, {"errors": [NOT_FOUND]})
        assert (await get(http, gateway, **asked, query=HELLO))[0] == 405
        assert (await get(http, gateway, query=HELLO))[0] == 405
        assert (await get(http, gateway, extensions={"cost": True}))[0] == 400
    async with served(EndpointSettings(production=True), registered={"greet": HELLO}) as gateway:
        assert await get(http, gateway, **asked) == (200, {"data": {"hello": "hello you"}})
        other = "{ whoami }"
        await post(http, gateway, query=other, extensions=hashed(other))
        assert await get(http, gateway, extensions=hashed(other)) == (200, {"errors": [NOT_FOUND]})


async def test_registered_documents_have_their_hash_as_a_name(http: ClientSession) -> None:
    async with served(registered={"greet": HELLO}) as gateway:
        for name in (None, "greet"):
            answer = await post(http, gateway, variables={"name": "you"}, extensions=hashed(HELLO, name))
            assert answer == (200, {"data": {"hello": "hello you"}})


async def test_persisted_queries_can_be_switched_off(http: ClientSession) -> None:
    asked = {"variables": {"name": "you"}, "extensions": hashed(HELLO)}
    async with served(OFF) as gateway:
        for accept in MEDIA_TYPES:
            assert await post(http, gateway, accept, **asked) == (200, {"errors": [NOT_SUPPORTED]})
            assert await post(http, gateway, accept, **asked, query=HELLO) == (200, {"data": {"hello": "hello you"}})
        assert await get(http, gateway, **asked) == (200, {"errors": [NOT_SUPPORTED]})
        assert len(gateway.application[SERVICE].documents.sent) == 0


async def test_over_a_socket(gateway: Served) -> None:
    ticks = "subscription { ticks(count: 1) { number } }"
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.say({"id": "1", "type": "subscribe", "payload": {"extensions": hashed(ticks)}})
        assert await wire.hear() == {"id": "1", "type": "error", "payload": [NOT_FOUND]}
        for query in ({"query": ticks}, {}):
            await wire.say({"id": "2", "type": "subscribe", "payload": {"extensions": hashed(ticks), **query}})
            assert [message["type"] for message in await wire.until_complete("2")] == ["next", "complete"]
        await wire.subscribe("3", "{ whoami }", extensions=hashed(ticks))
        message = await wire.hear()
        assert (message["type"], message["payload"][0]["message"]) == ("error", "provided sha does not match query")


def test_the_latest_used_are_kept() -> None:
    sent = SentDocuments(2, 100)
    sent.keep("a", "{ a }")
    sent.keep("b", "{ b }")
    assert sent.find("a") == "{ a }"
    sent.keep("c", "{ c }")
    assert [sent.find(name) for name in "abc"] == ["{ a }", None, "{ c }"]
    assert len(sent) == 2


def test_they_are_bounded_in_bytes() -> None:
    sent = SentDocuments(100, 20)
    for name in "abcde":
        sent.keep(name, "ü" * 4)
    assert [sent.find(name) is not None for name in "abcde"] == [False, False, False, True, True]
    sent.keep("e", "ü" * 4)
    sent.keep("f", "x" * 21)
    assert len(sent) == 0
    sent.keep("g", "x" * 20)
    assert len(sent) == 1
