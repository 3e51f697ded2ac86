"""Bad input gets a clear error in the shape of GraphQL, a 4xx, and changes nothing."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from endpoints.settings import EndpointSettings
from engine.limits import Limits
from tests.endpoints.laboratory import Served, served

GRAPHQL = "application/graphql-response+json"


async def post(gateway: Served, http: ClientSession, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
    """Post a body as it is; return the status and the answer."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent_headers = {"Content-Type": "application/json", "Accept": GRAPHQL, **headers}
    async with http.post(f"{gateway.url}/graphql", data=io.BytesIO(sent), headers=sent_headers) as response:
        return response.status, json.loads(await response.read())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"query": "{ hello }"',
        b'{"query": "{ hello }"} trailing',
        b"{'query': '{ hello }'}",
        b'{"query": "{ hello }", }',
        b'{"query": "{ hello }", "variables": {"n": NaN}}',
        b'{"query": "{ hello }", "variables": {"n": Infinity}}',
        b'{"query": "{ hello }", "variables": {"n": 1e999}}',
        b'{"query": "{ hello }", "variables": {"n": ' + b"9" * 5000 + b"}}",
        b'{"query": "{ hello }", "variables": {"n": "\\ud800"}}',
        b'{"query": "{ hello \xff }"}',
        b'{"query": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"query": "{ hello }", "variables": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'\x00{"query": "{ hello }"}',
        '{"query": "{ hello }"}'.encode("utf-16"),
        b"null",
        b"true",
        b"5",
        b'"{ hello }"',
        b"{}",
        b'[{"query": "{ hello }"}]',
        b"[]",
        b'{"query": null}',
        b'{"query": 5}',
        b'{"query": {"a": 1}}',
        b'{"query": "{ hello }", "variables": "x"}',
        b'{"query": "{ hello }", "variables": [1]}',
        b'{"query": "{ hello }", "operationName": 5}',
        b'{"query": "{ hello }", "extensions": 5}',
        b'{"query": "{ hello }", "documentId": "x"}',
        b'{"documentId": 5}',
    ],
)
async def test_bodies_that_are_not_one_operation(gateway: Served, http: ClientSession, body: bytes) -> None:
    status, answer = await post(gateway, http, body)
    assert status == 400
    assert list(answer) == ["errors"]
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("", None, "GRAPHQL_PARSE_FAILED"),
        ("{ hello", None, "GRAPHQL_PARSE_FAILED"),
        ("\0{ hello }", None, "GRAPHQL_PARSE_FAILED"),
        ('{ hello(name: "\\ud800") }', None, "GRAPHQL_PARSE_FAILED"),
        ('{ hello(name: "\n") }', None, "GRAPHQL_PARSE_FAILED"),
        ("{ number(value: 007) }", None, "GRAPHQL_PARSE_FAILED"),
        ("type A { b: Int }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { hello }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ helloo }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello(nam: 1) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello(name: 1) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ number(value: 2147483648) }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Nothing) { hello }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello @defer }", None, "GRAPHQL_VALIDATION_FAILED"),
        ('{ hello(name: "\\u0000") }', None, "BAD_USER_INPUT"),
        ('{ echo(value: {a: ["\\u0000"]}) }', None, "BAD_USER_INPUT"),
        ("{ echo(value: 99999999999999999999) }", None, "BAD_USER_INPUT"),
        ("{ echo(value: " + "9" * 6000 + ") }", None, "BAD_USER_INPUT"),
        ("{ echo(value: 1e999) }", None, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", None, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", {"n": "5"}, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", {"n": 1.5}, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", {"n": 2**31}, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", {"n": 10**30}, "BAD_USER_INPUT"),
        ("query($n: Int!) { number(value: $n) }", {"n": {"deep": "x" * 9000}}, "BAD_USER_INPUT"),
        ("query($s: String!) { hello(name: $s) }", {"s": "a\0b"}, "BAD_USER_INPUT"),
        ("query($v: JSON!) { echo(value: $v) }", {"v": {"a\0": 1}}, "BAD_USER_INPUT"),
        ("query($v: JSON!) { echo(value: $v) }", {"v": [2**63]}, "BAD_USER_INPUT"),
        ("query($v: JSON!) { echo(value: $v) }", {"v": json.loads("[" * 150 + "]" * 150)}, "LIMIT_EXCEEDED"),
        ("query($v: JSON!) { echo(value: $v) }", {"v": [0] * 100_001}, "LIMIT_EXCEEDED"),
        ("{ echo(value: " + "[" * 150 + "]" * 150 + ") }", None, "LIMIT_EXCEEDED"),
        ("{ " + "deeper { " * 31 + "hello" + " }" * 32, None, "LIMIT_EXCEEDED"),
        ("{ " + "deeper { " * 500 + "hello" + " }" * 501, None, "LIMIT_EXCEEDED"),
        ("{ " + "hello " * 4001 + "}", None, "LIMIT_EXCEEDED"),
        ("#" * 100_001, None, "LIMIT_EXCEEDED"),
        ("#\n" * 4001 + "{ hello }", None, "LIMIT_EXCEEDED"),
    ],
)
async def test_operations_that_are_refused(
    gateway: Served, http: ClientSession, query: str, variables: Any, code: str
) -> None:
    status, answer = await post(gateway, http, {"query": query, "variables": variables})
    assert status == 400
    assert list(answer) == ["errors"]
    assert answer["errors"][0]["extensions"]["code"] == code
    assert len(json.dumps(answer)) < 30_000


