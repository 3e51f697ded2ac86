"""Requests to sign the file of an artifact, and what comes of them: a signed form, and a log that nobody can change.

A request is work for a duty of the scheduler (`services.signing_work`). The signed form is an artifact of its own that
names the one it was made of; a thing never picks it by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, case, func, insert, select

from models import ArtifactRow, SigningRequestRow
from models.enums import ArtifactFormat, ArtifactStatus, AttachmentKind, KeySpec, Permission, SigningStatus
from models.tables import ARTIFACT, ATTACHMENT, SIGNING_KEY, SIGNING_REQUEST, SIGNING_REQUEST_KEY
from services.errors import InvalidInput, NotFound, WrongState
from services.formats.secure_boot import MAX_KEYS
from services.lookups import look_up
from services.signing_keys import find_keys
from services.unit_of_work import UnitOfWork
from services.validation import Path
from sql.sets import member_of

MAX_TRIES: Final = 20
_OPEN: Final = (SigningStatus.QUEUED, SigningStatus.IN_PROGRESS)
_ESP: Final = (ArtifactFormat.ESP_IMAGE, ArtifactFormat.PACKAGE)


async def create(
    work: UnitOfWork,
    artifact_id: UUID,
    *,
    key_ids: Sequence[UUID] | None = None,
    key_digests: Sequence[str] | None = None,
    sign_bootloader: bool = False,
) -> UUID:
    """Ask for an artifact to be signed with all of some keys, by their ids or the digests of their public parts.

    Raises NotFound, Forbidden, InvalidInput, and WrongState for an artifact whose file cannot be signed, and without a
    boot loader that could be (rainmaker.signing.sign-image, rainmaker.signing.sign-bootloader).
    """
    artifact = await look_up(work, ArtifactRow, artifact_id, Permission.SIGNING_WRITE, ("artifactId",))
    keys = await find_keys(work, artifact["organization_id"], ids=key_ids, digests=key_digests)
    _check_artifact(artifact)
    check_keys(artifact["format"], [spec for _, spec in keys], ("keyIds" if key_digests is None else "keyDigests",))
    if sign_bootloader and not await _has_bootloader(work, artifact):
        raise WrongState("the artifact has no boot loader", ("signBootloader",))
    request = {"created_by_id": work.access.user_id, "sign_bootloader": sign_bootloader}
    return await _queue(work, artifact, [key for key, _ in keys], request)


async def provide(
    work: UnitOfWork, artifact_id: UUID, key_ids: Sequence[UUID], job_id: UUID | None = None
) -> UUID | None:
    """The artifact that is the signed form of another one, made with exactly these keys, when it is READY.

    Until then None; the first who asks queues the request. Nothing of the caller's access is asked. Raises NotFound for
    an artifact or a key that is gone, InvalidInput and WrongState for what can never be signed, and WrongState when it
    was tried and failed (rainmaker.ota.job-sign-with-keys, rainmaker.ota.job-sign-auto-key).
    """
    wanted = list(dict.fromkeys(key_ids))
    found = await _latest(work, artifact_id, wanted)
    if found is not None and found["status"] is SigningStatus.FAILED:
        raise WrongState(f"the file could not be signed: {found['description']}")
    if found is not None and found["status"] in _OPEN:
        return None
    if found is not None and found["ready_id"] is not None:
        ready: UUID = found["ready_id"]
        return ready
    statement = select(ARTIFACT).where(ARTIFACT.c.id == artifact_id).with_for_update()
    artifact = (await work.session.execute(statement)).mappings().first()
    if artifact is None:
        raise NotFound("the artifact is not there any more")
    # Whoever came first has queued it while the row was waited for.
    found = await _latest(work, artifact_id, wanted)
    if found is not None and found["status"] in _OPEN:
        return None
    _check_artifact(artifact)
    keys = select(SIGNING_KEY.c.spec).where(
        member_of(SIGNING_KEY.c.id, wanted), SIGNING_KEY.c.organization_id == artifact["organization_id"]
    )
    specs = list((await work.session.execute(keys)).scalars())
    if len(specs) != len(wanted):
        raise NotFound("a signing key is not there any more")
    check_keys(artifact["format"], specs)
    await _queue(work, artifact, wanted, {"job_id": job_id})
    return None


def check_keys(kind: ArtifactFormat, specs: Sequence[KeySpec], path: Path = ("keyIds",)) -> None:
    """Whether a file of this format can be signed with keys of these kinds; raises InvalidInput and WrongState.

    A `.mender` takes one signature; a sector of secure boot takes three, of one kind.
    """
    if kind is ArtifactFormat.RAW:
        raise WrongState("a raw file has no place for a signature")
    most = 1 if kind is ArtifactFormat.MENDER else MAX_KEYS
    if not 1 <= len(specs) <= most:
        number = "one key" if most == 1 else f"1 to {most} keys"
        raise InvalidInput(f"a file of this format is signed with {number}", path)
    if len(Counter(specs)) > 1:
        raise InvalidInput("one file is signed with keys of one kind", path)


def _check_artifact(artifact: RowMapping) -> None:
    path = ("artifactId",)
    if artifact["status"] is not ArtifactStatus.READY:
        raise WrongState("the file of the artifact is not there yet", path)
    if artifact["signed_from_id"] is not None:
        raise WrongState("this is a signed form; sign the artifact that it was made of", path)
    if artifact["format"] is ArtifactFormat.RAW:
        raise WrongState("a raw file has no place for a signature", path)
    if artifact["format"] is ArtifactFormat.MENDER and artifact["info"].get("version") == 1:
        raise WrongState("a .mender file of version 1 has no place for a signature", path)


async def _has_bootloader(work: UnitOfWork, artifact: RowMapping) -> bool:
    """Whether there is one in the package or, uploaded, among the attachments."""
    if artifact["format"] not in _ESP:
        return False
    return bool(artifact["info"].get("bootloader")) or await work.exists(
        ATTACHMENT.c.artifact_id == artifact["id"],
        ATTACHMENT.c.kind == AttachmentKind.BOOTLOADER,
        ATTACHMENT.c.uploaded_at.is_not(None),
    )


async def _queue(work: UnitOfWork, artifact: RowMapping, key_ids: Sequence[UUID], values: Mapping[str, Any]) -> UUID:
    request = SigningRequestRow(
        organization_id=artifact["organization_id"],
        artifact_id=artifact["id"],
        created_at=work.moment,
        updated_at=work.moment,
        **values,
    )
    work.session.add(request)
    await work.session.flush()
    rows = [{"request_id": request.id, "key_id": key_id} for key_id in key_ids]
    await work.session.execute(insert(SIGNING_REQUEST_KEY), rows)
    return request.id


async def _latest(work: UnitOfWork, artifact_id: UUID, key_ids: Sequence[UUID]) -> RowMapping | None:
    """The best request for an artifact with exactly these keys: one whose result is there, else the newest.

    Columns: `status`, `description`, and `ready_id`, the signed form. One whose result is gone is none.
    """
    held = func.count(SIGNING_REQUEST_KEY.c.key_id)
    exactly = (
        select(SIGNING_REQUEST_KEY.c.request_id)
        .join(SIGNING_REQUEST, SIGNING_REQUEST.c.id == SIGNING_REQUEST_KEY.c.request_id)
        .where(SIGNING_REQUEST.c.artifact_id == artifact_id)
        .group_by(SIGNING_REQUEST_KEY.c.request_id)
        .having(
            held == len(key_ids),
            held == func.count(case((member_of(SIGNING_REQUEST_KEY.c.key_id, key_ids), 1))),
        )
    )
    ready = (ARTIFACT.c.id == SIGNING_REQUEST.c.signed_artifact_id) & (ARTIFACT.c.status == ArtifactStatus.READY)
    statement = (
        select(SIGNING_REQUEST.c.status, SIGNING_REQUEST.c.description, ARTIFACT.c.id.label("ready_id"))
        .select_from(SIGNING_REQUEST.outerjoin(ARTIFACT, ready))
        .where(SIGNING_REQUEST.c.id.in_(exactly))
        .order_by(ARTIFACT.c.id.is_(None), SIGNING_REQUEST.c.id.desc())
    )
    for row in (await work.session.execute(statement.limit(MAX_TRIES))).mappings():
        if row["status"] is not SigningStatus.SUCCESS or row["ready_id"] is not None:
            return row
    return None
