"""Count the SQL statements of one operation, with the gateway inside this process."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp import web

from bench.fleets import Fleet
from bench.operations import Operation
from gateway import build_application
from services.settings import Settings
from tests.statements import recorded


async def count_statements(fleet: Fleet, operation: Operation, authorization: str | None) -> int:
    """What the second request of the operation executes: access included, opening a transaction not."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = Settings(database_url=fleet.url, data_dir=fleet.data_dir, port=port)
        runner = web.AppRunner(build_application(settings), access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            headers = {} if authorization is None else {"Authorization": authorization}
            async with aiohttp.ClientSession(headers=headers) as session:
                await _ask(session, port, operation)
                with recorded() as seen:
                    await _ask(session, port, operation)
        finally:
            await runner.cleanup()
    return seen.count


async def _ask(session: aiohttp.ClientSession, port: int, operation: Operation) -> None:
    body = {"query": operation.document, "variables": operation.variables}
    async with session.post(f"http://127.0.0.1:{port}/graphql", json=body) as response:
        answer = await response.json(content_type=None)
    if "errors" in answer:
        raise SystemExit(f"{operation.name}: {answer['errors']}")
