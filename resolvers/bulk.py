"""Bulk mutations: all or nothing, or each item for itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from schema.bulk import BulkMode
from services.errors import FleetError, InvalidInput
from services.unit_of_work import UnitOfWork

T = TypeVar("T")
R = TypeVar("R")
MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: its result, or its error."""

    result: Any = None
    error: FleetError | None = None


async def each(work: UnitOfWork, items: Sequence[T], act: Callable[[int, T], Awaitable[R]], path: str) -> list[Outcome]:
    """Do every item in a savepoint of its own, so that one that fails takes only itself back.

    `path` names the list in the input; an error of an item leads to that item, whatever `act` took its place for.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise InvalidInput(f"from 1 to {MAX_ITEMS} are taken at once", (path,))
    outcomes: list[Outcome] = []
    for index, item in enumerate(items):
        try:
            async with work.savepoint():
                result = await act(index, item)
        except FleetError as error:
            if error.path[:1] == (path,):
                error.path = (path, str(index), *error.path[2:])
            outcomes.append(Outcome(error=error))
        else:
            outcomes.append(Outcome(result=result))
    return outcomes


def is_partial(mode: BulkMode) -> bool:
    """Whether each item stands for itself."""
    return mode is BulkMode.PARTIAL
