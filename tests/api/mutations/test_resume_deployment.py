from __future__ import annotations

from typing import Any

from models.enums import DeploymentStatus
from models.tables import DEPLOYMENT
from tests.cast import Cast, refusals
from tests.ota import deploy, execution_of

FIELDS = "deployment { status pausedAt stopReason jobs { nodes { status pausedAt } } }"
LATER = "2999-01-01T00:00:00Z"


async def pause_and_resume(cast: Cast, deployment: str) -> dict[str, Any]:
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    found: dict[str, Any] = (await cast.change("editor", "resumeDeployment", {"id": deployment}, FIELDS))["deployment"]
    return found


async def test_it_is_what_it_would_be(cast: Cast) -> None:
    await cast.add_things(1)
    deployment = await deploy(cast)
    running = {"status": "IN_PROGRESS", "pausedAt": None}
    found = await pause_and_resume(cast, deployment)
    assert found == {"status": "PENDING", "pausedAt": None, "stopReason": "", "jobs": {"nodes": [running]}}
    execution = await execution_of(cast, cast.thing, deployment)
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "DOWNLOADING"})
    assert (await pause_and_resume(cast, deployment))["status"] == "IN_PROGRESS"
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "SUCCESS"})
    assert (await pause_and_resume(cast, deployment))["status"] == "IN_PROGRESS"


async def test_a_scheduled_one_waits_for_its_time(cast: Cast) -> None:
    found = await pause_and_resume(cast, await deploy(cast, startsAt=LATER))
    assert found["status"] == "SCHEDULED"
    assert [job["status"] for job in found["jobs"]["nodes"]] == ["SCHEDULED"]


async def test_an_attempt_that_failed_has_begun_it(cast: Cast) -> None:
    deployment = await deploy(cast, retries=1)
    execution = await execution_of(cast, cast.thing, deployment)
    for status in ("DOWNLOADING", "FAILURE"):
        await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": status})
    assert (await pause_and_resume(cast, deployment))["status"] == "IN_PROGRESS"


async def test_a_job_that_was_paused_by_itself_goes_on_too(cast: Cast) -> None:
    deployment = await deploy(cast)
    query = "query ($id: ID!) { deployment(id: $id) { jobs { nodes { id } } } }"
    (job,) = (await cast.data("viewer", query, {"id": deployment}))["deployment"]["jobs"]["nodes"]
    await cast.change("editor", "pauseOtaJob", job)
    found = await pause_and_resume(cast, deployment)
    assert [each["status"] for each in found["jobs"]["nodes"]] == ["IN_PROGRESS"]


async def test_only_what_is_paused(cast: Cast) -> None:
    deployment = await deploy(cast)
    assert await cast.error("editor", "resumeDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    stale = {"id": deployment, "expectedVersion": 1}
    assert await cast.error("editor", "resumeDeployment", stale) == ("CONFLICT", ["expectedVersion"])
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("editor", "resumeDeployment", {"id": deployment}) == ("WRONG_STATE", ["id"])
    assert await cast.error("editor", "resumeDeployment", {"id": "deployment_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    deployment = await deploy(cast)
    await cast.change("editor", "pauseDeployment", {"id": deployment})
    await cast.refused("resumeDeployment", {"id": deployment}, refusals(viewer="FORBIDDEN"))
    assert await cast.value(DEPLOYMENT.c.status) is DeploymentStatus.PAUSED
