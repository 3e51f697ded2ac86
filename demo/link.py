"""A small HTTP client for things: shows a key, tells apart what can go wrong, and never hammers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson
import structlog

SECONDS_TO_ANSWER: Final = 10.0
REQUESTS_AT_ONCE: Final = 8
DOWNLOADS_AT_ONCE: Final = 4
MAX_ANSWER_BYTES: Final = 1_048_576
_REFUSED: Final = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})
_REFUSALS: Final = frozenset({401, 403})
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})

_log = structlog.get_logger("demo.simulator")


class Away(Exception):
    """The gateway did not answer, or not with an answer that can be read."""


class Refused(Exception):
    """The gateway does not know the thing's key (any more)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the payload of the one root field, and the codes of errors, on top or in the payload."""

    payload: Mapping[str, Any] | None
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class Link:
    """The way to one gateway, shared by all things: at most eight requests and four downloads are under way.

    `url` is where the gateway is, without a slash at its end.
    """

    session: aiohttp.ClientSession
    url: str
    is_away: bool = False
    requests: int = 0
    failures: int = 0
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOWNLOADS_AT_ONCE))
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))

    async def ask(self, key: str, document: str, variables: Mapping[str, Any]) -> Answer:
        """Run an operation with one root field as the thing that holds `key`; raises Away and Refused."""
        content = {"query": document, "variables": variables}
        status, text = await self._request("POST", "/graphql", key, content)
        try:
            body = _graphql(status, text)
        except Away as error:
            self._miss(error)
            raise
        self._greet()
        return _read(body)

    async def send(self, method: str, path: str, key: str, content: Any) -> tuple[int, Any]:
        """Send JSON to a path as the thing that holds `key`; the status, and the JSON of an answer that has some.

        Raises Refused for 401 and 403, and Away when the gateway cannot answer now.
        """
        status, text = await self._request(method, path, key, content)
        if status in _REFUSALS:
            raise Refused(str(status))
        if status in _BUSY:
            error = Away(f"an answer of status {status}")
            self._miss(error)
            raise error
        self._greet()
        try:
            return status, orjson.loads(text) if text else None
        except ValueError as error:
            raise Away(f"an answer of status {status} that is not JSON") from error

    async def _request(self, method: str, path: str, key: str, content: Any) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Thing {key}",
            "Accept": "application/graphql-response+json, application/json",
            "Content-Type": "application/json",
        }
        async with self._turn:
            self.requests += 1
            try:
                async with self.session.request(
                    method, f"{self.url}{path}", data=orjson.dumps(content), headers=headers
                ) as response:
                    return response.status, await response.content.read(MAX_ANSWER_BYTES)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._miss(error)
                raise Away(str(error)) from error

    def _miss(self, error: Exception) -> None:
        self.failures += 1
        if not self.is_away:
            self.is_away = True
            _log.warning("gateway_away", url=self.url, error=repr(error))

    def _greet(self) -> None:
        if self.is_away:
            self.is_away = False
            _log.info("gateway_back", url=self.url)


def open_session() -> aiohttp.ClientSession:
    """A session that waits ten seconds at most for anything."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=REQUESTS_AT_ONCE + DOWNLOADS_AT_ONCE),
        timeout=aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _graphql(status: int, text: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(text)
    except ValueError as error:
        raise Away(f"an answer of status {status} that is not JSON") from error
    if not isinstance(body, dict) or not body.keys() & {"data", "errors"}:
        raise Away(f"an answer of status {status} that is not GraphQL")
    return body


def _read(body: Mapping[str, Any]) -> Answer:
    """Find the root field's payload and all codes; raises Refused when the key was."""
    errors = [error for error in body.get("errors") or () if isinstance(error, dict)]
    codes = [str((error.get("extensions") or {}).get("code", "UNKNOWN")) for error in errors]
    if _REFUSED & set(codes):
        raise Refused(codes[0])
    data = body.get("data")
    payload = next(iter(data.values()), None) if isinstance(data, dict) else None
    if not isinstance(payload, dict):
        return Answer(None, tuple(codes))
    codes += [str(error["code"]) for error in payload.get("userErrors") or ()]
    return Answer(payload, tuple(codes))
