"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): POST with JSON, and GET without mutations.

Statuses: a request that is not well formed is 400 (or 405, 406, 413, 415) whatever the media type. A well-formed one
whose operation is refused before it runs is 400 in `application/graphql-response+json` and 200 in `application/json`
and `text/event-stream`; one that ran is 200 in all of them, with or without errors.
"""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web
from graphql import GraphQLFormattedError

from endpoints import sse
from endpoints.answers import JSON, HttpError, encoded_response, error_response, json_response
from endpoints.bodies import parse_json, read_body, require_json
from endpoints.encoded import Heads
from endpoints.explorer import ExplorerPage
from endpoints.multipart import MultipartStream, needs_lengths
from endpoints.negotiation import (
    EVENT_STREAM,
    GRAPHQL,
    MULTIPART,
    SUBSCRIPTION_SPEC,
    Acceptance,
    accepted,
    prefers_html,
)
from endpoints.parameters import Parameters, from_json, from_url
from endpoints.principal import Principal
from endpoints.service import GraphQLService
from endpoints.sse import EventStream
from endpoints.streams import Format, Streams
from endpoints.trace import Trace, trace_of
from endpoints.websocket import WebSocketView
from engine.documents import PreparedOperation
from engine.errors import Code, RequestError, fault
from engine.execution import Answer, refused

_STATUSES: Final = {
    Code.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Code.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    # Part of a conversation, and no failure: the client sends the document next.
    Code.PERSISTED_QUERY_NOT_FOUND: HTTPStatus.OK,
    Code.PERSISTED_QUERY_NOT_SUPPORTED: HTTPStatus.OK,
}
"""Statuses of refused operations by the code of their first error; 400 for all others."""

_EVENTS: Final = EventStream()
_PARTS: Final = MultipartStream()
_PARTS_WITH_LENGTHS: Final = MultipartStream(with_lengths=True)

_log = structlog.get_logger("fleetgraph.http")


class GraphQLView:
    """The path `/graphql` by method: operations, the explorer page for browsers, and the upgrade to a WebSocket."""

    def __init__(
        self,
        service: GraphQLService,
        sockets: WebSocketView,
        streams: Streams,
        page: ExplorerPage | None,
        heads: Heads,
    ) -> None:
        """`page` is what browsers get; None in the production profile. `heads` go before answers that are encoded."""
        self._service = service
        self._streams = streams
        self._heads = heads
        self._sockets = sockets
        self._page = page

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any method."""
        if request.method == hdrs.METH_GET and request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._sockets.handle(request)
        if request.method == hdrs.METH_POST:
            return await self.post(request, trace_of(request))
        if request.method == hdrs.METH_GET:
            return await self._get(request, trace_of(request))
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=HTTPStatus.NO_CONTENT, headers={hdrs.ALLOW: self._allowed})
        raise self._not_allowed(f"The method {request.method[:20]} is not allowed here.")

    @property
    def _allowed(self) -> str:
        """The methods of this profile."""
        return "GET, POST, OPTIONS" if self._serves_get else "POST, OPTIONS"

    @property
    def _serves_get(self) -> bool:
        """Whether there is anything to GET besides a WebSocket."""
        return not self._service.settings.production or bool(self._service.documents.registered)

    def _not_allowed(self, message: str) -> HttpError:
        """Refuse a method (405)."""
        return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, message, headers={hdrs.ALLOW: self._allowed})

    async def post(self, request: web.Request, trace: Trace) -> web.StreamResponse:
        """Run the operation in the body."""
        acceptance = _acceptance(request)
        require_json(request)
        service = self._service
        principal = await service.principal(request.headers.get(hdrs.AUTHORIZATION), trace)
        settings = service.settings
        body = await read_body(request, settings.body_bytes, settings.body_seconds)
        parameters = from_json(parse_json(body, "The request body"))
        return await self._run(request, parameters, principal, acceptance, trace)

    async def _get(self, request: web.Request, trace: Trace) -> web.StreamResponse:
        """Run the query or subscription in the URL: any in the development profile, registered ones in production.

        A hash may always be asked for: what is not registered is not found in production, and Apollo's clients then
        send the document by POST.
        """
        accept = _accept(request)
        if self._page is not None and prefers_html(accept) and "query" not in request.query:
            return self._page.response()
        if not self._serves_get and "extensions" not in request.query:
            raise self._not_allowed("Send operations by POST.")
        acceptance = _acceptance(request)
        parameters = from_url(request.query)
        if self._service.settings.production and parameters.query is not None:
            raise self._not_allowed("By GET, only registered documents are served. Send operations by POST.")
        principal = await self._service.principal(request.headers.get(hdrs.AUTHORIZATION), trace)
        return await self._run(request, parameters, principal, acceptance, trace)

    async def _run(
        self,
        request: web.Request,
        parameters: Parameters,
        principal: Principal | None,
        acceptance: Acceptance,
        trace: Trace,
    ) -> web.StreamResponse:
        """Prepare and execute the operation."""
        if principal is None:
            trace.address = self._service.addresses.of(request)
        registered_only = self._service.settings.production and request.method == hdrs.METH_GET
        try:
            prepared = self._service.prepare(parameters, principal, trace, registered_only=registered_only)
            written = self._check_transport(request, prepared, acceptance)
            if written is not None:
                return await self._streams.serve(request, prepared, parameters, principal, written, trace)
        except RequestError as error:
            return _answer(refused(error), acceptance, trace, streams=trace.kind == "subscription")
        answer = await self._service.execute(
            prepared, parameters.variables, principal, trace, tell_cost=parameters.tell_cost
        )
        if answer.executed and answer.encoded is not None and not acceptance.streams_all:
            response = self._heads.response(request, trace, acceptance.answer or JSON, answer.encoded)
            if response is not None:
                return response
        return _answer(answer, acceptance, trace)

    def _check_transport(
        self, request: web.Request, prepared: PreparedOperation, acceptance: Acceptance
    ) -> Format | None:
        """Return how a subscription is streamed, None for anything else; refuse what cannot be carried."""
        if prepared.is_subscription:
            if acceptance.stream is None:
                raise HttpError(
                    HTTPStatus.BAD_REQUEST,
                    "Subscriptions need a WebSocket with the subprotocol graphql-transport-ws, or a header Accept that "
                    f"names {EVENT_STREAM} or {MULTIPART};subscriptionSpec={SUBSCRIPTION_SPEC}.",
                )
            if acceptance.stream == EVENT_STREAM:
                return _EVENTS
            return _PARTS_WITH_LENGTHS if needs_lengths(request.headers.get(hdrs.USER_AGENT, "")) else _PARTS
        if prepared.is_mutation and request.method == hdrs.METH_GET:
            raise self._not_allowed("Send mutations by POST.")
        if acceptance.answer is None and not acceptance.streams_all:
            raise _not_acceptable()
        return None


