"""The field that guards an edit against another one (optimistic concurrency)."""

from __future__ import annotations

from typing import Any

import strawberry


def expected_version() -> Any:
    """An optional version: the mutation is refused when the stored one differs."""
    return strawberry.field(
        default=strawberry.UNSET, description="Refuse with CONFLICT when the stored version is another."
    )
