"""The two doors through which a simulated thing asks for updates: the graph, and the device protocol over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

from demo.link import Link
from models.enums import OtaExecutionStatus as Status


class DoorName(StrEnum):
    """What the doors are called on the command line."""

    GRAPHQL = "graphql"
    MENDER = "mender"


@dataclass(frozen=True, slots=True)
class Software:
    """What a thing has: its hardware, the name of the artifact on it, and what else it provides."""

    device_type: str
    artifact_name: str
    provides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offered:
    """An update that the thing is to take; `execution_id` as the door calls it."""

    execution_id: str
    artifact_name: str
    url: str
    sha256: str | None = None


class Door(Protocol):
    """Asks and reports as the thing that holds `key`; all raise Away and Refused."""

    async def next_update(self, key: str, software: Software) -> Offered | None:
        """What the thing is to install now; None for nothing."""

    async def report(self, key: str, offered: Offered, status: Status, substate: str, progress: int) -> bool:
        """Tell of a step or a result; False when the update was taken back, or is over."""

    async def introduce(self, key: str, software: Software) -> None:
        """Tell what the thing has."""


_NEXT: Final = """
mutation Next($input: MyNextUpdateInput!) {
  myNextUpdate(input: $input) {
    offer { execution { id } artifactName sha256 downloadUrl }
    userErrors { code }
  }
}
"""
_REPORT: Final = """
mutation ReportUpdate($input: ReportOtaExecutionInput!) {
  reportOtaExecution(input: $input) { userErrors { code } }
}
"""


class GraphQLDoor:
    """`myNextUpdate` and `reportOtaExecution`."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link

    async def next_update(self, key: str, software: Software) -> Offered | None:
        """Ask; what is answered with an error is no update."""
        given = {
            "deviceType": software.device_type,
            "artifactName": software.artifact_name,
            "provides": software.provides,
        }
        answer = await self._link.ask(key, _NEXT, {"input": given})
        offer = (answer.payload or {}).get("offer")
        if answer.codes or offer is None:
            return None
        return Offered(offer["execution"]["id"], offer["artifactName"], offer["downloadUrl"], offer["sha256"])

    async def report(self, key: str, offered: Offered, status: Status, substate: str, progress: int) -> bool:
        """Report; an error means that the update is no longer the thing's to carry out."""
        given = {
            "executionId": offered.execution_id,
            "status": status.value,
            "substate": substate,
            "progress": progress,
        }
        return not (await self._link.ask(key, _REPORT, {"input": given})).codes

    async def introduce(self, key: str, software: Software) -> None:
        """Nothing to do: each question says what the thing has."""


_ROOT: Final = "/api/devices"
_WORDS: Final = {
    Status.DOWNLOADING: "downloading",
    Status.INSTALLING: "installing",
    Status.REBOOTING: "rebooting",
    Status.SUCCESS: "success",
    Status.FAILURE: "failure",
}


class MenderDoor:
    """The device protocol of Mender, with the key of the thing in place of a token."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link

    async def next_update(self, key: str, software: Software) -> Offered | None:
        """Ask by the second version; the checksum is in the ETag of the download."""
        named = {"device_type": software.device_type, "artifact_name": software.artifact_name}
        path = f"{_ROOT}/v2/deployments/device/deployments/next"
        status, content = await self._link.send("POST", path, key, {"device_provides": {**software.provides, **named}})
        if status != HTTPStatus.OK:
            return None
        artifact = content["artifact"]
        return Offered(content["id"], artifact["artifact_name"], artifact["source"]["uri"])

    async def report(self, key: str, offered: Offered, status: Status, substate: str, progress: int) -> bool:
        """Report; this protocol knows no progress."""
        path = f"{_ROOT}/v1/deployments/device/deployments/{offered.execution_id}/status"
        content: dict[str, Any] = {"status": _WORDS[status], "substate": substate}
        return (await self._link.send("PUT", path, key, content))[0] == HTTPStatus.NO_CONTENT

    async def introduce(self, key: str, software: Software) -> None:
        """Send an inventory."""
        names = {"device_type": software.device_type, "artifact_name": software.artifact_name}
        values = {**software.provides, **names}
        attributes = [{"name": name, "value": value} for name, value in values.items()]
        await self._link.send("PATCH", f"{_ROOT}/v1/inventory/device/attributes", key, attributes)


def open_door(name: DoorName, link: Link) -> Door:
    """The door of this name."""
    return MenderDoor(link) if name is DoorName.MENDER else GraphQLDoor(link)