def _accept(request: web.Request) -> str | None:
    """Return what the caller takes; several Accept headers are one."""
    values = request.headers.getall(hdrs.ACCEPT, [])
    return ",".join(values) if values else None


def _acceptance(request: web.Request) -> Acceptance:
    """Return the media types that the caller takes. Raises HttpError (406) for one who takes none of ours."""
    acceptance = accepted(_accept(request))
    if acceptance.answer is None and acceptance.stream is None:
        raise _not_acceptable()
    return acceptance


def _not_acceptable() -> HttpError:
    return HttpError(
        HTTPStatus.NOT_ACCEPTABLE,
        f"Answers are in {GRAPHQL}, {JSON} or {EVENT_STREAM}; {MULTIPART};subscriptionSpec={SUBSCRIPTION_SPEC} is for "
        "subscriptions.",
    )


def _answer(answer: Answer, acceptance: Acceptance, trace: Trace, *, streams: bool = False) -> web.Response:
    """Write an answer as its caller takes it; with `streams`, one who waits for a stream gets the events of one."""
    if acceptance.streams_all or (streams and acceptance.stream == EVENT_STREAM):
        try:
            return sse.response(answer)
        except TypeError as error:
            return sse.response(refused(RequestError([_unwritable(error, trace)])))
    return _response(answer, acceptance.answer or GRAPHQL, trace)


def _response(answer: Answer, media_type: str, trace: Trace) -> web.Response:
    """Write an answer with the status that goes with its media type."""
    status = HTTPStatus.OK
    if not answer.executed and media_type == GRAPHQL:
        code = answer.errors[0].get("extensions", {}).get("code", "")
        status = _STATUSES.get(code, HTTPStatus.BAD_REQUEST)
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    if answer.encoded is not None:
        return encoded_response(answer.encoded, status=status, media_type=media_type, headers=headers)
    try:
        return json_response(answer.payload, status=status, media_type=media_type, headers=headers)
    except TypeError as error:
        message = _unwritable(error, trace)["message"]
        return error_response(500, message, Code.INTERNAL, requestId=trace.request_id)


def _unwritable(error: TypeError, trace: Trace) -> GraphQLFormattedError:
    """Log and return what happened to a stored JSON value that orjson cannot write: deep nesting, a huge number."""
    _log.error("graphql.unwritable", request_id=trace.request_id, operation=trace.operation, exc_info=error)
    return fault(trace.request_id)
