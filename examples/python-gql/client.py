"""Clients of Fleetgraph with gql, and subscriptions that come back after a lost connection."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import aiohttp
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed, TransportServerError
from gql.transport.websockets import WebsocketsTransport

SECONDS_TO_WAIT = 30
SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS_TO_WAIT, sock_read=SECONDS_TO_WAIT)
"""The gateway shows at least every 20 seconds that a stream lives."""


def over_http(url: str, authorization: str | None = None) -> Client:
    """Return a client for queries and mutations, and for subscriptions as multipart answers."""
    headers = {"Authorization": authorization} if authorization is not None else None
    transport = AIOHTTPTransport(url, headers=headers, client_session_args={"timeout": SILENCE})
    return Client(transport=transport, execute_timeout=SECONDS_TO_WAIT)


def over_socket(url: str, authorization: str) -> Client:
    """Return a client for subscriptions; the token goes into the first message of the socket."""
    return Client(
        transport=WebsocketsTransport(
            url.replace("http", "ws", 1),
            init_payload={"authorization": authorization},
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
    )


async def watch(
    connect: Callable[[], Client], document: str, variables: dict[str, Any], *, pause: float = 1.0
) -> AsyncGenerator[Any, None]:
    """Yield the events of a subscription whose document takes `$after`.

    After a lost connection, `connect` is called again, and the events go on behind the last one.
    """
    after = None
    while True:
        try:
            async with connect() as session:
                request = GraphQLRequest(document, variable_values={**variables, "after": after})
                async for data in session.subscribe(request):
                    [event] = data.values()
                    yield event
                    after = event["cursor"]
        except TransportServerError as refusal:
            # Without a status it came within a stream: the gateway stops, or the token has ended.
            if refusal.code is not None and refusal.code < 500:
                raise
        except (TransportClosed, TransportConnectionFailed, OSError):
            pass
        await asyncio.sleep(pause)
