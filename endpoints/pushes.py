"""A subscription on a WebSocket, pushed to by the live path: no task of its own, one write for what comes at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from graphql import GraphQLFormattedError

from endpoints import messages
from endpoints.costs import Charge
from endpoints.live import Parcel
from endpoints.service import GraphQLService
from endpoints.trace import Trace

CHARGED_TOGETHER: Final = 20
"""Events that are charged for at once."""


class Wire(Protocol):
    """The socket under a subscription."""

    def has_room(self) -> bool:
        """Whether the client takes what it is sent."""

    def push(self, frames: bytes) -> None:
        """Send frames that are made already."""


class Push:
    """One subscription: makes frames of its answers, and pays for them."""

    __slots__ = (
        "_charge",
        "_ended",
        "_free_at",
        "_owed",
        "_prefix",
        "_service",
        "_started",
        "_wire",
        "has_ended",
        "id",
        "outcome",
        "subscription",
        "trace",
    )

    def __init__(
        self,
        operation_id: str,
        service: GraphQLService,
        wire: Wire,
        trace: Trace,
        ended: Callable[[Push, list[GraphQLFormattedError] | None], None],
    ) -> None:
        """Answer under the id of the client's; `ended` is called once, when the live path ends it."""
        self.id = operation_id
        self.trace = trace
        self.subscription: Any = None
        self.has_ended = False
        self.outcome = "ok"
        self._started = time.perf_counter()
        self._prefix = messages.next_prefix(operation_id)
        self._service = service
        self._wire = wire
        self._ended = ended
        self._charge: Charge | None = None
        self._owed = 0
        self._free_at = 0.0

    def charged(self, charge: Charge) -> None:
        """Each event costs as much as this."""
        self._charge = charge

    def has_room(self) -> bool:
        """Whether the client takes what it is sent, and its caller can pay for it."""
        if self._free_at and self._free_at > time.monotonic():
            return False
        return self._wire.has_room()

    def write(self, parcel: Parcel) -> None:
        """Send answers: whoever has given the same id is sent the same bytes."""
        prefix = self._prefix
        frames = parcel.frames.get(prefix)
        if frames is None:
            frames = parcel.frames[prefix] = _framed(prefix, parcel)
        self._wire.push(frames)
        count = len(parcel.deliveries)
        self._service.metrics.events.add(count)
        self._owed += count
        if self._owed >= CHARGED_TOGETHER and self._charge is not None:
            seconds = self._service.costs.owe(self._charge, self._owed, self.trace)
            self._owed = 0
            self._free_at = time.monotonic() + seconds if seconds else 0.0

    def end(self, errors: list[GraphQLFormattedError] | None) -> None:
        """Tell the client that this is over."""
        self.has_ended = True
        self.outcome = "ok" if errors is None else "refused"
        self._ended(self, errors)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self._started


def _framed(prefix: bytes, parcel: Parcel) -> bytes:
    around = len(prefix) + 1
    parts: list[bytes] = []
    for delivery in parcel.deliveries:
        encoded = delivery.encoded
        parts += (messages.frame_head(around + len(encoded)), prefix, encoded, b"}")
    return b"".join(parts)
