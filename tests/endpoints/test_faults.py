"""Faults of this side: the caller reads a request id, the log reads the rest, neither holds a caller's secret."""

from __future__ import annotations

import io

import pytest
from aiohttp import ClientSession

from endpoints.logs import configure_logs
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

ID = "check-0123456789"


@pytest.mark.parametrize(
    "query", ["{ fault }", "{ vital }", "{ wrongType }", "{ unwritable }", "{ a: fault b: fault }"]
)
async def test_a_fault_tells_the_request_id_and_nothing_else(
    gateway: Served, http: ClientSession, logs: Logs, query: str
) -> None:
    async with http.post(f"{gateway.url}/graphql", json={"query": query}, headers={"X-Request-Id": ID}) as response:
        text = await response.text()
        answer = await response.json()
    assert response.headers["X-Request-Id"] == ID
    for error in answer["errors"]:
        assert error["message"] == f"Internal error. Quote request {ID} when you report it."
        assert error["extensions"] == {"code": "INTERNAL", "requestId": ID}
    for secret in ("hunter2", "RuntimeError", "Traceback", ".py", "Int cannot"):
        assert secret not in text
    faults = [line for line in logs.lines if line["level"] == "error"]
    assert {line["request_id"] for line in faults} == {ID}
    assert all("exception" in line for line in faults)


async def test_a_fault_in_many_rows_is_logged_a_few_times(gateway: Served, http: ClientSession, logs: Logs) -> None:
    query = "{" + " ".join(f"f{number}: fault" for number in range(20)) + "}"
    async with http.post(f"{gateway.url}/graphql", json={"query": query}) as response:
        assert len((await response.json())["errors"]) == 20
    assert len(logs.of("graphql.fault")) == 5
    assert logs.of("graphql.more_faults")[0]["unlogged"] == 15


async def test_what_is_meant_for_the_caller_is_told_and_not_logged_as_a_fault(
    gateway: Served, http: ClientSession, logs: Logs
) -> None:
    async with http.post(f"{gateway.url}/graphql", json={"query": "{ told }"}) as response:
        assert await response.json() == {
            "data": {"told": None},
            "errors": [
                {
                    "message": "There is no such thing.",
                    "extensions": {"code": "NOT_FOUND"},
                    "locations": [{"line": 1, "column": 3}],
                    "path": ["told"],
                }
            ],
        }
    assert {line["level"] for line in logs.lines} == {"info"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/files/x", 404, "NOT_FOUND"),
        ("/broken", 500, "INTERNAL"),
        ("/nowhere", 404, "NOT_FOUND"),
        ("/nowhere\u2028%0a%00", 404, "NOT_FOUND"),
        ("/explorer/../gateway.py", 404, "NOT_FOUND"),
    ],
)
async def test_other_routes_answer_errors_in_the_same_shape(
    gateway: Served, http: ClientSession, path: str, status: int, code: str
) -> None:
    async with http.get(f"{gateway.url}{path}") as response:
        assert response.status == status
        assert response.content_type == "application/json"
        assert (await response.json())["errors"][0]["extensions"]["code"] == code
        assert "hunter2" not in await response.text()
    async with http.delete(f"{gateway.url}/healthz") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"


async def test_a_fault_while_signing_in_is_500(gateway: Served, http: ClientSession, logs: Logs) -> None:
    headers = {"Authorization": "Bearer broken", "X-Request-Id": ID}
    async with http.post(f"{gateway.url}/graphql", json={"query": "{ hello }"}, headers=headers) as response:
        assert response.status == 500
        assert (await response.json())["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": ID}
        assert "hunter2" not in await response.text()
    assert logs.of("http.fault")[0]["request_id"] == ID


async def test_one_line_for_each_request_without_secrets(gateway: Served, http: ClientSession, logs: Logs) -> None:
    headers = {"Authorization": "Bearer alice", "X-Request-Id": ID}
    body = {
        "query": 'query Greeting($n: String!) { hello(name: $n) a: hello(name: "litsecret") }',
        "variables": {"n": "varsecret"},
    }
    async with http.post(f"{gateway.url}/graphql?token=urlsecret", json=body, headers=headers) as response:
        assert response.status == 200
    (line,) = logs.of("request")
    assert line["milliseconds"] > 0
    assert line | {"milliseconds": 0, "timestamp": ""} == {
        "event": "request",
        "level": "info",
        "logger": "fleetgraph.access",
        "timestamp": "",
        "request_id": ID,
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "milliseconds": 0,
        "principal": "user_alice",
        "kind": "query",
        "operation": "Greeting",
        "outcome": "ok",
        "cost": 3,
    }
    for secret in ("varsecret", "litsecret", "urlsecret", "Bearer"):
        assert secret not in logs.text


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space in it", 'quote"quote"', "höhöhöhö"])
async def test_odd_request_ids_are_replaced(gateway: Served, http: ClientSession, given: str) -> None:
    async with http.get(f"{gateway.url}/healthz", headers={"X-Request-Id": given}) as response:
        made = response.headers["X-Request-Id"]
    assert len(made) == 32
    assert made.isalnum()


async def test_each_operation_of_a_socket_has_an_id_and_a_line(gateway: Served, logs: Logs) -> None:
    async with connect(gateway.url, headers={"X-Request-Id": ID}) as wire:
        await wire.initialise("Bearer alice")
        await wire.subscribe("a", "query First { hello }")
        await wire.until_complete("a")
        await wire.subscribe("b", "{ fault }")
        heard = await wire.until_complete("b")
    assert heard[0]["payload"]["errors"][0]["extensions"]["requestId"] == f"{ID}-2"
    lines = logs.of("operation")
    assert [(line["request_id"], line["operation"], line["outcome"]) for line in lines] == [
        (f"{ID}-1", "First", "ok"),
        (f"{ID}-2", None, "partial"),
    ]
    assert {line["principal"] for line in lines} == {"user_alice"}


async def test_the_console_format_shows_tracebacks_without_variables() -> None:
    stream = io.StringIO()
    async with served() as gateway, ClientSession() as http:
        configure_logs("console", "info", stream)
        body = {"query": "query($n: String!) { hello(name: $n) fault }", "variables": {"n": "varsecret"}}
        async with http.post(
            f"{gateway.url}/graphql", json=body, headers={"Authorization": "Bearer alice"}
        ) as response:
            assert response.status == 200
    assert "RuntimeError" in stream.getvalue()
    assert "varsecret" not in stream.getvalue()
    assert "Bearer" not in stream.getvalue()
