"""What waits for a thing: read by the driver itself, with one statement, whatever else the fleet is about.

Things ask for their next update far more often than there is one. So all that decides about "nothing" stands in this
one statement, which goes by the id of the thing and the index of its open updates: the key that it signs in with, what
it last said of its software, its updates, and where their jobs are.

Keys are 32 hex digits, JSON is text and moments are aware `datetime`s, whichever the database is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from models.readers import Rows
from models.store import Store


class WaitingThing(NamedTuple):
    """The thing; `time_zone` is that of its organization unless it has its own."""

    organization_id: str
    home_group_id: str | None
    key_digest: bytes
    type: str
    software: str
    boot_key_digests: str
    time_zone: str


class WaitingUpdate(NamedTuple):
    """An open update of the thing, with what its job and deployment say about giving it out."""

    id: str
    status: str
    version: int
    device_type: str
    artifact_id: str | None
    offered_at: datetime | None
    approved_at: datetime | None
    deployment_id: str | None
    job_id: str
    job_artifact_id: str | None
    job_status: str
    priority: int
    approval: bool
    share_file: bool
    signing: str
    window_start: int | None
    window_end: int | None
    expires_at: datetime | None
    description: str
    metadata: str
    release_id: str | None
    deployed_by_id: str | None
    deployment_status: str | None


class Waiting(NamedTuple):
    """A thing and its open updates, 100 at most: first those that it was told of, then those of running jobs."""

    thing: WaitingThing
    updates: list[WaitingUpdate]


_PLACE: Final = len(WaitingThing._fields)
_AT: Final = _PLACE + WaitingUpdate._fields.index("status")
_TEXT: Final = """
SELECT thing.organization_id, thing.home_group_id, thing.key_digest, thing.type, thing.software, thing.boot_key_digests,
  COALESCE(thing.time_zone, organization.time_zone),
  ota_execution.id, ota_execution.status, ota_execution.version, ota_execution.device_type, ota_execution.artifact_id,
  ota_execution.offered_at, ota_execution.approved_at, ota_execution.deployment_id,
  ota_job.id, ota_job.artifact_id, ota_job.status, ota_job.priority, ota_job.approval, ota_job.share_file,
  ota_job.signing, ota_job.window_start, ota_job.window_end, ota_job.expires_at, ota_job.description,
  ota_job.metadata, deployment.release_id, deployment.created_by_id, deployment.status
FROM thing JOIN organization ON organization.id = thing.organization_id
LEFT JOIN ota_execution ON ota_execution.thing_id = thing.id AND ota_execution.finished_at IS NULL
LEFT JOIN ota_job ON ota_job.id = ota_execution.job_id
LEFT JOIN deployment ON deployment.id = ota_execution.deployment_id
WHERE thing.id = {key}
ORDER BY CASE WHEN ota_execution.status IN ('PENDING', 'AWAITING_APPROVAL', 'DELAYED')
    THEN CASE WHEN ota_job.status = 'IN_PROGRESS' THEN 1 ELSE 2 END ELSE 0 END,
  ota_job.priority, ota_execution.id
LIMIT 100
"""
_TEXTS: Final = {"postgresql": _TEXT.format(key="$1"), "sqlite": _TEXT.format(key="?")}


async def read_waiting(store: Store, thing_id: UUID) -> Waiting | None:
    """What waits for a thing, with one statement and in no transaction; None when there is no such thing."""
    (found,) = await read_all_waiting(store, [thing_id])
    return found


async def read_all_waiting(store: Store, thing_ids: Sequence[UUID]) -> list[Waiting | None]:
    """What waits for each of several things, with a statement for each, one after the other on one connection."""
    answers = await store.readers.read([(_TEXTS[store.dialect], (key.hex,)) for key in thing_ids])
    return [_waiting(rows) for rows in answers]


def _waiting(rows: Rows) -> Waiting | None:
    if not rows:
        return None
    updates = [_update(row) for row in rows] if rows[0][_AT] is not None else []
    return Waiting(WaitingThing(*rows[0][:_PLACE]), updates)


def _update(row: Any) -> WaitingUpdate:
    update = WaitingUpdate(*row[_PLACE:])
    return update._replace(
        offered_at=_moment(update.offered_at),
        approved_at=_moment(update.approved_at),
        approval=bool(update.approval),
        share_file=bool(update.share_file),
        expires_at=_moment(update.expires_at),
    )


def _moment(value: Any) -> datetime | None:
    """SQLite gives moments as text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
