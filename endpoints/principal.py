"""Who is calling, as far as the endpoints need to know, and how they are told."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from engine.execution import Context


class Principal(Protocol):
    """Somebody or something that is signed in."""

    @property
    def id(self) -> str:
        """What names the principal in logs; the same for all its tokens."""

    @property
    def expires_at(self) -> float | None:
        """When the credentials end, in seconds since 1970; None when they do not end by themselves."""


Authenticate: TypeAlias = Callable[[str | None], Awaitable[Principal | None]]
"""Takes the Authorization header (or None) and returns the principal, None for an anonymous caller. Raises an error
with `code == "UNAUTHENTICATED"` for credentials that are not good."""

MakeContext: TypeAlias = Callable[[Principal | None, str], Context]
"""Takes the principal and the request id and returns a fresh context for one operation."""
