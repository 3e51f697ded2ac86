"""The short way of `POST /graphql`, which nearly all requests are: past the router, the middlewares and the signals.

aiohttp's application finds the route of each request anew, wraps its handler, and asks its signals before it answers.
The same things are done here for one route: the request is observed, and its answer carries the headers of all answers.
What is anything else, or asks for anything special, goes to the application as if there were no short way.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from aiohttp import hdrs, web

from endpoints.encoded import EncodedResponse
from endpoints.graphql import GraphQLView
from endpoints.headers import Headers
from endpoints.observation import Observation
from endpoints.trace import new_trace

PATH: Final = "/graphql"

Serve: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse]]
"""Takes a `web.Request`; aiohttp says less, since a server may make requests of its own kind."""


class Shortcut:
    """Serves `POST /graphql` itself."""

    def __init__(self, view: GraphQLView, observation: Observation, headers: Headers) -> None:
        """Answer with `view`; `observation` and `headers` are those of the application."""
        self._view = view
        self._observation = observation
        self._headers = headers

    def before(self, application: Serve) -> Serve:
        """Return what serves requests by the short way where it leads, and by `application` everywhere else."""

        async def serve(request: web.Request) -> web.StreamResponse:
            # The target as it was sent: with a query string it is another, and the application knows what that means.
            if request.method != hdrs.METH_POST or request.raw_path != PATH or hdrs.EXPECT in request.headers:
                return await application(request)
            trace = new_trace(request)
            response = await self._observation.watch(self._view.post(request, trace), trace, hdrs.METH_POST, PATH, PATH)
            if not isinstance(response, EncodedResponse):
                self._headers.complete(request, response, trace.request_id)
            return response

        return serve
