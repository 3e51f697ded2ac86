"""The bytes of artifacts: taking a file, held against its declared size and SHA-256, and finding one to give out.

Who sends or fetches holds a signed address, which was made for somebody who was allowed to; nothing else is asked here.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, select, update

from models.enums import ArtifactStatus
from models.store import Store
from models.tables import ARTIFACT
from services.access import ANONYMOUS
from services.errors import InvalidInput, LimitReached, NotFound, WrongState
from services.storage import Incoming, Storage, StoredFile
from services.unit_of_work import unit_of_work

SECONDS_BETWEEN_CHUNKS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Download:
    """A file to give out and what is known of it; `modified` in whole seconds, as HTTP counts."""

    file: StoredFile
    file_name: str
    sha256: str
    modified: datetime


class Files:
    """Takes and gives out the files of artifacts."""

    def __init__(self, store: Store, storage: Storage) -> None:
        """Rows in `store`, bytes in `storage`."""
        self._store = store
        self._storage = storage

    async def take(self, artifact_id: UUID, announced: int | None, chunks: AsyncIterator[bytes]) -> None:
        """Receive the file of an artifact, `announced` bytes long if that is known; READY when it is all there.

        Raises NotFound, WrongState (uploaded already), LimitReached (more bytes than declared), and InvalidInput
        (fewer, too slow, or of another checksum); nothing is left behind then, nor when the caller goes away.
        """
        declared = await self._declared(artifact_id)
        if declared["status"] is not ArtifactStatus.AWAITING_UPLOAD:
            raise _uploaded()
        if announced is not None:
            _check_length(announced, declared["size"])
        async with self._storage.receive(artifact_id) as incoming:
            await _receive(incoming, chunks, declared["size"])
            if not hmac.compare_digest(await incoming.seal(), declared["sha256"]):
                raise InvalidInput("the bytes have another SHA-256 than was declared")
            await self._keep(artifact_id, incoming)

    async def _declared(self, artifact_id: UUID) -> RowMapping:
        async with self._store.read() as connection:
            found = (await connection.execute(select(ARTIFACT).where(ARTIFACT.c.id == artifact_id))).mappings().first()
        if found is None:
            raise _gone()
        return found

    async def _keep(self, artifact_id: UUID, incoming: Incoming) -> None:
        """Make it READY: the first of several uploads wins. The file is in its place before anybody is told so."""
        async with unit_of_work(self._store, ANONYMOUS, lambda: None) as work:
            ready = (
                update(ARTIFACT)
                .where(ARTIFACT.c.id == artifact_id, ARTIFACT.c.status == ArtifactStatus.AWAITING_UPLOAD)
                .values(status=ArtifactStatus.READY, uploaded_at=work.moment, updated_at=work.moment)
                .returning(ARTIFACT.c.id)
            )
            if (await work.session.execute(ready)).first() is None:
                raise _uploaded() if await work.exists(ARTIFACT.c.id == artifact_id) else _gone()
            await incoming.keep()

    @asynccontextmanager
    async def open(self, artifact_id: UUID) -> AsyncIterator[Download]:
        """Open the file of an artifact; raises NotFound when it is deleted or has not arrived."""
        declared = await self._declared(artifact_id)
        uploaded_at: datetime | None = declared["uploaded_at"]
        if uploaded_at is None:
            raise NotFound("the file has not been uploaded")
        async with self._storage.open(artifact_id) as file:
            yield Download(file, declared["file_name"], declared["sha256"], uploaded_at.replace(microsecond=0))


async def _receive(incoming: Incoming, chunks: AsyncIterator[bytes], size: int) -> None:
    try:
        while True:
            async with asyncio.timeout(SECONDS_BETWEEN_CHUNKS):
                chunk = await anext(chunks, b"")
            if not chunk:
                break
            _check_most(incoming.received + len(chunk), size)
            await incoming.write(chunk)
    except TimeoutError as error:
        raise InvalidInput(f"nothing has come for {SECONDS_BETWEEN_CHUNKS:.0f} seconds") from error
    _check_length(incoming.received, size)


def _check_most(length: int, size: int) -> None:
    if length > size:
        raise LimitReached(f"the file has more than the {size} bytes that were declared")


def _check_length(length: int, size: int) -> None:
    _check_most(length, size)
    if length < size:
        raise InvalidInput(f"the file is incomplete: {length} of {size} bytes")


def _uploaded() -> WrongState:
    return WrongState("the file of this artifact has been uploaded")


def _gone() -> NotFound:
    return NotFound("the artifact does not exist any more")
