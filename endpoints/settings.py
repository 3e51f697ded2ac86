"""How the endpoints behave; the composition root fills this from the environment."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSettings:
    """Bounds of the WebSocket endpoint. Times are in seconds, sizes in bytes."""

    init_seconds: float = 10.0
    """Time for `connection_init` to arrive; after it the socket is closed with 4408."""
    ping_seconds: float = 20.0
    """Silence after which the server pings; half as much silence again counts as a lost connection."""
    send_seconds: float = 20.0
    """Time for a client to take what waits for it, once the buffer is full; after it the connection is cut."""
    close_seconds: float = 2.0
    """Time for a client to answer a close."""
    message_bytes: int = 1_048_576
    """Longest message taken from a client."""
    buffer_bytes: int = 65_536
    """What may wait to be sent on one socket; beyond it its operations (and the reading from it) pause."""
    operations: int = 100
    """Operations that may run on one socket."""
    sockets_per_principal: int = 50
    """Sockets that one principal may have open in this process."""
    sockets: int = 10_000
    """Sockets open in this process."""
    anonymous_sockets: int = 1_000
    """Sockets without a signed-in principal, the ones that have not said who they are included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSettings:
    """What operations may cost, in the units of `engine.cost`; 0 for no limit."""

    per_operation: int = 500_000
    """What one operation may cost."""
    per_minute: int = 2_000_000
    """What the operations of one caller may cost in a minute, in this process."""
    callers: int = 20_000
    """Callers whose budgets are remembered: as many with a name as by their address."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Networks of proxies whose `X-Forwarded-For` names a caller that is not signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSettings:
    """Which documents run, and under which names."""

    persisted_queries: bool = True
    """Whether clients may send a document once, and its hash from then on."""
    sent_documents: int = 1_000
    """Documents that are kept by their hash."""
    sent_bytes: int = 5_000_000
    """Sum of their lengths."""
    trusted_only: bool = False
    """Whether registered documents are the only ones that run. Nobody is told the schema then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Everything about HTTP that an operator may set, and the profile."""

    production: bool = True
    """The production profile: no explorer, introspection for signed-in principals, no GET but registered documents."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of browser applications that may call the gateway (`https://app.example.com`); `*` allows all."""
    body_bytes: int = 1_048_576
    """Longest body of a GraphQL request."""
    body_seconds: float = 30.0
    """Time for it to arrive; then the answer is 408."""
    concurrent_operations: int = 1_000
    """Queries and mutations that run at the same time in this process; beyond it the answer is 503."""
    metrics_token: str | None = None
    """Bearer token for `/metrics`; without one, only direct callers on the loopback address may read it."""
    hsts_seconds: int = 0
    """`Strict-Transport-Security` max-age; 0 leaves the header out (TLS usually ends in front of the gateway)."""
    explorer: Path = Path(__file__).parent.parent / "explorer"
    """The folder of the explorer: `dist/` when it is built, `fallback.html` when it is not."""
    shutdown_seconds: float = 10.0
    """Time for mutations and sockets to end when the gateway stops."""
    sockets: SocketSettings = field(default_factory=SocketSettings)
    costs: CostSettings = field(default_factory=CostSettings)
    documents: DocumentSettings = field(default_factory=DocumentSettings)
