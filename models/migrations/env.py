"""Alembic's environment: always online, on the connection that `models.migrate` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON, Enum
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import models
from sql.moments import UtcDateTime

_MOMENT = "from sql.moments import UtcDateTime"
_JSON = "from models.columns import JSON_COLUMN"

if not models.__all__:
    raise RuntimeError("the tables are not loaded")


def render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write our own column types by their names, and enums as the text columns that they are."""
    if kind != "type":
        return False
    if isinstance(item, Enum):
        return f"sa.String({item.length})"
    if isinstance(item, AutoString):
        return f"sa.String({item.length})" if item.length else "sa.Text()"
    if isinstance(item, UtcDateTime | JSON):
        autogen.imports.add(_MOMENT if isinstance(item, UtcDateTime) else _JSON)
        return "UtcDateTime()" if isinstance(item, UtcDateTime) else "JSON_COLUMN"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
