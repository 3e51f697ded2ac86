from __future__ import annotations

from models.tables import OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import start_job


async def test_it_comes_back(cast: Cast) -> None:
    key = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": key})
    assert await cast.error("editor", "unarchiveOtaJob", {"id": key}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "archiveOtaJob", {"id": key})
    stale = {"id": key, "expectedVersion": 1}
    assert await cast.error("editor", "unarchiveOtaJob", stale) == ("CONFLICT", ["expectedVersion"])
    payload = await cast.change("editor", "unarchiveOtaJob", {"id": key}, "otaJob { id archivedAt }")
    assert payload["otaJob"] == {"id": key, "archivedAt": None}


async def test_who_may_not(cast: Cast) -> None:
    key = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": key})
    await cast.change("editor", "archiveOtaJob", {"id": key})
    await cast.refused("unarchiveOtaJob", {"id": key}, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "unarchiveOtaJob", {"id": "otajob_" + "0" * 32}) == ("NOT_FOUND", ["id"])
    assert await cast.count(OTA_JOB, OTA_JOB.c.archived_at.is_not(None)) == 1
