"""Updates over the air through the API: an uploaded artifact, a campaign, and reports on it."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

from engine.ids import global_id
from models.counts import count_column
from models.enums import OtaExecutionStatus
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, org_id
from tests.rows import key

FILE: Final = b"firmware of the tests"


def artifact_input(cast: Cast, **more: Any) -> dict[str, Any]:
    """An artifact of Acme that fits every type, in release 1.0, whose file is FILE."""
    sha256 = hashlib.sha256(FILE).hexdigest()
    named = {"organizationId": org_id(cast.acme), "releaseName": "1.0", "fileName": "pump.bin"}
    named |= {"version": "1.0.0", "model": "pump"}
    return {**named, "size": len(FILE), "sha256": sha256, **more}


async def declare(cast: Cast, **more: Any) -> dict[str, Any]:
    """Declare an artifact; gives `artifact`, `uploadUrl` and `uploadExpiresAt`."""
    select = "artifact { id release { id } } uploadUrl uploadExpiresAt"
    payload: dict[str, Any] = await cast.change("editor", "createArtifact", artifact_input(cast, **more), select)
    return payload


async def upload(cast: Cast, **more: Any) -> tuple[str, str]:
    """An artifact with its file; gives its id and that of its release."""
    declared = await declare(cast, **more)
    answer = await cast.gateway.request("PUT", declared["uploadUrl"], data=FILE)
    assert answer.status == 201, answer.body
    return declared["artifact"]["id"], declared["artifact"]["release"]["id"]


async def deploy(cast: Cast, **more: Any) -> str:
    """A deployment of release 1.0, which is uploaded unless `releaseId` is given, to all of Acme; gives its id."""
    if "releaseId" not in more:
        more["releaseId"] = (await upload(cast))[1]
    given = {"organizationId": org_id(cast.acme), "name": "June", "target": {"all": True}, **more}
    payload = await cast.change("editor", "createDeployment", given, "deployment { id }")
    return str(payload["deployment"]["id"])


async def start_job(cast: Cast, **more: Any) -> str:
    """A job of its own to all of Acme; gives its id."""
    if "artifactId" not in more:
        more["artifactId"] = (await upload(cast))[0]
    given = {"organizationId": org_id(cast.acme), "name": "One", "target": {"all": True}, **more}
    return str((await cast.change("editor", "createOtaJob", given, "otaJob { id }"))["otaJob"]["id"])


async def execution_of(cast: Cast, thing: UUID, parent: str) -> str:
    """The execution of a thing in a deployment or job."""
    column = OTA_EXECUTION.c.deployment_id if parent.startswith("deployment_") else OTA_EXECUTION.c.job_id
    found: UUID = await cast.value(OTA_EXECUTION.c.id, OTA_EXECUTION.c.thing_id == thing, column == key(parent))
    return global_id("otaexec", found)


async def status_of(cast: Cast, execution: str) -> str:
    """Where an execution is, as it is stored."""
    status: OtaExecutionStatus = await cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.id == key(execution))
    return status.value


async def assert_counts(cast: Cast) -> None:
    """Every counter is what counting the rows gives."""
    executions = await cast.rows(OTA_EXECUTION.select())
    for table, column in ((OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")):
        for row in await cast.rows(table.select()):
            for status in OtaExecutionStatus:
                mine = [each for each in executions if getattr(each, column) == row.id and each.status is status]
                assert getattr(row, count_column(status)) == len(mine), (table.name, status)
