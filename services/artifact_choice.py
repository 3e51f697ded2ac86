"""Which file of a release a thing gets: by its type, and by what the file asks of the software that is there.

mender.ota.assign-artifact-by-device-type, mender.ota.check-update-with-provides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from models.enums import ArtifactStatus
from models.tables import ARTIFACT

DEVICE_TYPE: Final = "device_type"
ARTIFACT_NAME: Final = "artifact_name"
MOST: Final = 1_000
"""Files of one release that are looked at, the newest ones."""

Reading = AsyncConnection | AsyncSession
Software = Mapping[str, Any]
"""What a thing says that it has, by key; its type and the name of its artifact are keys like others."""


class File(NamedTuple):
    """An uploaded file, as it is offered."""

    id: UUID
    name: str
    artifact_version: str
    compatible_types: list[str]
    provides: Mapping[str, Any]
    depends: Mapping[str, Any]
    file_name: str
    size: int
    sha256: str
    md5: str | None


_COLUMNS: Final = [ARTIFACT.c[name] for name in File._fields]


class Shelf:
    """Files as they were when they were first asked for: for as long as one question, or one transaction, takes."""

    def __init__(self, reading: Reading) -> None:
        """Read by `reading`."""
        self._reading = reading
        self._files: dict[UUID, File | None] = {}
        self._releases: dict[tuple[UUID, UUID | None], list[File]] = {}

    async def file(self, artifact_id: UUID) -> File | None:
        """One uploaded file; None when it is not there."""
        if artifact_id not in self._files:
            statement = select(*_COLUMNS).where(ARTIFACT.c.id == artifact_id, ARTIFACT.c.status == ArtifactStatus.READY)
            row = (await self._reading.execute(statement)).first()
            self._files[artifact_id] = None if row is None else File(*row)
        return self._files[artifact_id]

    async def release(self, release_id: UUID, owner: UUID | None) -> list[File]:
        """The files of a release that things may get by a deployment of `owner`, newest first.

        Left out are those that were put away, those of another person alone, and those that were signed for a job.
        """
        if (release_id, owner) not in self._releases:
            private = ARTIFACT.c.private_to_id
            statement = (
                select(*_COLUMNS)
                .where(
                    ARTIFACT.c.release_id == release_id,
                    ARTIFACT.c.status == ArtifactStatus.READY,
                    ARTIFACT.c.archived_at.is_(None),
                    or_(private.is_(None), private == owner) if owner else private.is_(None),
                    ARTIFACT.c.signed_from_id.is_(None),
                )
                .order_by(ARTIFACT.c.id.desc())
                .limit(MOST)
            )
            rows = (await self._reading.execute(statement)).all()
            self._releases[release_id, owner] = [File(*row) for row in rows]
        return self._releases[release_id, owner]


def choose(files: Sequence[File], software: Software) -> File | None:
    """The newest file that names the type of the thing, else the newest that fits every type, or None.

    What either depends on must be met.
    """
    fitting = [file for file in files if _fits(file, software)]
    named = (file for file in fitting if file.compatible_types)
    return next(named, None) or next(iter(fitting), None)


def is_installed(file: File, software: Software) -> bool:
    """Whether the thing runs this file: the name is the same, and nothing that it says is otherwise than in the file.

    A thing need not say all that the file provides: the short form of the question has no room for it.
    """
    if software.get(ARTIFACT_NAME) != file.name:
        return False
    return all(software.get(key, value) == value for key, value in file.provides.items())


def _fits(file: File, software: Software) -> bool:
    if file.compatible_types and software.get(DEVICE_TYPE) not in file.compatible_types:
        return False
    return all(software.get(key) in _allowed(values) for key, values in file.depends.items())


def _allowed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list) else (values,)
