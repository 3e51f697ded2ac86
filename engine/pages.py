"""Pages: what a client may ask of a connection, and what a fetched page holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping

from engine.errors import BadUserInput
from engine.keyset import Order

DEFAULT_PAGE: Final = 25
MAX_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page of a list: `size` rows of `order`, behind `start` (the values of a cursor), from the end if `backward`.

    `order` is the order that the client sees; `scan` is the one that the statement runs in.
    """

    order: Order
    size: int
    start: tuple[Any, ...] | None
    backward: bool

    @property
    def scan(self) -> Order:
        """The order in which rows are fetched."""
        return self.order.reversed() if self.backward else self.order

    def condition(self) -> ColumnElement[bool] | None:
        """The keyset condition, if the page does not start at an end of the list."""
        return None if self.start is None else self.scan.behind(self.start)


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a page in the client's order, and whether there is more on either side."""

    rows: Sequence[RowMapping]
    has_previous: bool
    has_next: bool


def request_page(
    order: Order, first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Check the four arguments of a connection; raises BadUserInput for negative, oversized or mixed ones."""
    for name, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= MAX_PAGE:
            raise BadUserInput(f"{name} must be from 0 to {MAX_PAGE}")
    if first is not None and last is not None:
        raise BadUserInput("first and last cannot be combined")
    backward = last is not None or (first is None and before is not None)
    if (backward and after is not None) or (not backward and before is not None):
        raise BadUserInput("use after with first, and before with last")
    size = last if backward else first
    cursor, argument = (before, "before") if backward else (after, "after")
    start = None if cursor is None else order.values(cursor, argument)
    return PageRequest(order=order, size=DEFAULT_PAGE if size is None else size, start=start, backward=backward)


def cut_page(request: PageRequest, rows: Sequence[RowMapping]) -> Page:
    """Turn up to `size + 1` fetched rows into a page; the one too many only tells that there is more."""
    more, kept = len(rows) > request.size, list(rows[: request.size])
    if request.backward:
        return Page(rows=kept[::-1], has_previous=more, has_next=request.start is not None)
    return Page(rows=kept, has_previous=request.start is not None, has_next=more)
