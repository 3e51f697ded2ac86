"""Count the SQL statements that the application executes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from models.readers import Readers, Rows

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET ", "NOTIFY", "LISTEN")


@dataclass
class Statements:
    """The statements of a block, in order, without what only opens and closes transactions."""

    texts: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.texts)

    def reading(self, table: str) -> list[str]:
        """The statements that name a table."""
        return [text for text in self.texts if f"{table} " in f"{text} ".replace("\n", " ").replace('"', "")]

    def record(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """What SQLAlchemy executes."""
        self.add(statement)

    def add(self, statement: str) -> None:
        """Add a statement, unless it is left out."""
        text = statement.strip()
        if is_background():
            return
        if text.upper().startswith(NOT_COUNTED):
            return
        self.texts.append(text)


def is_background() -> bool:
    """Whether a worker of the gateway is at it, which comes by on its own time and not with the test's."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.get_name().startswith("background: ")


Recorder = Callable[..., AbstractContextManager[Statements]]


@contextmanager
def recorded() -> Iterator[Statements]:
    """Record what every engine and every reader of this process executes inside the block."""
    statements = Statements()
    read = Readers.read

    async def recording(readers: Any, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Rows]:
        for text, _ in requests:
            statements.add(text)
        return await read(readers, requests)

    event.listen(Engine, "before_cursor_execute", statements.record)
    Readers.read = recording  # type: ignore[method-assign, assignment]
    try:
        yield statements
    finally:
        Readers.read = read  # type: ignore[method-assign]
        event.remove(Engine, "before_cursor_execute", statements.record)


@pytest.fixture
def statements() -> Recorder:
    """`with statements() as seen: ...`, then `seen.count` and `seen.texts`."""
    return recorded
