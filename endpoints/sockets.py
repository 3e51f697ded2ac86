"""How many connections are open for as long as their clients like, and by whom: WebSockets, and streams over HTTP."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias

from endpoints.answers import HttpError
from endpoints.principal import Principal
from endpoints.settings import SocketSettings

Attend: TypeAlias = Callable[[Principal], Callable[[], None]]
"""Called when a principal is known to keep a connection; what it returns is called when the connection ends."""


def _nothing() -> None:
    """Nobody wants to know."""


class Sockets:
    """The places for sockets and streams in this process."""

    def __init__(self, settings: SocketSettings) -> None:
        """Give out as many places as the settings say; `attend` is told who takes them."""
        self._settings = settings
        self.attend: Attend = lambda _: _nothing
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

    @contextmanager
    def seated(self, principal: Principal | None) -> Iterator[None]:
        """The place of a stream, whose principal is known from its start.

        Raises HttpError: 503 when the process has no place left, 429 when the principal has taken all of its own.
        """
        name = principal.id if principal is not None else None
        if self.count >= self._settings.sockets:
            raise too_many_connections()
        if not self.take(name):
            if name is None:
                raise too_many_connections()
            limit = self._settings.sockets_per_principal
            message = f"You may have {limit} connections open. Close some, or use one WebSocket for all subscriptions."
            raise HttpError(HTTPStatus.TOO_MANY_REQUESTS, message, headers={"Retry-After": "5"})
        self.count += 1
        depart = _nothing if principal is None else self.attend(principal)
        try:
            yield
        finally:
            depart()
            self.count -= 1
            self.leave(name)


def too_many_connections() -> HttpError:
    """Return the error for a connection that finds no place (503)."""
    message = "There are too many connections."
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": "5"})


class Seat:
    """The place of one socket, from its handshake to its end; `move` when it is known who it belongs to."""

    def __init__(self, sockets: Sockets) -> None:
        """Sit among the sockets without a principal, once entered."""
        self._sockets = sockets
        self._name: str | None = None
        self._depart = _nothing

    def __enter__(self) -> Self:
        self._sockets.take(None)
        self._sockets.count += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._depart()
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
        before, self._depart = self._depart, self._sockets.attend(principal)
        before()
        return True
