"""A client of a running gateway, as the tests use it: plain HTTP and WebSocket, nothing of the application."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import orjson

SUBPROTOCOL = "graphql-transport-ws"
SECONDS_FOR_AN_EVENT = 20.0

USER_ERRORS = "userErrors { code message path }"
LOGIN = """
mutation SignIn($input: LoginInput!) {
  login(input: $input) { session { accessToken refreshToken expiresAt } userErrors { code message path } }
}
"""


def authorization(token: str | None) -> str | None:
    """The value of the Authorization header: a bare token is a person's, "Thing <key>" stays as it is."""
    return token if token is None or " " in token else f"Bearer {token}"


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return cast(dict[str, Any], orjson.loads(self.body))

    @property
    def data(self) -> Any:
        """What `data` holds, of an answer that must not have top-level errors."""
        assert "errors" not in self.json, self.json["errors"]
        return self.json["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], self.json.get("errors", []))

    @property
    def codes(self) -> list[str]:
        """`extensions.code` of every top-level error."""
        return [error["extensions"]["code"] for error in self.errors]


@dataclass(frozen=True)
class SignedIn:
    """A session as `login` gave it."""

    access_token: str
    refresh_token: str
    expires_at: str


class SubscriptionRefused(Exception):
    """The server answered a subscription with an error message; `errors` is its payload."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class SubscriptionEnded(Exception):
    """The server completed the subscription or closed the socket; `close_code` in the second case."""

    def __init__(self, close_code: int | None = None) -> None:
        super().__init__(close_code)
        self.close_code = close_code


class Subscription:
    """The events of one subscription on a socket of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._early: deque[dict[str, Any]] = deque()

    async def settle(self) -> None:
        """Wait until the server has read everything that was sent, keeping what comes before its pong."""
        await self.socket.send_json({"type": "ping"})
        while (message := await self._receive(SECONDS_FOR_AN_EVENT))["type"] != "pong":
            self._early.append(message)

    @property
    def has_news(self) -> bool:
        """Whether something came before it was asked for."""
        return bool(self._early)

    async def next(self, seconds: float = SECONDS_FOR_AN_EVENT) -> dict[str, Any]:
        """The `data` of the next event. Raises TimeoutError, SubscriptionRefused or SubscriptionEnded."""
        while True:
            message = self._early.popleft() if self._early else await self._receive(seconds)
            match message["type"]:
                case "next":
                    if "errors" in message["payload"]:
                        raise SubscriptionRefused(message["payload"]["errors"])
                    return cast(dict[str, Any], message["payload"]["data"])
                case "error":
                    raise SubscriptionRefused(message["payload"])
                case "complete":
                    raise SubscriptionEnded
                case "ping":
                    await self.socket.send_json({"type": "pong"})

    async def _receive(self, seconds: float) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise SubscriptionEnded(self.socket.close_code)
        return cast(dict[str, Any], orjson.loads(message.data))


class GatewayClient:
    """Talks to the gateway at `url` (no trailing slash)."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Send a request; `path` starts with a slash or is a whole address of this gateway. No redirect is followed."""
        sent = dict(headers or {})
        credentials = authorization(token)
        if credentials is not None:
            sent["Authorization"] = credentials
        address = path if path.startswith("http") else self.url + path
        async with self.session.request(method, address, headers=sent, allow_redirects=False, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one operation and give the whole answer, whatever it says."""
        body: dict[str, Any] = {"query": query}
        if variables is not None:
            body["variables"] = variables
        if operation_name is not None:
            body["operationName"] = operation_name
        return await self.request("POST", "/graphql", token=token, headers=headers, json=body)

    async def data(self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None) -> Any:
        """Send one operation that must not fail; give its data."""
        return (await self.graphql(query, variables, token=token)).data

    async def mutate(
        self, name: str, input: Mapping[str, Any], *, select: str = "", token: str | None = None
    ) -> dict[str, Any]:
        """Call the mutation `name` with its one input; give its payload with `select` and `userErrors`."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation Change($input: {kind}!) {{ {name}(input: $input) {{ {select} {USER_ERRORS} }} }}"
        data = await self.data(document, {"input": input}, token=token)
        return cast(dict[str, Any], data[name])

    async def change(self, name: str, input: Mapping[str, Any], *, select: str, token: str | None = None) -> Any:
        """Call a mutation that must succeed; give its payload without `userErrors`."""
        payload = await self.mutate(name, input, select=select, token=token)
        assert payload.pop("userErrors") == []
        return payload

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Sign a user in who must be able to."""
        payload = (await self.data(LOGIN, {"input": {"email": email, "password": password}}))["login"]
        assert payload["userErrors"] == []
        session = payload["session"]
        return SignedIn(session["accessToken"], session["refreshToken"], session["expiresAt"])

    @asynccontextmanager
    async def socket(self, token: str | None = None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An initialised WebSocket: the server has acknowledged the connection."""
        credentials = authorization(token)
        payload = {} if credentials is None else {"authorization": credentials}
        async with self.session.ws_connect(f"{self.url}/graphql", protocols=(SUBPROTOCOL,)) as socket:
            await socket.send_json({"type": "connection_init", "payload": payload})
            answer = await socket.receive(SECONDS_FOR_AN_EVENT)
            if answer.type is not aiohttp.WSMsgType.TEXT:
                raise SubscriptionEnded(socket.close_code)
            assert orjson.loads(answer.data)["type"] == "connection_ack"
            yield socket

    @asynccontextmanager
    async def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
    ) -> AsyncIterator[Subscription]:
        """A subscription that the server has read when the block starts; it may still be on its way to listening."""
        async with self.socket(token) as socket:
            payload = {"query": query, "variables": dict(variables or {})}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            subscription = Subscription(socket)
            await subscription.settle()
            yield subscription
