"""From GraphQL arguments to what services take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from engine.ids import key_of
from services.errors import InvalidInput


def key(prefix: str, value: str, path: Sequence[str | int]) -> UUID:
    """The key in a global id of an input; raises InvalidInput for ids of another type and for what is none."""
    found = key_of(prefix, value)
    if found is None:
        raise InvalidInput(f"this is not an id that starts with {prefix}_", path)
    return found


def optional_key(prefix: str, value: str | None, path: Sequence[str | int]) -> UUID | None:
    """Like `key`, for an id that may be null or absent."""
    return None if value is None or value is strawberry.UNSET else key(prefix, value, path)


def named_or_null(prefix: str, value: str | None, path: Sequence[str | int]) -> UUID | None:
    """Like `key`, for an id that may be null but not absent: raises InvalidInput, lest a slip means null."""
    if value is strawberry.UNSET:
        raise InvalidInput("give an id, or null for none", path)
    return None if value is None else key(prefix, value, path)


def keys(prefix: str, values: Sequence[str], path: Sequence[str | int]) -> list[UUID]:
    """Like `key`, for a list of ids."""
    return [key(prefix, value, (*path, index)) for index, value in enumerate(values)]


def given(value: Any) -> Any:
    """The value of an optional input field: None when it was left out."""
    return None if value is strawberry.UNSET else value


def object_or_empty(value: Any) -> Any:
    """An empty object for one that was left out or null; whatever else it is, the service judges."""
    return {} if given(value) is None else value


def changes(patch: Any, *names: str) -> dict[str, Any]:
    """The fields of an input object that the caller sent, by their Python names; null is a change, absent is none."""
    fields = {each.name: getattr(patch, each.name) for each in dataclasses.fields(patch)}
    return {name: fields[name] for name in names if fields[name] is not strawberry.UNSET}
