"""Registered documents: a file that is read again when it has changed, and the mode in which nothing else runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession

from endpoints.registered import DocumentsUnreadable, RegisteredDocuments
from endpoints.settings import DocumentSettings, EndpointSettings
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

HELLO: Final = "query Hello { hello }"
SCHEMA: Final = "query Schema { __schema { queryType { name } } }"
TICKS: Final = "subscription Ticks { ticks(count: 1) { number } }"
REFUSED: Final = {
    "message": "Only registered documents run here, and this is none.",
    "extensions": {"code": "DOCUMENT_NOT_REGISTERED"},
}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, documents: Any) -> None:
    """Put a file into its place as `register-documents` does."""
    aside = path.with_suffix(".new")
    aside.write_text(documents if isinstance(documents, str) else json.dumps(documents))
    aside.replace(path)


def test_a_file_is_read_again_when_it_has_changed_and_looked_at_once_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "documents.json", Clock()
    documents = RegisteredDocuments.of(path, clock)
    assert (len(documents), documents.by_id("a")) == (0, None)
    write(path, {"a": "{ a }"})
    clock.now += 0.9
    assert documents.by_id("a") is None
    clock.now += 0.2
    assert documents.by_id("a") == "{ a }"
    write(path, {"b": "{ b }"})
    clock.now += 1.1
    assert (documents.by_id("a"), documents.by_id("b"), len(documents)) == (None, "{ b }", 1)


@pytest.mark.parametrize("broken", ["{", "[]", '{"a": 1}', "null", None])
def test_what_cannot_be_read_leaves_everything_as_it_was(tmp_path: Path, logs: Logs, broken: str | None) -> None:
    path, clock = tmp_path / "documents.json", Clock()
    write(path, {"a": "{ a }"})
    documents = RegisteredDocuments.of(path, clock)
    if broken is None:
        path.unlink()
    else:
        write(path, broken)
    for _ in range(3):
        clock.now += 2
        assert documents.by_id("a") == "{ a }"
    assert len(logs.of("documents.unreadable")) == 1
    write(path, {"b": "{ b }"})
    clock.now += 2
    assert documents.by_id("b") == "{ b }"


@pytest.mark.parametrize("broken", ["{", "[]", '{"a": 1}'])
def test_a_gateway_does_not_start_with_a_file_that_cannot_be_read(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "documents.json"
    write(path, broken)
    with pytest.raises(DocumentsUnreadable, match=str(path)):
        RegisteredDocuments.of(path)


def test_they_are_found_by_id_by_hash_and_by_their_very_text() -> None:
    documents = RegisteredDocuments({"hello": HELLO})
    digest = sha256(HELLO.encode()).hexdigest()
    assert [documents.by_hash(name) for name in (digest, "hello", "other")] == [HELLO, HELLO, None]
    assert documents.by_id(digest) is None
    assert [documents.has(text) for text in (HELLO, f"{HELLO} ", digest)] == [True, False, False]


@pytest.fixture(params=[True, False], ids=["production", "development"])
async def trusted(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """A gateway where only registered documents run."""
    settings = EndpointSettings(production=request.param, documents=DocumentSettings(trusted_only=True))
    async with served(settings, registered={"hello": HELLO, "schema": SCHEMA, "ticks": TICKS}) as running:
        yield running


def persisted(name: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}


async def ask(http: ClientSession, gateway: Served, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer alice"}
    async with http.post(f"{gateway.url}/graphql", json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_registered_documents_run_by_whatever_name(trusted: Served, http: ClientSession) -> None:
    digest = sha256(HELLO.encode()).hexdigest()
    for body in ({"documentId": "hello"}, persisted(digest), persisted("hello"), {"query": HELLO}):
        assert await ask(http, trusted, **body) == (200, {"data": {"hello": "hello world"}})
    assert await ask(http, trusted, query=HELLO, **persisted("hello")) == (200, {"data": {"hello": "hello world"}})


async def test_nothing_else_runs(trusted: Served, http: ClientSession) -> None:
    other = 'mutation { note(what: "rain") }'
    for body in ({"query": other}, persisted("other"), {"query": f"{HELLO}\n"}, {"query": "{"}):
        assert await ask(http, trusted, **body) == (200, {"errors": [REFUSED]})
    # No client registers anything by sending it with its hash.
    for _ in range(2):
        assert (await ask(http, trusted, query=other, **persisted(sha256(other.encode()).hexdigest())))[1]["errors"]
    status, answer = await ask(http, trusted, documentId="other")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
    assert trusted.laboratory.seen["noted rain"] == 0
    newer = {"Accept": "application/graphql-response+json"}
    async with http.post(f"{trusted.url}/graphql", json={"query": other}, headers=newer) as response:
        assert response.status == 400


async def test_the_schema_is_not_told(trusted: Served, http: ClientSession) -> None:
    for body in ({"query": SCHEMA}, {"documentId": "schema"}):
        assert await ask(http, trusted, **body) == (200, {"errors": [REFUSED]})
    async with http.get(f"{trusted.url}/schema.graphql", headers={"Authorization": "Bearer alice"}) as response:
        assert response.status == 404
    for path in ("/", "/graphql"):
        async with http.get(f"{trusted.url}{path}", headers={"Accept": "text/html"}) as response:
            assert response.status in {404, 405, 406}
            assert "graphiql" not in (await response.text()).lower()


async def test_on_a_socket_the_same_holds(trusted: Served) -> None:
    async with connect(trusted.url) as wire:
        await wire.initialise("Bearer alice")
        await wire.subscribe("1", "subscription { ticks(count: 2) { number } }")
        assert await wire.hear() == {"id": "1", "type": "error", "payload": [REFUSED]}
        await wire.say({"id": "2", "type": "subscribe", "payload": {"documentId": "ticks"}})
        assert [message["type"] for message in await wire.until_complete("2")] == ["next", "complete"]


async def test_a_gateway_takes_up_what_is_registered_later(tmp_path: Path, http: ClientSession) -> None:
    path, clock = tmp_path / "documents.json", Clock()
    settings = EndpointSettings(production=True, documents=DocumentSettings(trusted_only=True))
    async with served(settings, registered=RegisteredDocuments.of(path, clock)) as gateway:
        assert await ask(http, gateway, query=HELLO) == (200, {"errors": [REFUSED]})
        write(path, {"hello": HELLO})
        clock.now += 2
        assert await ask(http, gateway, query=HELLO) == (200, {"data": {"hello": "hello world"}})
        async with http.get(f"{gateway.url}/graphql", params={"documentId": "hello"}) as response:
            assert await response.json() == {"data": {"hello": "hello world"}}
        write(path, {})
        clock.now += 2
        assert await ask(http, gateway, query=HELLO) == (200, {"errors": [REFUSED]})
