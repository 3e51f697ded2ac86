"""A join whose order the database must keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.selectable import Join


class OrderedJoin(Join):
    """An inner join that SQLite runs from left to right (it never reorders CROSS JOIN); elsewhere a plain join.

    Without it, SQLite reads a whole table in the order asked for and tries every left row on each of its rows.
    """

    inherit_cache = True
    __visit_name__ = "ordered_join"


@compiles(OrderedJoin)
def _ordered_join(element: OrderedJoin, compiler: Any, **options: Any) -> str:
    word = " CROSS JOIN " if compiler.dialect.name == "sqlite" else " JOIN "
    left = compiler.process(element.left, asfrom=True, from_linter=None, **_rest(options))
    right = compiler.process(element.right, asfrom=True, from_linter=None, **_rest(options))
    return f"{left}{word}{right} ON {compiler.process(element.onclause, **_rest(options))}"


def _rest(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in {"asfrom", "from_linter"}}
