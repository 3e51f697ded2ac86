"""Enums of the graph: plain Python enums, made GraphQL enums with a description for each value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

E = TypeVar("E", bound=type[Enum])


def described(kind: E, description: str, values: Mapping[str, str]) -> E:
    """Make a GraphQL enum of `kind`; every value must be described, and nothing else."""
    made = strawberry.enum(kind, description=description)
    definition = made.__strawberry_definition__  # type: ignore[attr-defined]
    if {value.name for value in definition.values} != set(values):
        raise ValueError(f"the descriptions of {kind.__name__} do not fit its values")
    for value in definition.values:
        value.description = values[value.name]
    return made
