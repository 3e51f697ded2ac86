"""Answers as the parts of one HTTP answer: multipart subscriptions, as Apollo's clients ask for them, and Relay's do.

Protocol: https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol. What an
operation gives is in the `payload` of a part; errors beside a payload of null mean that the stream itself has ended.

Clients know little of multipart. The boundary has this name; parts have one header, in this spelling (Apollo's for iOS
look for just that); and each is sent with the boundary behind it, because a part without one has not ended. The reader
of aiohttp, which gql has, does not see that end before something else has come, which may take long: so it is told the
length of each part.
"""

from typing import Any, Final

import orjson
from graphql import GraphQLFormattedError

from endpoints.negotiation import MULTIPART, SUBSCRIPTION_SPEC
from engine.errors import Code
from engine.execution import Answer

_BOUNDARY: Final = b"--graphql"
_END: Final = b"--"


def needs_lengths(user_agent: str) -> bool:
    """Whether a client reads parts by their length: those that are built on aiohttp."""
    return "aiohttp/" in user_agent


class MultipartStream:
    """A stream of parts; `with_lengths` they say how long they are."""

    content_type = f"{MULTIPART};boundary=graphql;subscriptionSpec={SUBSCRIPTION_SPEC}"
    complete = _END

    def __init__(self, *, with_lengths: bool = False) -> None:
        """Write for readers that look for boundaries, unless told otherwise."""
        self._with_lengths = with_lengths
        self.beat = self._part(b"{}")
        self.opening = _BOUNDARY + self.beat

    def _part(self, body: bytes) -> bytes:
        """Return what follows a boundary: a part, and the next boundary."""
        length = b"content-length: %d\r\n" % len(body) if self._with_lengths else b""
        return b"\r\n%bcontent-type: application/json\r\n\r\n%b\r\n%b" % (length, body, _BOUNDARY)

    def result(self, answer: Answer) -> bytes:
        """Return a part with one answer. Raises TypeError for a value that JSON cannot hold."""
        payload = answer.encoded if answer.encoded is not None else orjson.dumps(answer.payload)
        return self._part(b'{"payload":%b}' % payload)

    def refused(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of an operation that failed as a whole: its errors as its last answer."""
        return self._part(orjson.dumps({"payload": {"errors": errors}})) + _END

    def broken(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of a stream that cannot go on."""
        return self._part(orjson.dumps({"payload": None, "errors": errors})) + _END

    def stopped(self, cursor: str | None) -> bytes:
        """Return the end of a stream whose gateway stops; its client goes on elsewhere, behind `cursor`."""
        extensions: dict[str, Any] = {"code": Code.RESUME_REQUIRED, "cursor": cursor}
        return self.broken([{"message": "The gateway stops. Subscribe again.", "extensions": extensions}])
