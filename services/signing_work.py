"""The work of signing, done in the background by claims: several processes share it, and a dead one is replaced.

Every step may be repeated: the artifact of the signed form is made once for a request, and the log is written together
with the end of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, Table, delete, insert, select, update

from models.columns import now
from models.enums import ArtifactFormat, ArtifactStatus, AttachmentKind, SignedFile, SigningStatus
from models.ids import new_id
from models.store import Store
from models.tables import (
    ARTIFACT,
    ATTACHMENT,
    SIGNATURE,
    SIGNING_KEY,
    SIGNING_REQUEST,
    SIGNING_REQUEST_KEY,
)
from services.access import ANONYMOUS
from services.claims import CLAIM_SECONDS, Claims, scratch
from services.errors import FleetError, NotFound, WrongState
from services.formats.esp_writer import write_signed_image, write_signed_package
from services.formats.mender_writer import write_signed
from services.formats.package import BOOTLOADER
from services.formats.secure_boot import PrivateKey
from services.key_vault import KeyUnreadable, KeyVault
from services.quotas import free_storage
from services.spool import Spool
from services.storage import FileMissing, Storage
from services.unit_of_work import UnitOfWork, unit_of_work
from services.uploads import Files

MAX_AT_ONCE: Final = 20
DESCRIPTION_LENGTH: Final = 1024
RESEALED_AT_ONCE: Final = 100
_COPIED: Final = (
    "organization_id",
    "release_id",
    "private_to_id",
    "name",
    "model",
    "artifact_version",
    "description",
    "format",
    "compatible_types",
    "provides",
    "depends",
    "file_name",
    "info",
    "updates",
)
"""What a signed form has of the artifact that it was made of; what its file says is read from it again."""

log = structlog.get_logger("fleetgraph.signing")


@dataclass(frozen=True, slots=True)
class _Task:
    """A request with everything that it is about; `bootloader` is the attachment that is signed, if one is."""

    request: RowMapping
    artifact: RowMapping
    keys: Sequence[RowMapping]
    bootloader: RowMapping | None


class SigningDuty:
    """Signs what is asked for."""

    name = "signing of artifacts"

    def __init__(
        self,
        store: Store,
        files: Files,
        storage: Storage,
        spool: Spool,
        vault: KeyVault,
        committed: Callable[[], None],
        *,
        seconds: float = CLAIM_SECONDS,
    ) -> None:
        """Files are written in the spool until they are placed; a claim lasts `seconds`."""
        self._store = store
        self._files = files
        self._storage = storage
        self._spool = spool
        self._vault = vault
        self._committed = committed
        self._claims = Claims(store, SIGNING_REQUEST, seconds=seconds)

    async def run(self) -> int:
        """Do what is asked for, twenty requests at most; returns how many have ended, well or not."""
        status = SIGNING_REQUEST.c.status
        waiting = status.in_([SigningStatus.QUEUED, SigningStatus.IN_PROGRESS])
        taken = {"status": SigningStatus.IN_PROGRESS, "description": ""}
        ended = 0
        while ended < MAX_AT_ONCE and (request_id := await self._claims.take(waiting, taken)) is not None:
            async with self._claims.keep(request_id):
                await self._serve(request_id)
            ended += 1
        return ended

    async def _serve(self, request_id: UUID) -> None:
        """Sign what one request asks for, or say why that cannot be."""
        try:
            task = await self._task(request_id)
            signed_id = await self._prepare(task)
            await self._make(task, signed_id)
            await self._conclude(task, signed_id)
        except FleetError as error:
            await self._fail(request_id, error.message)
        except KeyUnreadable:
            log.exception("a signing key does not open", request=str(request_id))
            await self._fail(request_id, "a signing key cannot be opened on this gateway")
        except FileMissing:
            log.exception("a file to be signed is missing", request=str(request_id))
            await self._fail(request_id, "the file is not there any more")

    async def _task(self, request_id: UUID) -> _Task:
        """Everything that a request is about; raises NotFound and WrongState when something of it is gone."""
        async with self._store.read() as connection:
            request = (
                (await connection.execute(select(SIGNING_REQUEST).where(SIGNING_REQUEST.c.id == request_id)))
                .mappings()
                .one()
            )
            artifact = (
                (await connection.execute(select(ARTIFACT).where(ARTIFACT.c.id == request["artifact_id"])))
                .mappings()
                .first()
            )
            named = select(SIGNING_REQUEST_KEY.c.key_id).where(SIGNING_REQUEST_KEY.c.request_id == request_id)
            keys = select(SIGNING_KEY).where(SIGNING_KEY.c.id.in_(named)).order_by(SIGNING_KEY.c.id)
            found = (await connection.execute(keys)).mappings().all()
            bootloaders = (
                select(ATTACHMENT)
                .where(
                    ATTACHMENT.c.artifact_id == request["artifact_id"],
                    ATTACHMENT.c.kind == AttachmentKind.BOOTLOADER,
                    ATTACHMENT.c.uploaded_at.is_not(None),
                )
                .order_by(ATTACHMENT.c.id.desc())
            )
            attached = (await connection.execute(bootloaders.limit(1))).mappings().first()
        if artifact is None or artifact["status"] is not ArtifactStatus.READY or not found:
            raise NotFound("the artifact or its keys are not there any more")
        if not request["sign_bootloader"] or artifact["info"].get("bootloader"):
            attached = None
        elif attached is None:
            raise WrongState("the artifact has no boot loader any more")
        return _Task(request, artifact, found, attached)

    async def _prepare(self, task: _Task) -> UUID:
        """The id of the signed form, whose row is made when the first attempt comes here."""
        made: UUID | None = task.request["signed_artifact_id"]
        if made is not None:
            return made
        signed_id = new_id()
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            row = {name: task.artifact[name] for name in _COPIED} | {
                "id": signed_id,
                "signed_from_id": task.artifact["id"],
                "created_by_id": task.request["created_by_id"],
                "signed": False,
                "status": ArtifactStatus.GENERATING,
                "problem": "",
                "generation": {},
                "version": 1,
                "created_at": work.moment,
                "updated_at": work.moment,
            }
            await work.session.execute(insert(ARTIFACT).values(row))
            if task.bootloader is not None:
                await work.session.execute(insert(ATTACHMENT).values(_beside(task.bootloader, signed_id, work.moment)))
            await work.session.execute(
                update(SIGNING_REQUEST)
                .where(SIGNING_REQUEST.c.id == task.request["id"])
                .values(signed_artifact_id=signed_id, updated_at=work.moment)
            )
        return signed_id

    async def _make(self, task: _Task, signed_id: UUID) -> None:
        """Sign the files, unless an earlier attempt has: the boot loader first, since READY means all is there."""
        async with self._store.read() as connection:
            status = select(ARTIFACT.c.status).where(ARTIFACT.c.id == signed_id)
            if (await connection.execute(status)).scalar_one_or_none() is ArtifactStatus.READY:
                return
            awaited = (ATTACHMENT.c.artifact_id == signed_id, ATTACHMENT.c.uploaded_at.is_(None))
            beside = (await connection.execute(select(ATTACHMENT.c.id).where(*awaited))).scalar_one_or_none()
        keys = [self._vault.open(key["id"], key["private_key"]) for key in task.keys]
        if task.bootloader is not None and beside is not None:
            # Each file has a path of its own: the storage may link what it was given, so that it must not change.
            with scratch(self._spool) as made:
                async with self._files.fetch(task.bootloader["id"]) as path:
                    await asyncio.to_thread(write_signed_image, made, path, keys)
                await self._place(ATTACHMENT, beside, made)
        with scratch(self._spool) as made:
            async with self._files.fetch(task.artifact["id"]) as path:
                await asyncio.to_thread(_write, made, path, task, keys)
            await self._place(ARTIFACT, signed_id, made)

    async def _place(self, table: Table, key: UUID, made: Path) -> None:
        """Place a file, unless a process that has taken over in the meantime was faster: its file is as good."""
        try:
            await self._files.place_made(key, made)
        except WrongState:
            async with self._store.read() as connection:
                uploaded_at = select(table.c.uploaded_at).where(table.c.id == key)
                if (await connection.execute(uploaded_at)).scalar_one_or_none() is None:
                    raise

    async def _conclude(self, task: _Task, signed_id: UUID) -> None:
        """Write the log and the end of the request, together and once."""
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            if not await self._end(work, task.request["id"], SigningStatus.SUCCESS, "every key has signed the file"):
                return
            signed = (await work.session.execute(select(ARTIFACT).where(ARTIFACT.c.id == signed_id))).mappings().one()
            attached = (
                (await work.session.execute(select(ATTACHMENT).where(ATTACHMENT.c.artifact_id == signed_id)))
                .mappings()
                .first()
            )
            lines = _log_lines(task, signed, attached)
            moment = {"created_at": work.moment}
            await work.session.execute(insert(SIGNATURE), [{"id": new_id(), **line, **moment} for line in lines])

    async def _fail(self, request_id: UUID, description: str) -> None:
        log.warning("an artifact could not be signed", request=str(request_id), problem=description)
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            if not await self._end(work, request_id, SigningStatus.FAILED, description[:DESCRIPTION_LENGTH]):
                return
            made = select(SIGNING_REQUEST.c.signed_artifact_id).where(SIGNING_REQUEST.c.id == request_id)
            unfinished = select(ARTIFACT.c.id, ARTIFACT.c.organization_id).where(
                ARTIFACT.c.id == made.scalar_subquery(), ARTIFACT.c.status == ArtifactStatus.GENERATING
            )
            found = (await work.session.execute(unfinished)).first()
            if found is None:
                return
            beside = select(ATTACHMENT.c.id, ATTACHMENT.c.size).where(ATTACHMENT.c.artifact_id == found.id)
            attached = (await work.session.execute(beside)).all()
            await work.session.execute(delete(ARTIFACT).where(ARTIFACT.c.id == found.id))
            await free_storage(work, found.organization_id, sum(each.size or 0 for each in attached))
        await self._storage.remove([each.id for each in attached])

    @staticmethod
    async def _end(work: UnitOfWork, request_id: UUID, status: SigningStatus, description: str) -> bool:
        """End a request; whether this has done so, and nobody before."""
        ended = (
            update(SIGNING_REQUEST)
            .where(SIGNING_REQUEST.c.id == request_id, SIGNING_REQUEST.c.status == SigningStatus.IN_PROGRESS)
            .values(
                status=status,
                description=description,
                claimed_until=None,
                finished_at=work.moment,
                updated_at=work.moment,
                version=SIGNING_REQUEST.c.version + 1,
            )
            .returning(SIGNING_REQUEST.c.id)
        )
        return (await work.session.execute(ended)).first() is not None


def _beside(bootloader: RowMapping, signed_id: UUID, moment: datetime) -> dict[str, Any]:
    """The attachment of a signed form that its signed boot loader will be the file of."""
    return {
        "id": new_id(),
        "organization_id": bootloader["organization_id"],
        "artifact_id": signed_id,
        "kind": AttachmentKind.BOOTLOADER,
        "file_name": bootloader["file_name"],
        "description": bootloader["description"],
        "metadata": {},
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
    }


def _write(made: Path, source: Path, task: _Task, keys: Sequence[PrivateKey]) -> None:
    """Write the signed form of the file of the artifact."""
    kind = task.artifact["format"]
    if kind is ArtifactFormat.MENDER:
        write_signed(made, source, keys[0])
    elif kind is ArtifactFormat.PACKAGE:
        inside = task.request["sign_bootloader"] and task.bootloader is None
        write_signed_package(made, source, task.artifact["file_name"], keys, bootloader=inside)
    else:
        write_signed_image(made, source, keys)


def _log_lines(task: _Task, signed: RowMapping, attached: RowMapping | None) -> list[dict[str, Any]]:
    """What each key has signed: the file, and the boot loader in it or beside it."""
    files = [(SignedFile.FIRMWARE, signed["file_name"], signed["sha256"], None)]
    if attached is not None:
        files.append((SignedFile.BOOTLOADER, attached["file_name"], attached["sha256"], attached["id"]))
    elif task.request["sign_bootloader"]:
        inside = [file for update in signed["updates"] for file in update["files"] if file["name"] == BOOTLOADER]
        files.append((SignedFile.BOOTLOADER, BOOTLOADER, inside[0]["checksum"], None))
    return [
        {
            "organization_id": task.artifact["organization_id"],
            "request_id": task.request["id"],
            "key_id": key["id"],
            "artifact_id": task.artifact["id"],
            "signed_artifact_id": signed["id"],
            "attachment_id": attachment_id,
            "created_by_id": task.request["created_by_id"],
            "file": file,
            "key_name": key["name"],
            "key_digest": key["digest"],
            "artifact_name": signed["name"],
            "file_name": file_name,
            "sha256": sha256,
        }
        for key in task.keys
        for file, file_name, sha256, attachment_id in files
    ]


class SealingDuty:
    """Seals keys anew that were sealed with the secret before a change, so that it can be given up."""

    name = "sealing of signing keys"

    def __init__(self, store: Store, vault: KeyVault) -> None:
        """Looks through all keys once in the life of a process."""
        self._store = store
        self._vault = vault
        self._behind = UUID(int=0)

    async def run(self) -> int:
        """Look at the next hundred keys; returns how many were sealed anew. Those that do not open stay as they are."""
        keys = select(SIGNING_KEY.c.id, SIGNING_KEY.c.private_key).where(SIGNING_KEY.c.id > self._behind)
        async with self._store.read() as connection:
            rows = (await connection.execute(keys.order_by(SIGNING_KEY.c.id).limit(RESEALED_AT_ONCE))).all()
        anew = 0
        for key_id, sealed in rows:
            self._behind = key_id
            if self._vault.is_current(sealed):
                continue
            try:
                private = self._vault.open(key_id, sealed)
            except KeyUnreadable:
                log.exception("a signing key does not open", key=str(key_id))
                continue
            async with unit_of_work(self._store, ANONYMOUS, lambda: None) as work:
                same = (SIGNING_KEY.c.id == key_id, SIGNING_KEY.c.private_key == sealed)
                values = {"private_key": self._vault.seal(key_id, private), "updated_at": now()}
                await work.session.execute(update(SIGNING_KEY).where(*same).values(values))
            anew += 1
        return anew
