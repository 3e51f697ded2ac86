"""Where stock clients start: a gateway with a tenant token, artifacts by mender-artifact, and looks at what came."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from engine.ids import global_id
from models.enums import AttributeScope, AuthSetStatus, EventKind
from models.tables import AUTH_SET, EVENT, OTA_EXECUTION, THING_ATTRIBUTE
from tests.cast import Cast, org_id, thing_id
from tests.devices.stock import TYPE, StockClient, stock_client, write_artifact

SECONDS: Final = 100.0


@dataclass
class Board:
    """A stock client that was accepted, and the thing that it is."""

    client: StockClient
    thing: UUID


class Depot:
    """A gateway for stock clients; the world in it is that of `cast`."""

    def __init__(self, cast: Cast, folder: Path) -> None:
        self.cast = cast
        self.folder = folder
        self._tenant_token = ""

    async def tenant_token(self) -> str:
        """The token in the settings of the clients."""
        if not self._tenant_token:
            given = {"organizationId": org_id(self.cast.acme), "name": "boards"}
            self._tenant_token = (await self.cast.change("admin", "createTenantToken", given, "secret"))["secret"]
        return self._tenant_token

    @asynccontextmanager
    async def board(self, name: str = "one", **options: Any) -> AsyncIterator[Board]:
        """Start a client, and accept it as soon as it has asked to be."""
        token = await self.tenant_token()
        folder = self.folder / name
        async with stock_client(folder, self.cast.gateway.url, name=name, tenant_token=token, **options) as client:
            key, thing = await self._waiting(client)
            await self.cast.change("editor", "acceptAuthSet", {"id": global_id("authset", key)}, "thing { authStatus }")
            board = Board(client, thing)
            await self.until(board, lambda: self._has_told(thing))
            yield board

    async def _waiting(self, client: StockClient) -> tuple[UUID, UUID]:
        """The auth set of a client, and its thing."""
        async with asyncio.timeout(SECONDS):
            while True:
                client.check()
                for row in await self.cast.rows(AUTH_SET.select().where(AUTH_SET.c.status == AuthSetStatus.PENDING)):
                    if row.identity == {"serial": client.name}:
                        return row.id, row.thing_id
                await asyncio.sleep(0.1)

    async def _has_told(self, thing: UUID) -> bool:
        return "device_type" in await self.inventory(thing)

    async def inventory(self, thing: UUID) -> dict[str, Any]:
        """What a device has said of itself."""
        columns = THING_ATTRIBUTE.c
        mine = (columns.thing_id == thing, columns.scope == AttributeScope.INVENTORY)
        return {row.name: row.value for row in await self.cast.rows(THING_ATTRIBUTE.select().where(*mine))}

    async def until(self, board: Board, holds: Callable[[], Any]) -> None:
        """Wait until something holds, for as long as the client lives, for a bounded time."""
        async with asyncio.timeout(SECONDS):
            while not await holds():
                board.client.check()
                await asyncio.sleep(0.1)

    async def artifact(self, name: str, *, device_type: str = TYPE, size: int = 4096) -> str:
        """Upload a `.mender` of `size` random bytes, which says all of itself; gives the id of its release."""
        content = self.folder / f"{name}.bin"
        content.write_bytes(os.urandom(size))
        path = write_artifact(self.folder / f"{name}.mender", name=name, content=content, device_type=device_type)
        given = {"organizationId": org_id(self.cast.acme), "fileName": path.name, "format": "MENDER"}
        made = await self.cast.change("editor", "createArtifact", given, "artifact { id } uploadUrl")
        answer = await self.cast.gateway.request("PUT", made["uploadUrl"], data=BytesIO(path.read_bytes()))
        assert answer.status == 201, answer.body
        query = "query ($id: ID!) { artifact(id: $id) { compatibleTypes release { id name } } }"
        artifact = (await self.cast.data("editor", query, made["artifact"]))["artifact"]
        assert (artifact["release"]["name"], artifact["compatibleTypes"]) == (name, [device_type])
        return str(artifact["release"]["id"])

    async def deploy(self, release: str, boards: Sequence[Board], **more: Any) -> str:
        """A deployment to these boards."""
        target = {"thingIds": [thing_id(board.thing) for board in boards]}
        given = {"organizationId": org_id(self.cast.acme), "name": "June", "target": target, "releaseId": release}
        made = await self.cast.change("editor", "createDeployment", {**given, **more}, "deployment { id }")
        return str(made["deployment"]["id"])

    async def status(self, board: Board) -> str:
        """Where the update of a board is."""
        return str((await self.cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.thing_id == board.thing)).value)

    async def until_status(self, board: Board, *statuses: str) -> None:
        """Wait until the update of a board is in one of these."""

        async def is_there() -> bool:
            return await self.status(board) in statuses

        await self.until(board, is_there)

    async def course(self, board: Board) -> list[str]:
        """The statuses of a board's update, in the order of the event log, each change once."""
        statement = (
            EVENT.select()
            .where(EVENT.c.thing_id == board.thing, EVENT.c.kind == EventKind.OTA_EXECUTION_CHANGED)
            .order_by(EVENT.c.sequence)
        )
        seen: list[str] = []
        for row in await self.cast.rows(statement):
            status = str(row.detail["status"])
            if seen[-1:] != [status]:
                seen.append(status)
        return seen

    async def log(self, board: Board) -> list[dict[str, str]]:
        """The log of a board's update, as the graph shows it."""
        query = "query ($id: ID!) { thing(id: $id) { executions(first: 1) { nodes { log { level message } } } } }"
        data = await self.cast.data("viewer", query, {"id": thing_id(board.thing)})
        (execution,) = data["thing"]["executions"]["nodes"]
        return list(execution["log"])
