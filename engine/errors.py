"""What a caller may read of an error, and what stays in the log.

Three sorts of errors reach an answer:

- a `ClientError`, or any exception that carries a `code` in capitals and a `message` (as the tree of `services.errors`
  does): written for the caller, shown as it is;
- what graphql-core finds in the caller's own input (documents, variables, arguments): shown under a code of ours;
- everything else is a fault of this side: the caller reads the request id and nothing more, the log gets the traceback.
"""

import re
from collections.abc import Iterable
from enum import Enum, StrEnum
from typing import Final

import structlog
from graphql import GraphQLError, GraphQLFormattedError, ValueNode

MESSAGE_CHARACTERS: Final = 1_000
"""Longer messages are cut: graphql-core quotes the caller's input, and an answer need not repeat it at length."""

LOGGED_FAULTS: Final = 5
"""Tracebacks logged per operation; the rest are counted (a broken field of a list fails on every row)."""

_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,39}\Z")

_log = structlog.get_logger("fleetgraph.graphql")


class Code(StrEnum):
    """The `extensions.code` values that the endpoint and the engine give by themselves."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    DOCUMENT_NOT_REGISTERED = "DOCUMENT_NOT_REGISTERED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    RESUME_REQUIRED = "RESUME_REQUIRED"
    INTERNAL = "INTERNAL"


class ClientError(Exception):
    """A mistake of the caller's, told to the caller: `code` for programs, `message` for people."""

    code: str = Code.BAD_REQUEST

    def __init__(self, message: str, code: str | None = None) -> None:
        """Refuse with a message that holds nothing internal; `code` defaults to that of the class."""
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class BadUserInput(ClientError):
    """A variable, an argument or a cursor has a value that it cannot have."""

    code = Code.BAD_USER_INPUT


class LimitExceeded(ClientError):
    """The document, its values or its running time go past a limit that the gateway sets."""

    code = Code.LIMIT_EXCEEDED


class StepAside(Exception):
    """The plan executor leaves an operation to the reference executor; `reason` is one of few, for the metrics."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(reason)
        self.reason = reason


class RequestError(Exception):
    """A request that was refused before anything ran: the answer has `errors` and no `data`.

    `errors` are formatted; `code` is that of the first of them.
    """

    def __init__(self, errors: list[GraphQLFormattedError]) -> None:
        """Keep the formatted errors, at least one."""
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.code: str = errors[0].get("extensions", {}).get("code", Code.BAD_REQUEST)


def request_error(message: str, code: str) -> RequestError:
    """Make a `RequestError` of one error without a place in the document."""
    return RequestError([{"message": message, "extensions": {"code": code}}])


def code_of(error: BaseException) -> str | None:
    """Return the code of an exception that was written for the caller; None for any other.

    Libraries have `code` attributes of their own (SQLAlchemy's are four small letters, HTTP clients' are numbers), so a
    code counts only when it is in capitals and a `message` stands beside it.
    """
    code = getattr(error, "code", None)
    if isinstance(code, str) and _CODE.match(code) and isinstance(getattr(error, "message", None), str):
        return code.value if isinstance(code, Enum) else code
    return None


def cut(message: str) -> str:
    """Shorten a message to `MESSAGE_CHARACTERS`."""
    return message if len(message) <= MESSAGE_CHARACTERS else message[: MESSAGE_CHARACTERS - 1] + "…"


def fault(request_id: str) -> GraphQLFormattedError:
    """Return the error that stands for a fault of this side: the request id and nothing else."""
    return {
        "message": f"Internal error. Quote request {request_id} when you report it.",
        "extensions": {"code": Code.INTERNAL, "requestId": request_id},
    }


def input_error(error: GraphQLError, code: str) -> GraphQLFormattedError:
    """Format an error that graphql-core found in the caller's document or variables."""
    formatted: GraphQLFormattedError = {"message": cut(error.message), "extensions": {"code": code}}
    if error.locations:
        formatted["locations"] = [location.formatted for location in error.locations]
    return formatted


def format_errors(errors: Iterable[GraphQLError], request_id: str) -> list[GraphQLFormattedError]:
    """Format the errors of an execution, and log the faults among them with their tracebacks."""
    formatted = []
    faults = 0
    for error in errors:
        shown = _shown(error)
        if shown is None:
            faults += 1
            if faults <= LOGGED_FAULTS:
                _log_fault(error, request_id)
            shown = fault(request_id)
        if error.locations:
            shown["locations"] = [location.formatted for location in error.locations]
        if error.path is not None:
            shown["path"] = error.path
        formatted.append(shown)
    if faults > LOGGED_FAULTS:
        _log.error("graphql.more_faults", request_id=request_id, unlogged=faults - LOGGED_FAULTS)
    return formatted


def format_exception(error: BaseException, request_id: str) -> GraphQLFormattedError:
    """Format an exception that ended an operation outside any field, and log it when it is a fault."""
    code = code_of(error)
    if code is not None:
        return {"message": cut(str(getattr(error, "message", ""))), "extensions": {"code": code}}
    _log.error("graphql.fault", request_id=request_id, exc_info=error)
    return fault(request_id)


def _shown(error: GraphQLError) -> GraphQLFormattedError | None:
    """Return what the caller may read of a field error; None when it is a fault of this side."""
    cause = _cause(error)
    code = code_of(cause)
    if code is not None:
        details = getattr(cause, "extensions", None)
        extensions = {**details, "code": code} if isinstance(details, dict) else {"code": code}
        return {"message": cut(str(getattr(cause, "message", ""))), "extensions": extensions}
    if error.nodes and isinstance(error.nodes[0], ValueNode):
        # graphql-core blames the value itself only while it coerces arguments: the one mistake of the caller's that
        # validation cannot see (a variable that is null at run time in a place that takes no null). Its other
        # errors, on results that do not fit their type, blame fields and are faults.
        return {"message": cut(error.message), "extensions": {"code": Code.BAD_USER_INPUT}}
    if isinstance(cause, GraphQLError) and isinstance((cause.extensions or {}).get("code"), str):
        # A resolver that raises a GraphQLError with a code has written it for the caller.
        return {"message": cut(cause.message), "extensions": dict(cause.extensions or {})}
    return None


def _cause(error: GraphQLError) -> Exception:
    """Unwrap what graphql-core wrapped, down to the exception that was raised."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _log_fault(error: GraphQLError, request_id: str) -> None:
    """Log one fault with its traceback and its place in the answer; variables are not logged."""
    _log.error("graphql.fault", request_id=request_id, path=error.path, exc_info=_cause(error))
