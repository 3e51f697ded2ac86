"""What the reference executor asks of the context of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, RowMapping, Select, Table

from engine.loaders import Loaders


class ReadContext(Protocol):
    """One operation's way to the data: its scope, its loaders, and the database."""

    @property
    def loaders(self) -> Loaders:
        """The loaders of this operation."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""

    def scope(self, table: Table) -> ColumnElement[bool] | None:
        """The condition under which rows of `table` exist for the principal; None when all do."""

    async def fetch(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """Run one statement and give its rows."""
