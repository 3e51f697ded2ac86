from __future__ import annotations

from models.tables import OTA_JOB
from tests.cast import Cast, refusals
from tests.ota import start_job


async def test_a_patch(cast: Cast) -> None:
    job = await start_job(cast)
    change = {"id": job, "expectedVersion": 1, "priority": 10}
    payload = await cast.change("editor", "updateOtaJob", change, "otaJob { name priority version }")
    assert payload["otaJob"] == {"name": "One", "priority": 10, "version": 2}
    assert await cast.error("editor", "updateOtaJob", change) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateOtaJob", {"id": job, "name": ""}) == ("INVALID_INPUT", ["name"])


async def test_an_ended_one_keeps_its_priority(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.change("editor", "cancelOtaJob", {"id": job})
    assert await cast.error("editor", "updateOtaJob", {"id": job, "priority": 1}) == ("WRONG_STATE", ["priority"])


async def test_rules(cast: Cast) -> None:
    job = await start_job(cast)
    change = {"id": job, "description": "New.", "metadata": {"a": 1}, "stop": {"percent": 7}}
    change["window"] = {"start": 60, "end": 0}
    select = "otaJob { description metadata stopPercent stopMinimum windowStart windowEnd version }"
    payload = await cast.change("editor", "updateOtaJob", change, select)
    assert payload["otaJob"] == {
        "description": "New.",
        "metadata": {"a": 1},
        "stopPercent": 7,
        "stopMinimum": 1,
        "windowStart": 60,
        "windowEnd": 0,
        "version": 2,
    }
    await cast.change("editor", "cancelOtaJob", {"id": job})
    late = {"id": job, "window": None}
    assert await cast.error("editor", "updateOtaJob", late) == ("WRONG_STATE", ["window"])


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    await cast.refused("updateOtaJob", {"id": job, "name": "x"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB, OTA_JOB.c.name == "One") == 1
