"""The floor: no GraphQL. aiohttp takes the variables of an operation, PostgreSQL answers, aiohttp sends that.

DATABASE_URL=... PORT=... CONNECTIONS=... python -m bench.peers.floor.server
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiohttp import web

from bench.peers.floor.statements import FILTER, LIST, NESTED, POINT, REPORT, WALK, aggregate

POOL: Final = web.AppKey("pool", asyncpg.Pool)
AGGREGATES: Final = {"TYPE": aggregate("type"), "LIFECYCLE": aggregate("lifecycle")}
Statement = tuple[str, tuple[Any, ...]]


def key(global_id: str) -> UUID:
    """The UUID in a global id."""
    return UUID(hex=global_id.partition("_")[2])


def page(variables: dict[str, Any]) -> tuple[int, UUID | None]:
    """How many things, and behind which one."""
    after = variables["after"]
    return variables["first"], None if after is None else key(after)


def report(variables: dict[str, Any]) -> Statement:
    """What a thing reports."""
    given = variables["input"]
    return REPORT, (key(given["thingId"]), orjson.dumps(given["reported"]).decode())


def filtered(variables: dict[str, Any]) -> Statement:
    """Things that meet the filter."""
    wanted = variables["filter"]
    return FILTER, (wanted["type"], wanted["lifecycle"], wanted["connected"])


OPERATIONS: Final[dict[str, Callable[[dict[str, Any]], Statement]]] = {
    "point": lambda variables: (POINT, (key(variables["id"]),)),
    "list": lambda variables: (LIST, page(variables)),
    "walk": lambda variables: (WALK, page(variables)),
    "nested": lambda variables: (NESTED, (key(variables["id"]),)),
    "filter": filtered,
    "aggregate": lambda variables: (AGGREGATES[variables["groupBy"]], ()),
    "mutation": report,
}


async def answer(request: web.Request) -> web.Response:
    """Run the statement of the operation that the path names."""
    statement, arguments = OPERATIONS[request.match_info["operation"]](orjson.loads(await request.read()))
    text: str = await request.app[POOL].fetchval(statement, *arguments)
    return web.Response(text=text, content_type="application/json")


async def keep(_: Any) -> None:
    """Give a connection back as it is: no statement here leaves anything on it."""


def build_application(database_url: str, connections: int) -> web.Application:
    """The application over a database that the gateway has migrated and filled."""

    async def connect(application: web.Application) -> AsyncIterator[None]:
        limits = {"min_size": connections, "max_size": connections}
        async with asyncpg.create_pool(database_url, reset=keep, **limits) as pool:
            application[POOL] = pool
            yield

    application = web.Application()
    application.router.add_post("/{operation}", answer)
    application.cleanup_ctx.append(connect)
    return application


def main() -> None:
    """Serve until SIGTERM."""
    application = build_application(os.environ["DATABASE_URL"], int(os.environ["CONNECTIONS"]))
    port = int(os.environ["PORT"])
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
