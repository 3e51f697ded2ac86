from __future__ import annotations

from models.enums import EventKind
from models.tables import DEPLOYMENT, EVENT
from tests.cast import Cast, refusals
from tests.ota import assert_counts, deploy, execution_of, status_of

FIELDS = """deployment {
  status abortedAt finishedAt counts { total aborted success } jobs { nodes { status counts { aborted } } }
}"""


async def test_what_is_open_is_aborted_and_what_has_ended_stays(cast: Cast) -> None:
    other, waiting = await cast.add_things(2)
    deployment = await deploy(cast)
    done, running, pending = [await execution_of(cast, thing, deployment) for thing in (cast.thing, other, waiting)]
    await cast.change("thing", "reportOtaExecution", {"executionId": done, "status": "SUCCESS"})
    await cast.change("editor", "reportOtaExecution", {"executionId": running, "status": "INSTALLING"})
    payload = await cast.change("editor", "abortDeployment", {"id": deployment}, FIELDS)
    found = payload["deployment"]
    assert found.pop("abortedAt") == found.pop("finishedAt") is not None
    assert found == {
        "status": "FINISHED",
        "counts": {"total": 3, "aborted": 2, "success": 1},
        "jobs": {"nodes": [{"status": "CANCELLED", "counts": {"aborted": 2}}]},
    }
    assert [await status_of(cast, each) for each in (done, running, pending)] == ["SUCCESS", "ABORTED", "ABORTED"]
    aborted = [row.thing_id for row in await cast.rows(EVENT.select()) if row.detail.get("status") == "ABORTED"]
    assert sorted(aborted) == sorted([other, waiting])
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.DEPLOYMENT_CHANGED) == 4
    await assert_counts(cast)


async def test_reports_that_come_later_are_conflicts(cast: Cast) -> None:
    deployment = await deploy(cast)
    execution = await execution_of(cast, cast.thing, deployment)
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "INSTALLING"})
    await cast.change("editor", "abortDeployment", {"id": deployment})
    for status in ("INSTALLING", "SUCCESS", "FAILURE"):
        late = {"executionId": execution, "status": status}
        assert await cast.error("thing", "reportOtaExecution", late) == ("CONFLICT", ["status"])
    assert await status_of(cast, execution) == "ABORTED"


async def test_a_scheduled_one(cast: Cast) -> None:
    deployment = await deploy(cast, startsAt="2999-01-01T00:00:00Z")
    payload = await cast.change("editor", "abortDeployment", {"id": deployment}, "deployment { status }")
    assert payload["deployment"]["status"] == "FINISHED"


async def test_only_once(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("editor", "abortDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "abortDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.refused("abortDeployment", {"id": deployment}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.aborted_at.is_(None)) == 1
