"""Input objects that come often: made from a coerced value by a function, and not field by field by Strawberry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

Read = Callable[[type[Any], Mapping[str, Any]], Any]
"""Makes an input object of a class: of its values by their names in the schema, coerced and with their defaults."""


def read_by(kind: type[Any], read: Read) -> None:
    """Have `read` make the input objects of a class.

    It gives what Strawberry would: fields that are left out keep their defaults, scalars pass as they are.
    """

    def from_input(made: type[Any], value: Mapping[str, Any], _: InputContext) -> Any:
        return read(made, value)

    get_object_definition(kind, strict=True).from_input = from_input
