"""Answers as server-sent events: the protocol `graphql-sse`, in its mode of distinct connections.

Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Each answer is an event `next`, the end of
an operation is an event `complete`. The id of an event is its cursor, which a client sends back as `Last-Event-ID`.
"""

from typing import Any, Final

import orjson
from aiohttp import web
from graphql import GraphQLFormattedError

from endpoints.negotiation import EVENT_STREAM
from engine.execution import Answer

CONTENT_TYPE: Final = f"{EVENT_STREAM}; charset=utf-8"
HEADERS: Final = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Proxies would wait for the end of a stream before they pass anything on; the last one tells nginx not to."""
_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"
"""Without a line of data, browsers do not see an event."""


class EventStream:
    """A stream of server-sent events."""

    content_type = CONTENT_TYPE
    opening = _COMMENT
    beat = _COMMENT
    complete = _COMPLETE

    def result(self, answer: Answer) -> bytes:
        """Return `next` with one answer. Raises TypeError for a value that JSON cannot hold."""
        payload = answer.encoded if answer.encoded is not None else orjson.dumps(answer.payload)
        place = b"" if answer.cursor is None else b"id: %b\n" % answer.cursor.encode()
        return b"event: next\n%bdata: %b\n\n" % (place, payload)

    def refused(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of an operation that failed as a whole: `next` with its errors, and `complete`."""
        return b"event: next\ndata: %b\n\n%b" % (orjson.dumps({"errors": errors}), _COMPLETE)

    def broken(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Return the end of a stream that cannot go on: told as the failure of its operation."""
        return self.refused(errors)

    def stopped(self, cursor: str | None) -> bytes:
        """Return nothing: clients connect again after a stream that ends without `complete`, with the id they have."""
        del cursor
        return b""


def response(answer: Answer) -> web.Response:
    """Return the one answer of a query or a mutation, or that to an operation that was refused.

    Raises TypeError for a value that JSON cannot hold.
    """
    events = EventStream()
    body = events.result(answer) + _COMPLETE if answer.executed else events.refused(answer.errors)
    headers: dict[str, Any] = HEADERS
    return web.Response(body=body, headers=headers)
