"""Count the SQL statements that the application executes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET ", "NOTIFY", "LISTEN")


@dataclass
class Statements:
    """The statements of a block, in order, without what only opens and closes transactions."""

    texts: list[str] = field(default_factory=list)
    ignoring: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.texts)

    def reading(self, table: str) -> list[str]:
        """The statements that name a table."""
        return [text for text in self.texts if f"{table} " in f"{text} ".replace("\n", " ").replace('"', "")]

    def record(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        text = statement.strip()
        if text.upper().startswith(NOT_COUNTED) or any(part in text for part in self.ignoring):
            return
        self.texts.append(text)


Recorder = Callable[..., AbstractContextManager[Statements]]


@contextmanager
def recorded(*, ignoring: tuple[str, ...] = ()) -> Iterator[Statements]:
    """Record what every engine of this process executes inside the block, but statements with a text of `ignoring`."""
    statements = Statements(ignoring=ignoring)
    event.listen(Engine, "before_cursor_execute", statements.record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", statements.record)


@pytest.fixture
def statements() -> Recorder:
    """`with statements() as seen: ...`, then `seen.count` and `seen.texts`."""
    return recorded
