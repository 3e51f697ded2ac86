"""Relay connections over keyset pages: the page is fetched when something of it is selected, the total only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, TypeVar

import strawberry

from engine.errors import BadUserInput
from engine.keyset import Order
from engine.pages import Page
from engine.records import Record, Row

T = TypeVar("T")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """The Relay page information."""

    has_next_page: bool = strawberry.field(description="Whether there is more behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item, to page back from.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item, to go on from.")


@strawberry.type(description="An item of a list with its place in it.")
class Edge(Generic[T]):
    """A Relay edge."""

    cursor: str = strawberry.field(description="The place of the item in this list and order.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """A list that is read in pages."""

    load: strawberry.Private[Callable[[], Awaitable[Page]]]
    count: strawberry.Private[Callable[[int | None], Awaitable[int]]]
    make: strawberry.Private[Callable[[Row], Record]]
    order: strawberry.Private[Order]

    @strawberry.field(description="The items of this page with their cursors.")
    async def edges(self) -> list[Edge[T]]:
        """The items with their cursors."""
        page = await self.load()
        return [Edge(cursor=self.order.cursor(row), node=self.make(row)) for row in page.rows]  # type: ignore[arg-type]

    @strawberry.field(description="The items of this page.")
    async def nodes(self) -> list[T]:
        """The items alone."""
        page = await self.load()
        return [self.make(row) for row in page.rows]  # type: ignore[misc]

    @strawberry.field(description="Where this page stands in the list.")
    async def page_info(self) -> PageInfo:
        """Where the page stands."""
        page = await self.load()
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=self.order.cursor(page.rows[0]) if page.rows else None,
            end_cursor=self.order.cursor(page.rows[-1]) if page.rows else None,
        )

    @strawberry.field(description="How many items the whole list has. Costs a count of its own, only when selected.")
    async def total_count(
        self,
        limit: Annotated[
            int | None, strawberry.argument(description="Stop counting here; the answer is then at most this.")
        ] = strawberry.UNSET,
    ) -> int:
        """The length of the list, counted up to `limit`."""
        if limit is None or limit is strawberry.UNSET:
            return await self.count(None)
        if limit < 0:
            raise BadUserInput("limit must not be negative")
        return await self.count(limit)
