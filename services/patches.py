"""Values of inputs held against the rules of their fields.

Updates are patches: an absent field stays, null clears (graph.md, "Conventions").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from models.columns import Versioned
from services.errors import InvalidInput
from services.validation import Path, check_name, check_object, check_text

REFUSED: Final = object()
"""The `empty` of a field that cannot be cleared."""


@dataclass(frozen=True, slots=True)
class Patched:
    """How one field is changed: its column, its rule, and what null makes of it."""

    attribute: str
    check: Callable[[Any, Path], Any]
    empty: Any = REFUSED


Fields = Mapping[str, Patched]
NAME: Final = Patched("name", check_name)
DESCRIPTION: Final = Patched("description", check_text, empty="")
METADATA: Final = Patched("meta", check_object, empty={})


def checked(values: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The columns that the values go into, by name; keys are the snake_case names of the input's fields.

    Raises InvalidInput with the path of the field that breaks its rule.
    """
    columns: dict[str, Any] = {}
    for name, value in values.items():
        field, path = fields[name], (camel_case(name),)
        if value is None and field.empty is REFUSED:
            raise InvalidInput("this cannot be empty", path)
        columns[field.attribute] = copy(field.empty) if value is None else field.check(value, path)
    return columns


def apply_changes(row: Versioned, changes: Mapping[str, Any], fields: Fields, moment: datetime) -> bool:
    """Write the changed fields into a versioned row; says whether there were any.

    Raises InvalidInput as `checked` does; a row without changes keeps its version.
    """
    for attribute, value in checked(changes, fields).items():
        setattr(row, attribute, value)
    if not changes:
        return False
    row.version += 1
    row.updated_at = moment
    return True


def camel_case(name: str) -> str:
    """The name of an input's field as GraphQL shows it: `thing_limit` is `thingLimit`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
