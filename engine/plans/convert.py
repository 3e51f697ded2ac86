"""Arguments as declarations take them: by their Python names, as the classes of Strawberry's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import strawberry
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField


class Converter:
    """Converts the coerced arguments of one field."""

    __slots__ = ("_field", "_schema")

    def __init__(self, field: StrawberryField, schema: strawberry.Schema) -> None:
        """`field` declares the arguments."""
        self._field = field
        self._schema = schema

    def convert(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by their Python names; those that are left out are absent."""
        converter = self._schema.schema_converter
        return convert_arguments(dict(values), self._field.arguments, converter.scalar_registry, self._schema.config)

    @staticmethod
    def key(values: Any) -> bytes:
        """What tells these values from others."""
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
