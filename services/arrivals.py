"""What happens to a file that has come whole into the spool: checked, read, placed, and told of in the row."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, Table, select, update

from models.enums import ArtifactFormat, ArtifactStatus
from models.store import Store
from models.tables import ARTIFACT, ATTACHMENT, ORGANIZATION
from services.access import ANONYMOUS
from services.artifact_contents import enter_release, settle
from services.artifact_rules import MEBIBYTE, most_bytes
from services.errors import FleetError, InvalidInput, LimitReached, NotFound, WrongState
from services.formats.reading import Content, read_content
from services.quotas import check_room, take_storage
from services.spool import Digests
from services.storage import Storage
from services.unit_of_work import UnitOfWork, unit_of_work

ATTACHMENT_BYTES: Final = 100 * MEBIBYTE
PROBLEM_LENGTH: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The file of an artifact or an attachment as it was declared, and whether it is awaited.

    `size` in bytes, digests in hex; None for what was not declared. `most` is the largest size that is taken.
    """

    id: UUID
    file_name: str
    format: ArtifactFormat | None
    status: ArtifactStatus
    size: int | None
    sha256: str | None
    md5: str | None
    uploaded_at: datetime | None
    most: int
    storage_limit: int | None
    storage_used: int

    def require_awaited(self) -> None:
        """Raise WrongState when the file is there, or made by the gateway."""
        if self.status is not ArtifactStatus.AWAITING_UPLOAD:
            raise WrongState("the file has been uploaded")

    def check_length(self, length: int) -> None:
        """Whether a file of this length may come; raises LimitReached above, and InvalidInput below."""
        self.check_most(length)
        if length < (self.size or 1):
            raise InvalidInput(f"the file is incomplete: {length} of {self.size or 'some'} bytes")

    def check_most(self, length: int) -> None:
        """Whether so many bytes may have come of it; raises LimitReached."""
        if self.size is not None and length > self.size:
            raise LimitReached(f"the file has more than the {self.size} bytes that were declared")
        if length > self.most:
            raise LimitReached(f"the file has more than the {self.most} bytes that are taken")
        check_room(length, limit=self.storage_limit, used=self.storage_used)

    def check(self, found: Digests) -> None:
        """Hold a whole file against what was declared."""
        self.check_length(found.size)
        if self.sha256 is not None and not hmac.compare_digest(found.sha256, self.sha256):
            raise InvalidInput("the bytes have another SHA-256 than was declared")
        if self.md5 is not None and not hmac.compare_digest(found.md5, self.md5):
            raise InvalidInput("the bytes have another MD5 than was declared")


