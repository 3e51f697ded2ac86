"""Identifiers: UUIDv7, so that the order of ids is the order of creation."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a UUIDv7: 48 bits of Unix milliseconds, then random bits; ids made later sort later."""
    return uuid7()
