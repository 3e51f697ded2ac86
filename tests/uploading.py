"""Uploads of tests: artifacts declared by mutations, their bytes over HTTP, and looks into the folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from models.tables import ARTIFACT, ORGANIZATION
from tests.cast import Cast, org_id
from tests.client import Answer
from tests.rows import key

UPLOAD: Final = "uploadUrl resumableUploadUrl needsConfirmation"
TUS: Final = {"Tus-Resumable": "1.0.0"}
PIECE: Final = {**TUS, "Content-Type": "application/offset+octet-stream"}


def bare_input(cast: Cast, **more: Any) -> dict[str, Any]:
    """A raw artifact of Acme of which nothing is said that may be left out."""
    return {"organizationId": org_id(cast.acme), "releaseName": "2.0", "fileName": "pump.bin", **more}


async def awaiting(cast: Cast, caller: str = "editor", **more: Any) -> tuple[str, str]:
    """Declare an artifact as `bare_input` does; gives its id and where its file goes."""
    payload = await cast.change(caller, "createArtifact", bare_input(cast, **more), f"artifact {{ id }} {UPLOAD}")
    return payload["artifact"]["id"], payload["resumableUploadUrl"]


async def awaiting_mender(cast: Cast, **more: Any) -> tuple[str, str]:
    """Declare a `.mender`, which says all of itself."""
    given = {"organizationId": org_id(cast.acme), "fileName": "rel-2.mender", "format": "MENDER", **more}
    payload = await cast.change("editor", "createArtifact", given, f"artifact {{ id }} {UPLOAD}")
    return payload["artifact"]["id"], payload["uploadUrl"]


async def put(cast: Cast, url: str, data: bytes, **headers: str) -> Answer:
    """Send a whole file."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await cast.gateway.request("PUT", url, data=data, headers=named)


async def ready(cast: Cast, content: bytes = b"firmware", **more: Any) -> str:
    """An artifact whose file is there."""
    artifact, url = await awaiting(cast, **{"version": "1", "model": "pump", **more})
    answer = await put(cast, url, content)
    assert answer.status == 201, answer.body
    return artifact


async def state(cast: Cast, artifact: str) -> tuple[str, str]:
    """Its status, and what was wrong with its last file."""
    ((status, problem),) = await cast.rows(
        ARTIFACT.select().with_only_columns(ARTIFACT.c.status, ARTIFACT.c.problem).where(ARTIFACT.c.id == key(artifact))
    )
    return status.value, problem


async def used(cast: Cast) -> int:
    """How much of the storage of Acme is used, as it is stored."""
    return int(await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme))


async def limit(cast: Cast, most: int | None) -> None:
    """Let Acme store so many bytes."""
    async with cast.store.write() as session:
        await session.execute(ORGANIZATION.update().where(ORGANIZATION.c.id == cast.acme).values(storage_limit=most))


def kept(tmp_path: Path) -> list[str]:
    """The names of the files in the storage."""
    return sorted(path.name for path in (tmp_path / "data" / "artifacts").rglob("*") if path.is_file())


def spooled(tmp_path: Path) -> list[str]:
    """The names of the files in the spool."""
    return sorted(path.name for path in (tmp_path / "data" / "incoming").rglob("*") if path.is_file())
