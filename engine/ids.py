"""Global ids: a short prefix that names the type, then the 32 hex digits of the row's UUID: `thing_0192f3...`.

Readable in logs and in GraphiQL, unique over all types, and made from a row by joining two strings.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

_GLOBAL_ID: Final = re.compile(r"([a-z]+)_([0-9a-f]{32})")


def global_id(prefix: str, key: UUID) -> str:
    """The global id of the row `key` of the type whose prefix this is."""
    return f"{prefix}_{key.hex}"


def split_id(value: str) -> tuple[str, UUID] | None:
    """The prefix and the UUID of a global id; None when it has not the form of one."""
    match = _GLOBAL_ID.fullmatch(value)
    return (match[1], UUID(hex=match[2])) if match else None


def key_of(prefix: str, value: str) -> UUID | None:
    """The UUID of a global id with this prefix; None for ids of other types and for anything else."""
    parts = split_id(value)
    return parts[1] if parts and parts[0] == prefix else None


def split_raw_id(value: str) -> tuple[str, str] | None:
    """The prefix and the 32 hex digits of a global id; None when it has not the form of one."""
    match = _GLOBAL_ID.fullmatch(value)
    return (match[1], match[2]) if match else None
