"""Answers in the shape of GraphQL errors, for everything that goes wrong before there is an operation."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from engine.errors import Code

JSON: Final = "application/json"

CODES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: Code.FORBIDDEN,
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.LIMIT_EXCEEDED,
    HTTPStatus.TOO_MANY_REQUESTS: Code.LIMIT_EXCEEDED,
    HTTPStatus.SERVICE_UNAVAILABLE: Code.LIMIT_EXCEEDED,
}
"""The code of an error that only has an HTTP status."""

STATUSES: Final[Mapping[str, int]] = {
    "INVALID_INPUT": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "FORBIDDEN": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "CONFLICT": HTTPStatus.CONFLICT,
    "WRONG_STATE": HTTPStatus.CONFLICT,
    "LIMIT_REACHED": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "LIMIT_EXCEEDED": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The HTTP status of an error that only has a code, raised by an endpoint other than GraphQL; 400 for the rest."""


def code_for(status: int) -> str:
    """Return the code of an error that only has an HTTP status."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CODES.get(status, Code.INTERNAL)
    return CODES.get(status, Code.BAD_REQUEST)


class HttpError(Exception):
    """A request that is answered with a status and one error. `close` ends the connection with the answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        """`code` defaults to the one that goes with the status."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or code_for(status)
        self.headers = headers or {}
        self.close = close

    def response(self) -> web.Response:
        """Return the answer."""
        response = error_response(self.status, self.message, self.code, self.headers)
        if self.close:
            response.force_close()
        return response


def bad_request(message: str) -> HttpError:
    """Return the error for a request that is not well formed."""
    return HttpError(HTTPStatus.BAD_REQUEST, message)


def error_response(
    status: int, message: str, code: str, headers: Mapping[str, str] | None = None, **extensions: str
) -> web.Response:
    """Return one GraphQL error as an HTTP answer."""
    payload = {"errors": [{"message": message, "extensions": {"code": code, **extensions}}]}
    return json_response(payload, status=status, headers=headers)


def json_response(
    payload: Mapping[str, Any], *, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Encode `payload`. Raises TypeError for a value that JSON cannot hold."""
    return encoded_response(orjson.dumps(payload), status=status, media_type=media_type, headers=headers)


def encoded_response(
    body: bytes, *, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return what has been encoded as JSON already."""
    return web.Response(
        body=body,
        status=status,
        headers={"Content-Type": f"{media_type}; charset=utf-8", "Cache-Control": "no-store", **(headers or {})},
    )
