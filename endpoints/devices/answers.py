"""Answers in the shape of the device protocol: `{"error": ..., "request_id": ...}` for all that goes wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from endpoints.answers import STATUSES, HttpError
from engine.errors import cut
from services.errors import FleetError

_JSON: Final = "application/json"
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


def refusal(error: HttpError | FleetError, request_id: str) -> web.Response:
    """Tell what went wrong; the connection ends with the answer where the rest of a body is not worth reading."""
    if isinstance(error, FleetError):
        status = STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
        place = f" ({'.'.join(error.path)})" if error.path else ""
        headers = _CHALLENGE if status == HTTPStatus.UNAUTHORIZED else None
        return _written({"error": cut(error.message + place), "request_id": request_id}, status, headers)
    response = _written({"error": error.message, "request_id": request_id}, error.status, error.headers)
    if error.close:
        response.force_close()
    return response


def accepted() -> web.Response:
    """Say that it was taken, and nothing else."""
    return web.Response(status=HTTPStatus.NO_CONTENT)


def instructions(content: dict[str, Any]) -> web.Response:
    """Hand over what to install."""
    return _written(content, HTTPStatus.OK, None)


def _written(content: dict[str, Any], status: int, headers: Any) -> web.Response:
    return web.Response(
        body=orjson.dumps(content),
        status=status,
        content_type=_JSON,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
