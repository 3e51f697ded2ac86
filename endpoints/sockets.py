"""How many WebSockets are open, and by whom."""

from collections import Counter
from types import TracebackType
from typing import Self

from endpoints.principal import Principal
from endpoints.settings import SocketSettings


class Sockets:
    """The places for sockets in this process."""

    def __init__(self, settings: SocketSettings) -> None:
        """Give out as many places as the settings say."""
        self._settings = settings
        self._taken: Counter[str | None] = Counter()
        self.count = 0

    def is_full(self) -> bool:
        """Whether no further socket may be opened. Every socket starts without a principal."""
        return self.count >= self._settings.sockets or self._taken[None] >= self._settings.anonymous_sockets

    def take(self, name: str | None) -> bool:
        """Take a place for the principal with this name; False when it has all that it may have."""
        limit = self._settings.anonymous_sockets if name is None else self._settings.sockets_per_principal
        if self._taken[name] >= limit:
            return False
        self._taken[name] += 1
        return True

    def leave(self, name: str | None) -> None:
        """Give a place back."""
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]


class Seat:
    """The place of one socket, from its handshake to its end; `move` when it is known who it belongs to."""

    def __init__(self, sockets: Sockets) -> None:
        """Sit among the sockets without a principal, once entered."""
        self._sockets = sockets
        self._name: str | None = None

    def __enter__(self) -> Self:
        self._sockets.take(None)
        self._sockets.count += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sockets.leave(self._name)
        self._sockets.count -= 1

    def move(self, principal: Principal | None) -> bool:
        """Count the socket to its principal; False when that one has too many."""
        if principal is None:
            return True
        if not self._sockets.take(principal.id):
            return False
        self._sockets.leave(self._name)
        self._name = principal.id
        return True
