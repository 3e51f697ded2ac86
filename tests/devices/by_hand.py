"""The device protocol by hand: a device that is signed in by its key, and what is stored of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from models.enums import AttributeScope
from models.tables import OTA_EXECUTION, THING_ATTRIBUTE
from tests.cast import Cast
from tests.client import Answer

ROOT: Final = "/api/devices"
ATTRIBUTES: Final = f"{ROOT}/v1/inventory/device/attributes"
V1: Final = f"{ROOT}/v1/deployments/device/deployments"
NEXT: Final = f"{V1}/next"
NEXT_V2: Final = f"{ROOT}/v2/deployments/device/deployments/next"
PROVIDES: Final = {"device_type": "pump-2", "artifact_name": "0.9"}


async def pieces(content: Any) -> AsyncIterator[bytes]:
    """JSON as stock clients send it: in chunks, without a length."""
    text = orjson.dumps(content)
    yield text[:5]
    yield text[5:]


class Device:
    """The pump, by its key."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    async def send(self, method: str, path: str, content: Any = None, *, caller: str = "thing") -> Answer:
        body = None if content is None else pieces(content)
        headers = {} if content is None else {"Content-Type": "application/json"}
        token = await self.cast.token(caller)
        return await self.cast.gateway.request(method, path, token=token, headers=headers, data=body)

    async def ask(self, **provides: str) -> Answer:
        return await self.send("POST", NEXT_V2, {"device_provides": {**PROVIDES, **provides}})

    async def offered(self) -> str:
        answer = await self.ask()
        assert answer.status == 200, answer.body
        found: str = answer.json["id"]
        return found

    async def report(self, execution: str, status: str, **more: Any) -> int:
        return (await self.send("PUT", f"{V1}/{execution}/status", {"status": status, **more})).status

    async def log(self, execution: str, content: Any) -> int:
        return (await self.send("PUT", f"{V1}/{execution}/log", content)).status

    async def status(self) -> str:
        """Where its only execution is."""
        value = await self.cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.thing_id == self.cast.thing)
        return str(value.value)

    async def inventory(self) -> dict[str, Any]:
        columns = THING_ATTRIBUTE.c
        mine = (columns.thing_id == self.cast.thing, columns.scope == AttributeScope.INVENTORY)
        return {row.name: row.value for row in await self.cast.rows(THING_ATTRIBUTE.select().where(*mine))}


def told(answer: Answer) -> int:
    """The status of an error, which has the shape of this protocol."""
    assert answer.json.keys() == {"error", "request_id"}
    assert answer.json["error"]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    return answer.status
