"""The one tree of errors that services raise; each carries the `ErrorCode` that GraphQL shows.

FleetError
|- InvalidInput      the caller can correct the input
|- NotFound          it does not exist, or the caller may not know that it does
|- Forbidden         the caller sees it but may not do this
|- Conflict          it clashes with what is there (a taken name, a newer version)
|- LimitReached      a bound of the organization or of the gateway
|- WrongState        not in this state of the object
|- Unauthenticated   nobody, or nobody any more, is signed in
|  '- TokenExpired   the token was good until its time was over
'- CursorExpired     the event log no longer reaches back to the cursor
"""

from __future__ import annotations

from collections.abc import Sequence

from models.enums import ErrorCode


class FleetError(Exception):
    """What a caller is told: a code, a sentence, and the path of the input field that it is about."""

    code: ErrorCode

    def __init__(self, message: str, path: Sequence[str | int] = ()) -> None:
        """`path` leads from the argument `input` to the field, indexes as numbers."""
        super().__init__(message)
        self.message = message
        self.path = tuple(str(step) for step in path)


class InvalidInput(FleetError):
    """A value that breaks a rule which the caller can see."""

    code = ErrorCode.INVALID_INPUT


class NotFound(FleetError):
    """It does not exist for this caller."""

    code = ErrorCode.NOT_FOUND


class Forbidden(FleetError):
    """The caller may see it, but not do this to it."""

    code = ErrorCode.FORBIDDEN


class Conflict(FleetError):
    """It clashes with what is stored."""

    code = ErrorCode.CONFLICT


class LimitReached(FleetError):
    """A bound is reached."""

    code = ErrorCode.LIMIT_REACHED


class WrongState(FleetError):
    """The object's present status does not allow it."""

    code = ErrorCode.WRONG_STATE


class Unauthenticated(FleetError):
    """No valid credentials."""

    code = ErrorCode.UNAUTHENTICATED


class TokenExpired(Unauthenticated):
    """Credentials whose time is over; new ones may be asked for."""


class CursorExpired(FleetError):
    """Events between the cursor and now are no longer kept."""

    code = ErrorCode.CURSOR_EXPIRED
