from __future__ import annotations

from models.enums import EventKind
from models.tables import DEPLOYMENT, EVENT
from resolvers.ota_targets import compile_target
from services.joins import JoinDuty
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


async def test_later_phases_and_those_who_would_join_are_stopped_too(cast: Cast) -> None:
    (joiner,) = await cast.add_things(1)
    phases = [{"count": 1}, {"startsAt": "2999-01-01T00:00:00Z"}]
    deployment = await deploy(cast, phases=phases)
    fields = "deployment { status jobs { nodes { status cancelledAt begunAt } } }"
    found = (await cast.change("editor", "abortDeployment", {"id": deployment}, fields))["deployment"]
    assert found["status"] == "FINISHED"
    assert [job["status"] for job in found["jobs"]["nodes"]] == ["CANCELLED", "CANCELLED"]
    assert all(job["cancelledAt"] is not None for job in found["jobs"]["nodes"])
    assert await status_of(cast, await execution_of(cast, joiner, deployment)) == "ABORTED"
    asks = {"deviceType": "pump", "artifactName": "0.9"}
    assert (await cast.change("thing", "myNextUpdate", asks, "offer { execution { id } }"))["offer"] is None


async def test_a_dynamic_one_grows_no_more(cast: Cast) -> None:
    deployment = await deploy(cast, dynamic=True)
    joins = JoinDuty(cast.store, lambda: None, compile_target)
    await cast.add_things(1)
    assert await joins.run() == 1
    await cast.change("editor", "abortDeployment", {"id": deployment})
    await cast.add_things(1)
    assert await joins.run() == 0
    assert await cast.value(DEPLOYMENT.c.aborted_count) == 2
    await assert_counts(cast)


async def test_a_paused_one(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    payload = await cast.change("editor", "abortDeployment", {"id": deployment}, "deployment { status pausedAt }")
    assert payload["deployment"] == {"status": "FINISHED", "pausedAt": None}


async def test_only_once(cast: Cast) -> None:
    deployment = await deploy(cast)
    stale = {"id": deployment, "expectedVersion": 7}
    assert await cast.error("editor", "abortDeployment", stale) == ("CONFLICT", ["expectedVersion"])
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("editor", "abortDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "abortDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.refused("abortDeployment", {"id": deployment}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT, DEPLOYMENT.c.aborted_at.is_(None)) == 1
