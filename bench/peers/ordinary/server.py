"""The ordinary way: Strawberry's own view in aiohttp, rows of an ORM, DataLoaders.

DATABASE_URL=... PORT=... CONNECTIONS=... python -m bench.peers.ordinary.server
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime

import orjson
import strawberry
import uvloop
from aiohttp import web
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from strawberry.aiohttp.views import GraphQLView
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from bench.peers.ordinary.loaders import Loaders
from bench.peers.ordinary.nouns import Context
from bench.peers.ordinary.roots import Mutation, Query
from schema.scalars import MOMENT

SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map={datetime: MOMENT}),
    extensions=[ParserCache, ValidationCache],
)
DRIVERS = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}


def build_application(database_url: str, connections: int) -> web.Application:
    """The application over a database that the gateway has migrated and filled."""
    url = make_url(database_url)
    engine = create_async_engine(
        url.set(drivername=DRIVERS[url.get_backend_name()]),
        pool_size=connections,
        max_overflow=0,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    class View(GraphQLView[Context, None]):
        async def get_context(
            self, request: web.Request, response: web.Response | web.WebSocketResponse | web.StreamResponse
        ) -> Context:
            return Context(sessions, Loaders.over(sessions))

    async def dispose(_: web.Application) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    application = web.Application()
    application.router.add_post("/graphql", View(SCHEMA))
    application.cleanup_ctx.append(dispose)
    return application


def main() -> None:
    """Serve until SIGTERM."""
    application = build_application(os.environ["DATABASE_URL"], int(os.environ["CONNECTIONS"]))
    port = int(os.environ["PORT"])
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
