"""Lists of texts that a column holds as JSON, taken apart by the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class text_items(FunctionElement[str]):  # noqa: N801 - reads as the function of SQL that it is
    """The texts of a JSON list, as rows with one column, `value`."""

    inherit_cache = True
    name = "text_items"


def items_of(texts: ColumnElement[Any]) -> Any:
    """The items of a JSON list of texts, to select from; their column is `value`."""
    return text_items(texts).table_valued(column("value", Text()), name="items")


@compiles(text_items, "postgresql")
def _text_items_postgresql(element: text_items, compiler: Any, **options: Any) -> str:
    return f"jsonb_array_elements_text({compiler.process(element.clauses, **options)})"


@compiles(text_items, "sqlite")
def _text_items_sqlite(element: text_items, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"
