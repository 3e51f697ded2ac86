"""What Prometheus reads at `/metrics`. All labels have few values, whatever callers send."""

import hmac
import ipaddress
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from endpoints.answers import HttpError
from engine.documents import Documents

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Metrics:
    """The counters of one gateway process."""

    def __init__(self, documents: Documents) -> None:
        """Make them in a registry of their own; the document cache is read when Prometheus asks."""
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_DocumentCollector(documents))
        self._requests = Counter(
            "fleetgraph_http_requests", "HTTP requests", ("method", "route", "status"), registry=self.registry
        )
        self._request_seconds = Histogram(
            "fleetgraph_http_request_seconds",
            "Time to answer an HTTP request",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._operations = Counter(
            "fleetgraph_graphql_operations",
            "GraphQL operations by kind and outcome (ok, partial, failed, refused, cancelled)",
            ("kind", "outcome"),
            registry=self.registry,
        )
        self._operation_seconds = Histogram(
            "fleetgraph_graphql_operation_seconds",
            "Time to execute a query or a mutation",
            ("kind",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.sockets = Gauge("fleetgraph_websocket_connections", "Open WebSockets", registry=self.registry)
        self.subscriptions = Gauge("fleetgraph_subscriptions", "Running subscriptions", registry=self.registry)
        self.events = Counter("fleetgraph_subscription_events", "Events sent to subscriptions", registry=self.registry)
        self._closes = Counter(
            "fleetgraph_websocket_closes", "Closed WebSockets by close code", ("code",), registry=self.registry
        )

    def request(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count an HTTP request; `route` is the pattern that it matched. The life of a socket is no time to answer."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(method, route).observe(seconds)

    def operation(self, kind: str, outcome: str, seconds: float | None = None) -> None:
        """Count an operation; `kind` is query, mutation, subscription, or unknown when it could not be read."""
        self._operations.labels(kind, outcome).inc()
        if seconds is not None:
            self._operation_seconds.labels(kind).observe(seconds)

    def close(self, code: int) -> None:
        """Count a closed socket. Codes that clients make up share one label."""
        known = code in range(1000, 1016) or code in range(4400, 4500)
        self._closes.labels(str(code) if known else "other").inc()


class _DocumentCollector(Collector):
    """Reads the document cache."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def collect(self) -> Iterator[Metric]:
        """Yield its size and how often it had what was asked for."""
        found = CounterMetricFamily("fleetgraph_documents", "Documents prepared, by cache result", labels=["result"])
        found.add_metric(["hit"], self._documents.hits)
        found.add_metric(["miss"], self._documents.misses)
        yield found
        yield GaugeMetricFamily("fleetgraph_documents_cached", "Documents in the cache", value=len(self._documents))


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