async def test_a_null_that_only_shows_at_run_time_is_the_callers_mistake(gateway: Served, http: ClientSession) -> None:
    query = 'query($s: String = "x") { hello(name: $s) }'
    status, answer = await post(gateway, http, {"query": query, "variables": {"s": None}})
    assert (status, answer["data"]) == (200, None)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("size", [1_048_577, 10_000_000])
async def test_long_bodies_are_413(gateway: Served, http: ClientSession, size: int) -> None:
    status, answer = await post(gateway, http, b'{"query": "' + b"x" * size + b'"}')
    assert status == 413
    assert answer["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}


async def test_long_bodies_of_unknown_length_are_413(gateway: Served, http: ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    headers = {"Content-Type": "application/json"}
    async with http.post(f"{gateway.url}/graphql", data=chunks(), headers=headers) as response:
        assert response.status == 413
        assert "errors" in await response.json()


async def test_a_body_of_just_the_limit_is_read() -> None:
    async with served(EndpointSettings(production=False, body_bytes=100)) as gateway, ClientSession() as http:
        for spaces, expected in ((0, 200), (1, 413)):
            body = b'{"query": "{ hello }"}'
            status, _ = await post(gateway, http, body + b" " * (100 - len(body) + spaces))
            assert status == expected


async def test_compressed_bodies_are_refused(gateway: Served, http: ClientSession) -> None:
    packed = gzip.compress(b'{"query": "{ hello }"}' + b" " * 1_000_000)
    status, answer = await post(gateway, http, packed, **{"Content-Encoding": "gzip"})
    assert status == 415
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_a_body_that_is_cut_runs_nothing(gateway: Served) -> None:
    body = b'{"query": "mutation { note(what: \\"cut\\") }"}'
    for length in (b"Content-Length: 1000", b"Transfer-Encoding: chunked"):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + length
            + b"\r\n\r\n"
            + (b"%x\r\n" % len(body) if b"chunked" in length else b"")
            + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with ClientSession() as http:
        status, _ = await post(gateway, http, {"query": "{ hello }"})
    assert status == 200
    assert gateway.laboratory.seen["noted cut"] == 0


async def test_a_body_that_comes_too_slowly_is_408() -> None:
    async with served(EndpointSettings(production=False, body_seconds=0.05)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BAD_REQUEST"' in answer


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "variables={}",
        "query={hello}&query={hello}",
        "query={hello}&variables=x",
        "query={hello}&variables=[]",
        "query={hello}&variables={}&variables={}",
        "query={hello}&extensions=5",
        "query=%ff",
        "query=%00",
    ],
)
async def test_bad_parameters_in_a_url(gateway: Served, http: ClientSession, query_string: str) -> None:
    headers = {"Accept": GRAPHQL}
    async with http.get(f"{gateway.url}/graphql?{query_string}", headers=headers) as response:
        assert response.status == 400
        assert list(json.loads(await response.read())) == ["errors"]


async def test_suggestions_are_for_development(http: ClientSession) -> None:
    questions = [
        ("{ helo }", None),
        ("{ hello(nam: 1) }", None),
        ("query($n: Strin) { hello }", None),
        ("{ ... on Qery { hello } }", None),
    ]
    for production in (False, True):
        async with served(EndpointSettings(production=production)) as gateway:
            for query, variables in questions:
                _, answer = await post(gateway, http, {"query": query, "variables": variables})
                assert ("Did you mean" in json.dumps(answer)) == (not production), query


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ ...F } fragment F on Query { __schema { nothing } }",
        "{ hello ... { deeper { __schema { queryType { name } } } } }",
    ],
)
async def test_production_tells_its_schema_to_principals_alone(http: ClientSession, query: str) -> None:
    async with served(EndpointSettings(production=True)) as gateway:
        for headers, told in (({}, False), ({"Authorization": "Bearer alice"}, True), ({}, False)):
            status, answer = await post(gateway, http, {"query": query}, **headers)
            code = None if "errors" not in answer else answer["errors"][0]["extensions"]["code"]
            assert (code == "UNAUTHENTICATED") == (not told)
            assert (status == 401) == (not told)
        status, answer = await post(gateway, http, {"query": "{ __typename }"})
        assert answer == {"data": {"__typename": "Query"}}


async def test_an_operation_that_takes_too_long_is_stopped(http: ClientSession) -> None:
    async with served(limits=Limits(seconds=0.05)) as gateway:
        for query in ('{ held(gate: "q") }', 'mutation { heldNote(gate: "m") }'):
            status, answer = await post(gateway, http, {"query": query})
            assert (status, answer["data"]) == (200, None)
            assert answer["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
        assert gateway.laboratory.seen["q cancelled"] == 1
        assert gateway.laboratory.seen["m cancelled"] == 1
        assert gateway.laboratory.seen["context closed"] == 2
