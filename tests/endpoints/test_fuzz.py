"""Whatever is sent, the answer is JSON in the shape of GraphQL, never a 5xx, and never a fault in the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import aiohttp
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.limits import Limits
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Served, served

T = TypeVar("T")

PIECES = [
    "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "=", "|", "&", " ", "\n", ",", "#", '"', '"""', "\\u0000",
    "\\ud83d", "query", "mutation", "subscription", "fragment", "on", "Query", "hello", "echo", "value", "name",
    "number", "deeper", "told", "whoami", "note", "what", "ticks", "count", "__typename", "__schema",
    "true", "null", "0", "-1",
    "1e5", "99999999999", "$n", "Int", "String", "JSON", "skip", "if", "A", '"text"', "\0", "\ufeff", "é", "😀",
]  # fmt: skip

documents = st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join) | st.sampled_from(
    [
        "{ hello }",
        "query($v: JSON!) { echo(value: $v) }",
        "query($n: Int!) { number(value: $n) }",
        "query($s: String!) { hello(name: $s) }",
        'query A { hello } mutation B { note(what: "x") }',
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
variables = st.dictionaries(st.sampled_from(["v", "n", "s", "x"]), json_values, max_size=4)
requests = st.fixed_dictionaries(
    {},
    optional={
        "query": documents | json_values,
        "variables": variables | json_values,
        "operationName": st.sampled_from(["A", "B", ""]) | json_values,
        "extensions": json_values,
        "documentId": json_values,
    },
)
headers = st.fixed_dictionaries(
    {
        "Content-Type": st.sampled_from(
            ["application/json"] * 8 + ["text/plain", "application/json; charset=x", "%", ""]
        )
    },
    optional={
        "Accept": st.sampled_from(
            ["*/*", "application/graphql-response+json", "text/html;q=", ",;=", "application/json;q=1e9"]
        ),
        "Authorization": st.sampled_from(["Bearer alice", "Bearer", "Bearer \u00ff", "Basic eDp5"]),
        "X-Request-Id": st.text("ab-:%\t", max_size=80),
        "Origin": st.sampled_from(["null", "http://[", "https://a.example.com"]),
    },
)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Target:
    """A gateway that stays up over all examples of a test."""

    def __init__(self, runner: asyncio.Runner, gateway: Served, http: aiohttp.ClientSession) -> None:
        self.runner, self.gateway, self.http = runner, gateway, http

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def post(self, body: bytes, sent: dict[str, str]) -> tuple[int, Any]:
        async with self.http.post(f"{self.gateway.url}/graphql", data=body, headers=sent) as response:
            return response.status, json.loads(await response.read())


@pytest.fixture
def target(logs: Logs) -> Iterator[Target]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()

        async def start() -> Target:
            gateway = await stack.enter_async_context(served(limits=Limits(seconds=5.0)))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Target(runner, gateway, http)

        yield runner.run(start())
        runner.run(stack.aclose())
    assert [line for line in logs.lines if line["level"] == "error"] == []


def check(status: int, answer: dict[str, Any]) -> None:
    assert status < 500
    assert set(answer) <= {"data", "errors"}
    assert answer
    for error in answer.get("errors", []):
        assert error["message"]
        assert error["extensions"]["code"] != "INTERNAL"


@many
@given(body=st.binary(max_size=200), sent=headers)
def test_any_bytes(target: Target, body: bytes, sent: dict[str, str]) -> None:
    check(*target.run(target.post(body, sent)))


@many
@given(request=requests | json_values, sent=headers)
def test_any_json(target: Target, request: object, sent: dict[str, str]) -> None:
    check(*target.run(target.post(json.dumps(request).encode(), sent)))


@many
@given(query=documents, given_variables=variables)
def test_any_document(target: Target, query: str, given_variables: dict[str, Any]) -> None:
    body = json.dumps({"query": query, "variables": given_variables}).encode()
    check(*target.run(target.post(body, {"Content-Type": "application/json"})))


@many
@given(
    messages=st.lists(
        st.binary(max_size=40)
        | json_values
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["subscribe", "complete", "ping", "pong"]), "id": st.sampled_from(["1", "2", ""])},
            optional={"payload": requests | json_values},
        ),
        max_size=6,
    )
)
def test_any_messages(target: Target, messages: list[Any]) -> None:
    """A socket ends by the protocol or goes on; the next one is served."""

    async def talk() -> None:
        url = f"{target.gateway.url}/graphql"
        async with target.http.ws_connect(url, protocols=["graphql-transport-ws"]) as socket:
            await socket.send_str('{"type":"connection_init"}')
            for message in messages:
                if isinstance(message, bytes):
                    await socket.send_str(message.decode("latin-1"))
                else:
                    await socket.send_str(json.dumps(message))
            await socket.send_str('{"type":"ping","payload":{"last":true}}')
            pings = 1 + sum(isinstance(message, dict) and message.get("type") == "ping" for message in messages)
            while pings:
                frame = await socket.receive(timeout=10)
                if frame.type is aiohttp.WSMsgType.CLOSE:
                    assert frame.data in (4400, 4409)
                    return
                assert frame.type is aiohttp.WSMsgType.TEXT
                heard = json.loads(frame.data)
                assert heard["type"] in ("connection_ack", "next", "error", "complete", "pong")
                pings -= heard["type"] == "pong"
                assert "INTERNAL" not in frame.data

    target.run(talk())


streams = st.fixed_dictionaries(
    {
        "Content-Type": st.just("application/json"),
        "Accept": st.sampled_from(
            [
                "text/event-stream",
                "multipart/mixed;subscriptionSpec=1.0",
                "text/event-stream;q=0.1, multipart/mixed;subscriptionSpec=1.0, application/json",
                "multipart/mixed;subscriptionSpec=;q=2, text/event-stream;q=",
            ]
        ),
    },
    optional={
        "Last-Event-ID": st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20),
        "User-Agent": st.sampled_from(["aiohttp/", "Mozilla/5.0"]),
    },
)
watched = documents | st.sampled_from(
    [
        "subscription { ticks(count: 2) { number oddOnly } }",
        "subscription($n: Int!) { ticks(count: $n) { text } }",
        "subscription { expired { number } }",
        "subscription($s: String) { echoed: counted(after: null) { number } }",
    ]
)


@many
@given(query=watched, given_variables=st.fixed_dictionaries({"n": st.integers(-3, 3)}), sent=streams)
def test_any_stream(target: Target, query: str, given_variables: dict[str, Any], sent: dict[str, str]) -> None:
    if "counted" in query:
        sent.pop("Last-Event-ID", None)  # its events have numbers for cursors, and it takes nothing else

    async def post() -> tuple[int, str, bytes]:
        body = json.dumps({"query": query, "variables": given_variables}).encode()
        async with target.http.post(f"{target.gateway.url}/graphql", data=body, headers=sent) as response:
            return response.status, response.content_type, await response.read()

    status, content_type, body = target.run(post())
    if content_type == "text/event-stream":
        assert body.endswith(b"event: complete\ndata:\n\n")
        for line in body.split(b"\n"):
            if line.startswith(b"data: "):
                check(status, json.loads(line.removeprefix(b"data: ")))
    elif content_type == "multipart/mixed":
        first, *parts, last = body.split(b"--graphql")
        assert (first, last) == (b"", b"--")
        for part in parts:
            found = json.loads(part.partition(b"\r\n\r\n")[2])
            check(status, found.get("payload", {"data": None}))
    else:
        check(status, json.loads(body))
