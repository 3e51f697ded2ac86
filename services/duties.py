"""Doing what is due one by one, each in a transaction of its own, so that one which fails keeps no other waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from models.errors import StoreError
from services.errors import FleetError


async def do_each(keys: Iterable[UUID], act: Callable[[UUID], Awaitable[int]]) -> int:
    """Do something for each key in turn; returns how much was done. Raises what failed first, behind the others."""
    number, failure = 0, None
    for key in keys:
        try:
            number += await act(key)
        except (SQLAlchemyError, StoreError, FleetError, OSError) as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return number
