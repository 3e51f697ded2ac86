from __future__ import annotations

from models.tables import OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import start_job


async def test_only_an_ended_one(cast: Cast) -> None:
    job = await start_job(cast)
    assert await cast.error("editor", "deleteOtaJob", {"id": job}) == ("WRONG_STATE", ["id"])
    assert await cast.count(OTA_EXECUTION) == 1
    await cast.change("editor", "cancelOtaJob", {"id": job})
    assert await cast.change("editor", "deleteOtaJob", {"id": job}, "deletedId") == {"deletedId": job}
    assert await cast.count(OTA_JOB) == await cast.count(OTA_EXECUTION) == 0


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": job})
    await cast.refused("deleteOtaJob", {"id": job}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB) == 1
