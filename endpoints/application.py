"""The aiohttp application: everything that is served, put together. The composition root passes in what it serves."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from aiohttp import web

from endpoints.addresses import Addresses
from endpoints.costs import Costs
from endpoints.documents import RequestedDocuments
from endpoints.encoded import Heads
from endpoints.explorer import ExplorerPage, cache_assets
from endpoints.graphql import GraphQLView
from endpoints.headers import Headers, Origins, preflight
from endpoints.health import HealthView, Readiness, SchemaView
from endpoints.live import Live
from endpoints.metrics import Metrics, MetricsView
from endpoints.observation import Observation
from endpoints.principal import Authenticate, MakeContext
from endpoints.registered import RegisteredDocuments
from endpoints.running import Running
from endpoints.service import GraphQLService
from endpoints.settings import EndpointSettings
from endpoints.shortcut import PATH, Shortcut
from endpoints.sockets import Sockets
from endpoints.streams import Streams
from endpoints.websocket import WebSocketView
from engine.execution import Operations

SERVICE = web.AppKey("service", GraphQLService)
METRICS = web.AppKey("metrics", Metrics)
SOCKETS = web.AppKey("sockets", WebSocketView)
PLACES = web.AppKey("places", Sockets)
SHORTCUT = web.AppKey("shortcut", Shortcut)


def build_application(  # noqa: PLR0913 - what is served, each by its name
    *,
    operations: Operations,
    settings: EndpointSettings,
    authenticate: Authenticate,
    make_context: MakeContext,
    readiness: Readiness,
    sdl: str,
    registered_documents: RegisteredDocuments | None = None,
    live: Live | None = None,
    extra_routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """Return the application of one gateway process; start it with `endpoints.server.make_runner`.

    `live` serves subscriptions. `registered_documents` may be asked for by id, by GET too. `extra_routes` are served
    with the same request ids, logs, headers and errors: a handler may raise any exception that has a `code` and a
    `message`. They read their own bodies (`endpoints.bodies`) and check their own access.
    """
    metrics = Metrics(operations.documents, operations.fallbacks)
    origins = Origins(settings.allowed_origins)
    running = Running(settings.concurrent_operations)
    registered = RegisteredDocuments() if registered_documents is None else registered_documents
    service = GraphQLService(
        operations=operations,
        settings=settings,
        authenticate=authenticate,
        make_context=make_context,
        metrics=metrics,
        running=running,
        documents=RequestedDocuments(settings.documents, registered),
        costs=Costs(settings.costs),
        addresses=Addresses(settings.costs.trusted_proxies),
        live=live,
    )
    places = Sockets(settings.sockets)
    sockets = WebSocketView(service, origins, places)
    explores = not settings.production and not settings.documents.trusted_only
    page = ExplorerPage(settings.explorer) if explores else None
    health = HealthView(readiness)
    headers = Headers(origins, settings.hsts_seconds)
    streams = Streams(service, places, headers)
    view = GraphQLView(service, sockets, streams, page, Heads(headers))
    observation = Observation(metrics)

    application = web.Application(
        middlewares=[observation.middleware(), preflight(origins)], client_max_size=settings.body_bytes
    )
    application[SERVICE] = service
    application[METRICS] = metrics
    application[SOCKETS] = sockets
    application[PLACES] = places
    application[SHORTCUT] = Shortcut(view, observation, headers)
    application.add_routes(
        [
            web.route("*", PATH, view.handle),
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz),
            web.get("/metrics", MetricsView(metrics, settings.metrics_token).get),
            web.get("/schema.graphql", SchemaView(service, sdl).get),
            *(page.routes() if page is not None else ()),
            *extra_routes,
        ]
    )
    application.on_response_prepare.append(headers.add)
    if page is not None:
        application.on_response_prepare.append(cache_assets)

    async def close_sockets(_: web.Application) -> None:
        streams.close()
        await sockets.close()

    async def drain(_: web.Application) -> None:
        await running.drain(settings.shutdown_seconds)

    async def beat(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(sockets.beat(), name="background: pings")
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    application.cleanup_ctx.append(beat)
    application.on_shutdown.append(close_sockets)
    # Before the cleanup contexts, however late they are added: they close the store that mutations are still using.
    application.on_cleanup.insert(0, drain)
    return application
