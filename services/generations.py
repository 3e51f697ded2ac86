"""Artifacts that the gateway makes: a raw file, packed as a `.mender` file for the update module `single-file`.

The artifact is there at once, GENERATING; a duty of the scheduler writes the file (mender.ota.generate-artifact).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, select, update

from models import ArtifactRow
from models.enums import ArtifactFormat, ArtifactStatus, Permission
from models.store import Store
from models.tables import ARTIFACT
from services import artifact_rules
from services.access import ANONYMOUS
from services.artifact_contents import enter_release
from services.claims import CLAIM_SECONDS, Claims, scratch
from services.errors import FleetError, InvalidInput, NotFound, WrongState
from services.formats.mender_writer import SETTINGS, SingleFile, write_single_file
from services.lookups import enter, look_up
from services.spool import Spool
from services.storage import FileMissing
from services.unit_of_work import UnitOfWork, unit_of_work
from services.uploads import Files
from services.validation import check_name, check_text

DEFAULT_PERMISSIONS: Final = "644"
MAX_AT_ONCE: Final = 10
PROBLEM_LENGTH: Final = 1024
_DESTINATION: Final = re.compile(r"/[^\x00-\x1f\x7f]{0,1023}")
_PERMISSIONS: Final = re.compile(r"[0-7]{3,4}")

log = structlog.get_logger("fleetgraph.generations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made of the file of the artifact `source_id`; None means what is usual.

    `destination` is the folder on the device, `file_name` the name there, `permissions` its mode in octal digits.
    """

    source_id: UUID
    name: str
    compatible_types: Sequence[str]
    destination: str
    file_name: str | None = None
    permissions: str | None = None
    description: str = ""


async def create(work: UnitOfWork, organization_id: UUID, order: Order) -> UUID:
    """Order an artifact; it is GENERATING from now on.

    Raises NotFound, Forbidden, InvalidInput, WrongState when the source is not a raw file that is there, LimitReached
    and Conflict as declaring an artifact does.
    """
    await enter(work, organization_id, Permission.RELEASE_WRITE)
    owned = ARTIFACT.c.organization_id == organization_id
    path = ("sourceArtifactId",)
    source = await look_up(work, ArtifactRow, order.source_id, Permission.RELEASE_READ, path, owned)
    if source["format"] is not ArtifactFormat.RAW or source["status"] is not ArtifactStatus.READY:
        raise WrongState("an artifact is made of a raw file that has arrived", path)
    if source["archived_at"] is not None:
        raise WrongState("the source is archived", path)
    name = check_name(order.name, ("name",))
    types = artifact_rules.check_types(order.compatible_types, ("compatibleTypes",))
    if not types:
        raise InvalidInput("at least one device type is needed", ("compatibleTypes",))
    artifact = ArtifactRow(
        organization_id=organization_id,
        private_to_id=source["private_to_id"],
        name=name,
        artifact_version=name,
        description=check_text(order.description, ("description",)),
        format=ArtifactFormat.MENDER,
        compatible_types=types,
        file_name=artifact_rules.check_file_name(f"{name[:240].replace('/', '-')}.mender"),
        status=ArtifactStatus.GENERATING,
        generation=_arguments(order, source["file_name"]),
        created_at=work.moment,
        updated_at=work.moment,
    )
    # Everything that the file will say is known by now, so it is compared as if it were there.
    artifact.release_id = await enter_release(work, {**artifact.model_dump(), "status": ArtifactStatus.READY})
    work.session.add(artifact)
    await work.session.flush()
    return artifact.id


def _arguments(order: Order, source_name: str) -> dict[str, Any]:
    """The arguments of the update module, checked; raises InvalidInput."""
    destination = order.destination
    if not _DESTINATION.fullmatch(destination) or not {".", ".."}.isdisjoint(destination.split("/")):
        raise InvalidInput("the folder on the device is an absolute path", ("args", "destDir"))
    permissions = order.permissions or DEFAULT_PERMISSIONS
    if not _PERMISSIONS.fullmatch(permissions):
        raise InvalidInput("a mode has three or four octal digits", ("args", "permissions"))
    path = ("args", "fileName")
    try:
        file_name = artifact_rules.check_file_name(order.file_name or source_name)
    except InvalidInput as error:
        raise InvalidInput(error.message, path) from error
    if file_name in SETTINGS:
        raise InvalidInput(f"the update module has a file named {file_name} of its own", path)
    return {
        "type": "single_file",
        "source": str(order.source_id),
        "destDir": check_text(destination, ("args", "destDir")),
        "fileName": file_name,
        "permissions": permissions,
    }


class GenerationDuty:
    """Makes what is ordered; several processes share the work by claims, and take over from those that have died."""

    name = "generation of artifacts"

    def __init__(
        self,
        store: Store,
        files: Files,
        spool: Spool,
        committed: Callable[[], None],
        *,
        seconds: float = CLAIM_SECONDS,
    ) -> None:
        """Files are written in the spool until they are placed; a claim lasts `seconds`."""
        self._store = store
        self._files = files
        self._committed = committed
        self._spool = spool
        self._claims = Claims(store, ARTIFACT, seconds=seconds)

    async def run(self) -> int:
        """Make what is ordered, ten artifacts at most; returns how many have ended, well or not."""
        waiting = (ARTIFACT.c.status == ArtifactStatus.GENERATING) & ARTIFACT.c.signed_from_id.is_(None)
        ended = 0
        while ended < MAX_AT_ONCE and (artifact_id := await self._claims.take(waiting, {})) is not None:
            async with self._claims.keep(artifact_id):
                await self._make(artifact_id)
            ended += 1
        return ended

    async def _make(self, artifact_id: UUID) -> None:
        """Make one, or say why it cannot be made."""
        try:
            ordered = await self._row(artifact_id)
            generation = ordered["generation"]
            source_id = UUID(generation["source"])
            if (await self._row(source_id))["status"] is not ArtifactStatus.READY:
                raise WrongState("the raw file is not there any more")
            said = SingleFile(
                artifact_name=ordered["name"],
                compatible_types=ordered["compatible_types"],
                destination=generation["destDir"],
                file_name=generation["fileName"],
                permissions=generation["permissions"],
                modified=int(cast("datetime", ordered["created_at"]).timestamp()),
            )
            with scratch(self._spool) as made:
                async with self._files.fetch(source_id) as path:
                    await asyncio.to_thread(write_single_file, made, path, said)
                await self._files.place_made(artifact_id, made)
        except (FleetError, FileMissing) as error:
            message = error.message if isinstance(error, FleetError) else "the raw file is not there any more"
            await self._fail(artifact_id, message)

    async def _row(self, artifact_id: UUID) -> RowMapping:
        async with self._store.read() as connection:
            found = (await connection.execute(select(ARTIFACT).where(ARTIFACT.c.id == artifact_id))).mappings().first()
        if found is None:
            raise NotFound("the artifact or the raw file is not there any more")
        return found

    async def _fail(self, artifact_id: UUID, problem: str) -> None:
        log.warning("an artifact could not be made", artifact=str(artifact_id), problem=problem)
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            await work.session.execute(
                update(ARTIFACT)
                .where(ARTIFACT.c.id == artifact_id, ARTIFACT.c.status == ArtifactStatus.GENERATING)
                .values(
                    status=ArtifactStatus.FAILED,
                    problem=problem[:PROBLEM_LENGTH],
                    claimed_until=None,
                    updated_at=work.moment,
                )
            )
