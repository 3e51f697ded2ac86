"""The messages of graphql-transport-ws: what clients send, read strictly, and what the server sends, as bytes.

Protocol: https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeAlias

import orjson
from graphql import GraphQLFormattedError

from endpoints.answers import HttpError
from endpoints.parameters import Parameters, from_json
from engine.execution import Answer

SUBPROTOCOL: Final = "graphql-transport-ws"
_ID_CHARACTERS: Final = 256
_SHORT: Final = 126
_MEDIUM: Final = 65_536


class CloseCode(IntEnum):
    """Why a socket is closed: the codes of the protocol, and those of RFC 6455 where the protocol has none."""

    GOING_AWAY = 1001
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429
    INTERNAL = 4500


class SocketError(Exception):
    """The socket has to be closed with a code and a reason (cut to the 123 bytes that a close frame holds)."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        """Close with `code`, because of `reason`."""
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode("utf-8", "replace")[:120].decode("utf-8", "ignore").encode()


@dataclass(frozen=True, slots=True)
class Initialise:
    """`connection_init`: who is calling."""

    authorization: str | None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`subscribe`: an operation of any kind, under an id of the client's."""

    id: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete`: the client wants no more of an operation."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`: wants a pong. With an authorization in its payload, the socket goes on under that one."""

    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`: wants nothing."""


Message: TypeAlias = Initialise | Subscribe | Complete | Ping | Pong


def read(frame: bytes) -> Message:
    """Read a message of a client. Raises SocketError (4400) for anything that the protocol does not know."""
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        raise SocketError(CloseCode.BAD_REQUEST, "The message is not valid JSON") from None
    if not isinstance(message, dict):
        raise SocketError(CloseCode.BAD_REQUEST, "The message is not an object")
    match message.get("type"):
        case "connection_init":
            return Initialise(_authorization(_payload(message)))
        case "subscribe":
            return Subscribe(_id(message), _parameters(message))
        case "complete":
            return Complete(_id(message))
        case "ping":
            return Ping(_authorization(_payload(message)))
        case "pong":
            _payload(message)
            return Pong()
        case _:
            raise SocketError(CloseCode.BAD_REQUEST, "The message has no known type")


def acknowledgement() -> bytes:
    """Return `connection_ack`."""
    return b'{"type":"connection_ack"}'


def pong() -> bytes:
    """Return `pong`."""
    return b'{"type":"pong"}'


def next_result(operation_id: str, answer: Answer) -> bytes:
    """Return `next` with one answer. Raises TypeError for a value that JSON cannot hold."""
    payload = answer.payload if answer.encoded is None else orjson.Fragment(answer.encoded)
    return orjson.dumps({"id": operation_id, "type": "next", "payload": payload})


def next_prefix(operation_id: str) -> bytes:
    """Return what stands before the answer in `next`; a closing brace stands behind it."""
    return b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)


def frame_head(size: int) -> bytes:
    """Return what stands before a text of so many bytes in a WebSocket frame (RFC 6455, 5.2: final, not masked)."""
    if size < _SHORT:
        return b"\x81%c" % size
    if size < _MEDIUM:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


def error(operation_id: str, errors: list[GraphQLFormattedError]) -> bytes:
    """Return `error`, which also ends the operation."""
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors})


def complete(operation_id: str) -> bytes:
    """Return `complete`."""
    return orjson.dumps({"id": operation_id, "type": "complete"})


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a message that need not have one."""
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise SocketError(CloseCode.BAD_REQUEST, "The payload is not an object")
    return payload or {}


def _authorization(payload: dict[str, Any]) -> str | None:
    """Return what would be the Authorization header; either spelling."""
    value = payload.get("authorization", payload.get("Authorization"))
    if value is not None and not isinstance(value, str):
        raise SocketError(CloseCode.BAD_REQUEST, "The authorization is not a string")
    return value


def _id(message: dict[str, Any]) -> str:
    """Return the id of an operation."""
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= _ID_CHARACTERS:
        raise SocketError(CloseCode.BAD_REQUEST, f"The message needs an id of 1 to {_ID_CHARACTERS} characters")
    return operation_id


def _parameters(message: dict[str, Any]) -> Parameters:
    """Return the operation to run."""
    try:
        return from_json(message.get("payload"))
    except HttpError as failure:
        raise SocketError(CloseCode.BAD_REQUEST, failure.message) from None