class Arrivals:
    """Takes whole files into the storage. Who sends them was allowed to before; nothing is asked here."""

    def __init__(self, store: Store, storage: Storage, max_bytes: int) -> None:
        """`max_bytes` is the largest artifact that is taken; an attachment may have 100 MiB."""
        self._store = store
        self._storage = storage
        self._max_bytes = max_bytes

    async def expected(self, file_id: UUID) -> Expected:
        """What is declared of a file; raises NotFound when its artifact or attachment is gone."""
        organization = (ORGANIZATION.c.storage_limit, ORGANIZATION.c.storage_used)
        async with self._store.read() as connection:
            for table in (ARTIFACT, ATTACHMENT):
                owned = table.join(ORGANIZATION, ORGANIZATION.c.id == table.c.organization_id)
                statement = select(table, *organization).select_from(owned).where(table.c.id == file_id)
                found = (await connection.execute(statement)).mappings().first()
                if found is not None:
                    return self._expected(found)
        raise _gone()

    def _expected(self, row: RowMapping) -> Expected:
        uploaded = ArtifactStatus.AWAITING_UPLOAD if row["uploaded_at"] is None else ArtifactStatus.READY
        kind: ArtifactFormat | None = row.get("format")
        return Expected(
            id=row["id"],
            file_name=row["file_name"],
            format=kind,
            status=row.get("status", uploaded),
            size=row["size"],
            sha256=row["sha256"],
            md5=row["md5"],
            uploaded_at=row["uploaded_at"],
            most=ATTACHMENT_BYTES if kind is None else most_bytes(kind, self._max_bytes),
            storage_limit=row["storage_limit"],
            storage_used=row["storage_used"],
        )

    async def accept(
        self, expected: Expected, path: Path, found: Digests, awaited: ArtifactStatus = ArtifactStatus.AWAITING_UPLOAD
    ) -> ArtifactStatus:
        """Check, read and place the whole file at `path`, which stays; the first of several wins.

        Raises NotFound, WrongState unless the status is `awaited`, InvalidInput for a file that is not what was
        declared or not what its format asks for, Conflict, and LimitReached (storage); nothing is kept then. The file
        is in its place before anybody is told so.
        """
        expected.check(found)
        content = None
        if expected.format is not None:
            content = await asyncio.to_thread(read_content, path, expected.format, expected.file_name)
        async with (
            self._storage.bring(expected.id, path, expected.file_name) as placement,
            unit_of_work(self._store, ANONYMOUS, lambda: None) as work,
        ):
            if content is None:
                owner, status = await _fill_attachment(work, expected.id, found), ArtifactStatus.READY
            else:
                owner, status = await _fill_artifact(work, expected.id, content, found, awaited)
            await take_storage(work, owner, found.size)
            await placement.keep()
        return status

    async def touch(self, expected: Expected) -> None:
        """Note that somebody goes on with a file, so that it does not count as abandoned."""
        table = ATTACHMENT if expected.format is None else ARTIFACT
        async with unit_of_work(self._store, ANONYMOUS, lambda: None) as work:
            await work.session.execute(update(table).where(table.c.id == expected.id).values(updated_at=work.moment))

    async def refuse(self, expected: Expected, error: FleetError) -> None:
        """Tell in the row why the last file was refused."""
        if expected.format is None or isinstance(error, NotFound | WrongState):
            return
        async with unit_of_work(self._store, ANONYMOUS, lambda: None) as work:
            awaited = (ARTIFACT.c.id == expected.id, ARTIFACT.c.status == ArtifactStatus.AWAITING_UPLOAD)
            problem = {"problem": error.message[:PROBLEM_LENGTH], "updated_at": work.moment}
            await work.session.execute(update(ARTIFACT).where(*awaited).values(problem))

    @staticmethod
    def against(expected: Expected, sha256: str | None) -> Expected:
        """The same, held against another SHA-256 that is given later; raises InvalidInput when one was declared."""
        if sha256 is None or sha256 == expected.sha256:
            return expected
        if expected.sha256 is not None:
            raise InvalidInput("another SHA-256 was declared", ("sha256",))
        return replace(expected, sha256=sha256)


async def _fill_artifact(
    work: UnitOfWork, artifact_id: UUID, content: Content, found: Digests, awaited: ArtifactStatus
) -> tuple[UUID, ArtifactStatus]:
    row = dict(await _lock(work, ARTIFACT, artifact_id))
    if row["status"] is not awaited:
        raise WrongState("the file has been uploaded")
    said = settle(row, content)
    status: ArtifactStatus = said["status"]
    release_id = await enter_release(work, {**row, **said})
    await _write(work, ARTIFACT, artifact_id, found, {**said, "release_id": release_id, "problem": ""})
    owner: UUID = row["organization_id"]
    return owner, status


async def _fill_attachment(work: UnitOfWork, attachment_id: UUID, found: Digests) -> UUID:
    row = await _lock(work, ATTACHMENT, attachment_id)
    if row["uploaded_at"] is not None:
        raise WrongState("the file has been uploaded")
    await _write(work, ATTACHMENT, attachment_id, found, {})
    owner: UUID = row["organization_id"]
    return owner


async def _lock(work: UnitOfWork, table: Table, file_id: UUID) -> Mapping[Any, Any]:
    statement = select(table).where(table.c.id == file_id).with_for_update()
    row = (await work.session.execute(statement)).mappings().first()
    if row is None:
        raise _gone()
    return row


async def _write(work: UnitOfWork, table: Table, file_id: UUID, found: Digests, said: dict[str, Any]) -> None:
    """An upload is no edit: the version stays."""
    arrived = {"size": found.size, "sha256": found.sha256, "md5": found.md5}
    moments = {"uploaded_at": work.moment, "updated_at": work.moment}
    await work.session.execute(update(table).where(table.c.id == file_id).values(said | arrived | moments))


def _gone() -> NotFound:
    return NotFound("the artifact or attachment does not exist any more")
