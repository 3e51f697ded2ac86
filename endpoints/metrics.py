"""What Prometheus reads at `/metrics`. All labels have few values, whatever callers send."""

import hmac
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from endpoints.answers import HttpError
from endpoints.tallies import Durations, Level, Tally
from engine.documents import Documents

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class PresenceCounts(Protocol):
    """What is known of the presence of things."""

    @property
    def things(self) -> Callable[[], int]:
        """How many things keep a socket at this process."""

    @property
    def offline(self) -> Mapping[str, int]:
        """How many things this process has taken offline, by the reason."""


class Metrics:
    """The counters of one gateway process."""

    def __init__(self, documents: Documents, fallbacks: Mapping[str, int] | None = None) -> None:
        """Make them in a registry of their own; what others count is read when Prometheus asks.

        `fallbacks` are the operations that the plan executor left to the reference, by reason.
        """
        self.sockets = Level("fleetgraph_websocket_connections", "Open WebSockets")
        self.streams = Level("fleetgraph_http_streams", "Open streams over HTTP")
        self.subscriptions = Level("fleetgraph_subscriptions", "Running subscriptions")
        self.events = Tally("fleetgraph_subscription_events", "Events sent to subscriptions")
        self._requests = Tally("fleetgraph_http_requests", "HTTP requests", ("method", "route", "status"))
        self._request_seconds = Durations(
            "fleetgraph_http_request_seconds", "Time to answer an HTTP request", ("method", "route")
        )
        self._operations = Tally(
            "fleetgraph_graphql_operations",
            "GraphQL operations by kind and outcome (ok, partial, failed, refused, cancelled)",
            ("kind", "outcome"),
        )
        self._operation_seconds = Durations(
            "fleetgraph_graphql_operation_seconds", "Time to execute a query or a mutation", ("kind",)
        )
        self._closes = Tally("fleetgraph_websocket_closes", "Closed WebSockets by close code", ("code",))
        self._documents = documents
        self._fallbacks = fallbacks if fallbacks is not None else {}
        self.presence: PresenceCounts | None = None
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_Counts(self))

    def request(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count an HTTP request; `route` is the pattern that it matched. The life of a stream is no time to answer."""
        if method not in _METHODS:
            method = "other"
        self._requests.inc(method, route, status)
        if seconds is not None:
            self._request_seconds.observe(seconds, method, route)

    def operation(self, kind: str, outcome: str, seconds: float | None = None) -> None:
        """Count an operation; `kind` is query, mutation, subscription, or unknown when it could not be read."""
        self._operations.inc(kind, outcome)
        if seconds is not None:
            self._operation_seconds.observe(seconds, kind)

    def close(self, code: int) -> None:
        """Count a closed socket. Codes that clients make up share one label."""
        known = code in range(1000, 1016) or code in range(4400, 4500)
        self._closes.inc(code if known else "other")

    def collect(self) -> Iterator[Metric]:
        """Yield all that is counted here, as Prometheus reads it."""
        found = CounterMetricFamily("fleetgraph_documents", "Documents prepared, by cache result", labels=["result"])
        found.add_metric(["hit"], self._documents.hits)
        found.add_metric(["miss"], self._documents.misses)
        yield found
        yield GaugeMetricFamily("fleetgraph_documents_cached", "Documents in the cache", value=len(self._documents))
        fallbacks = CounterMetricFamily(
            "fleetgraph_graphql_fallbacks",
            "GraphQL operations that were left to the reference executor, by reason",
            labels=["reason"],
        )
        for reason, count in self._fallbacks.items():
            fallbacks.add_metric([reason], count)
        yield fallbacks
        yield from self._things()
        yield self._requests.metric()
        yield self._request_seconds.metric()
        yield self._operations.metric()
        yield self._operation_seconds.metric()
        yield self.sockets.metric()
        yield self.streams.metric()
        yield self.subscriptions.metric()
        yield self.events.metric()
        yield self._closes.metric()

    def _things(self) -> Iterator[Metric]:
        """Yield what is known of the presence of things; none before somebody counts them."""
        counts = self.presence
        keeping = 0 if counts is None else counts.things()
        yield GaugeMetricFamily("fleetgraph_things_with_sockets", "Things that keep a socket", value=keeping)
        offline = CounterMetricFamily(
            "fleetgraph_things_gone_offline",
            "Things that this process took offline: silent ones, and those of processes whose lease was over",
            labels=["reason"],
        )
        for reason, count in ({} if counts is None else counts.offline).items():
            offline.add_metric([reason], count)
        yield offline


class _Counts(Collector):
    """Hands what is counted to Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield all of it."""
        return self._metrics.collect()


class MetricsView:
    """`GET /metrics`: for a bearer of the token; without a token set, for direct callers on the loopback address."""

    def __init__(self, metrics: Metrics, token: str | None) -> None:
        """`token` is the one that the operator set, if any."""
        self._metrics = metrics
        self._token = token

    async def get(self, request: web.Request) -> web.Response:
        """Answer in the text format of Prometheus."""
        if self._token is not None:
            given = request.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                raise HttpError(
                    HTTPStatus.UNAUTHORIZED,
                    "Metrics need their token.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
        elif not _is_local(request):
            raise HttpError(HTTPStatus.FORBIDDEN, "Without a metrics token, metrics are for the loopback address only.")
        return web.Response(
            body=generate_latest(self._metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )


def _is_local(request: web.Request) -> bool:
    """Whether the caller itself is on this host; what a proxy on this host forwards does not count."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address((request.remote or "").split("%", 1)[0]).is_loopback
    except ValueError:
        return False
