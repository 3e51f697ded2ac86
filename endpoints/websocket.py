"""The upgrade of `/graphql` to a WebSocket with the subprotocol graphql-transport-ws."""

from http import HTTPStatus

from aiohttp import web

from endpoints.answers import HttpError
from endpoints.headers import Origins
from endpoints.service import GraphQLService


class WebSocketView:
    """Placeholder until the protocol is in."""

    def __init__(self, service: GraphQLService, origins: Origins) -> None:
        self._service = service
        self._origins = origins

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse."""
        raise HttpError(HTTPStatus.NOT_IMPLEMENTED, "WebSockets are not served yet.")

    async def close(self) -> None:
        """Close all sockets."""
