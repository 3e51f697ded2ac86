"""What can go wrong with the store itself."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened or is not in the shape that this version needs."""


class StoreBusy(StoreError):
    """No connection came free in time."""


class StatementTimeout(StoreError):
    """A statement took longer than the database was told to let it; asking again would take as long."""

    code = "LIMIT_EXCEEDED"
    message = "This takes the database too long. Ask for less, or filter by something that narrows it."
    is_final = True
