"""Mutations of things about their own updates."""

from __future__ import annotations

from collections.abc import Mapping

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from resolvers.next_update import show
from schema.mutations.update import (
    AppendUpdateLogInput,
    AppendUpdateLogPayload,
    MyNextUpdateInput,
    MyNextUpdatePayload,
)
from services import update_logs
from services.errors import InvalidInput
from services.offers import Installed
from services.update_logs import LogLine


@strawberry.type
class UpdateMutations:
    """What things do about their updates, besides reporting on them."""

    @mutation(Permission.OTA_REPORT)
    async def my_next_update(self, info: Info, input: MyNextUpdateInput) -> MyNextUpdatePayload:
        """Ask for the update that you, a thing, are to take now, and say what you have.

        It is marked as offered to you. One that you have already, or that has nothing for you, ends instead.
        """
        offer = await info.context.next_update(_installed(input))
        return MyNextUpdatePayload.of(offer=None if offer is None else show(info.context, offer))

    @mutation(Permission.OTA_REPORT)
    async def append_update_log(self, info: Info, input: AppendUpdateLogInput) -> AppendUpdateLogPayload:
        """Send lines of the log of one of your updates, as the thing; also when the update has ended."""
        execution_id = key("otaexec", input.execution_id, ("executionId",))
        lines = [LogLine(line.occurred_at, line.level, line.message) for line in input.lines]
        write = update_logs.replace if input.replace else update_logs.append
        async with info.context.unit_of_work() as work:
            await write(work, execution_id, lines)
        return AppendUpdateLogPayload.of(ota_execution_id=execution_id)


def _installed(input: MyNextUpdateInput) -> Installed | None:
    """What the thing says that it has, or None when it says nothing.

    Raises InvalidInput for one of type and name without the other, and for what is no object of texts.
    """
    device_type, artifact_name, provides = map(given, (input.device_type, input.artifact_name, input.provides))
    if provides is not None and not isinstance(provides, Mapping):
        raise InvalidInput("an object of texts is expected", ("provides",))
    if device_type is None and artifact_name is None and not provides:
        return None
    if device_type is None or artifact_name is None:
        missing = "deviceType" if device_type is None else "artifactName"
        raise InvalidInput("the type of the thing and the name of what it runs go together", (missing,))
    return Installed(device_type, artifact_name, provides or {})
