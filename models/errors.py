"""What can go wrong with the store itself."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened or is not in the shape that this version needs."""


class StoreBusy(StoreError):
    """No connection came free in time."""
