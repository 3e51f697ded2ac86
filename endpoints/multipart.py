"""Answers as the parts of one HTTP answer: multipart subscriptions, as Apollo's clients ask for them, and Relay's do.

Protocol: https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol. What an
operation gives is in the `payload` of a part; errors beside a payload of null mean that the stream itself has ended.

Clients know little of multipart: the boundary has this name, parts have this one header and in this spelling, and
each is sent with the boundary behind it, because a part without one has not ended.
"""

from typing import Any, Final

import orjson
from graphql import GraphQLFormattedError

from endpoints.negotiation import MULTIPART, SUBSCRIPTION_SPEC
from engine.errors import Code
from engine.execution import Answer

_BOUNDARY: Final = b"--graphql"
_END: Final = b"--"


def _part(body: bytes) -> bytes:
    """Return what follows a boundary: a part, and the next boundary."""
    return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n%b" % (body, _BOUNDARY)


class MultipartStream:
    """A stream of parts."""

    content_type = f"{MULTIPART};boundary=graphql;subscriptionSpec={SUBSCRIPTION_SPEC}"
    opening = _BOUNDARY + _part(b"{}")
    beat = _part(b"{}")
    complete = _END
    settles = True
    """The reader of aiohttp, which gql has, gives a part out only when something has come behind it."""

    def result(self, answer: Answer) -> bytes:
        """Return a part with one answer. Raises TypeError for a value that JSON cannot hold."""
        payload = answer.encoded if answer.encoded is not None else orjson.dumps(answer.payload)
        return _part(b'{"payload":%b}' % payload)

    def refused(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of an operation that failed as a whole: its errors as its last answer."""
        return _part(orjson.dumps({"payload": {"errors": errors}})) + _END

    def broken(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of a stream that cannot go on."""
        return _part(orjson.dumps({"payload": None, "errors": errors})) + _END

    def stopped(self, cursor: str | None) -> bytes:
        """Return the end of a stream whose gateway stops; its client goes on elsewhere, behind `cursor`."""
        extensions: dict[str, Any] = {"code": Code.RESUME_REQUIRED, "cursor": cursor}
        return self.broken([{"message": "The gateway stops. Subscribe again.", "extensions": extensions}])
