"""What every mutation answers with: what changed, and what the caller can correct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import strawberry

from engine.fields import value
from engine.records import Record
from schema.enums import ErrorCode


@strawberry.type(description="Something that the caller can correct.")
class UserError:
    """One error of a mutation."""

    code: ErrorCode = strawberry.field(description="What kind of error it is, for programs.")
    message: str = strawberry.field(description="What is wrong, for people.")
    path: list[str] | None = strawberry.field(description="Leads from `input` to the value that it is about.")


class Failure(Protocol):
    """What an error of a service says."""

    code: ErrorCode
    message: str
    path: tuple[str, ...]


class _Values(dict[str, Any]):
    """The values of a payload; what a failed mutation did not produce is null."""

    def __missing__(self, key: str) -> None:
        return None


class Payload(Record):
    """The base of payloads. `of` makes one of a success, `failed` one of errors; nothing was changed then."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A payload with these values, by the names that its declarations read."""
        return cls.over(_Values(user_errors=[], **values))

    @classmethod
    def failed(cls, failures: Sequence[Failure], **values: Any) -> Self:
        """A payload with errors, and usually nothing else."""
        errors = [UserError(code=each.code, message=each.message, path=list(each.path) or None) for each in failures]
        return cls.over(_Values(user_errors=errors, **values))


def user_errors() -> Any:
    """The field that every payload has."""
    return value("user_errors", "What the caller can correct; when there is any, nothing was changed.")
