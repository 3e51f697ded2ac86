"""A small GraphQL client for things: signs in with a key, tells apart what can go wrong, and never hammers."""

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
MAX_ANSWER_BYTES: Final = 1_048_576
_REFUSED: Final = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})

_log = structlog.get_logger("demo.simulator")


class Away(Exception):
    """The gateway did not answer, or not with a GraphQL answer."""


class Refused(Exception):
    """The gateway does not know the thing's key (any more)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the payload of the one root field, and the codes of errors, on top or in the payload."""

    payload: Mapping[str, Any] | None
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class Link:
    """The way to one gateway, shared by all things; at most eight requests are under way."""

    session: aiohttp.ClientSession
    url: str
    is_away: bool = False
    requests: int = 0
    failures: int = 0
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))

    async def ask(self, key: str, document: str, variables: Mapping[str, Any]) -> Answer:
        """Run an operation with one root field as the thing that holds `key`; raises Away and Refused."""
        async with self._turn:
            self.requests += 1
            try:
                body = await self._post(key, {"query": document, "variables": variables})
            except (aiohttp.ClientError, TimeoutError, OSError, Away) as error:
                self.failures += 1
                if not self.is_away:
                    self.is_away = True
                    _log.warning("gateway_away", url=self.url, error=repr(error))
                raise Away(str(error)) from error
        if self.is_away:
            self.is_away = False
            _log.info("gateway_back", url=self.url)
        return _read(body)

    async def _post(self, key: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {
            "Authorization": f"Thing {key}",
            "Accept": "application/graphql-response+json",
            "Content-Type": "application/json",
        }
        async with self.session.post(self.url, data=orjson.dumps(content), headers=headers) as response:
            text = await response.content.read(MAX_ANSWER_BYTES)
            status = response.status
        try:
            body = orjson.loads(text)
        except ValueError as error:
            raise Away(f"an answer of status {status} that is not JSON") from error
        if not isinstance(body, dict) or not body.keys() & {"data", "errors"}:
            raise Away(f"an answer of status {status} that is not GraphQL")
        return body


def open_session() -> aiohttp.ClientSession:
    """A session that waits ten seconds at most for anything."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=REQUESTS_AT_ONCE),
        timeout=aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


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
