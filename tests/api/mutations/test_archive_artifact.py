from __future__ import annotations

from models.tables import ARTIFACT, DEPLOYMENT, OTA_JOB
from tests.cast import Cast, org_id, refusals
from tests.ota import execution_of, start_job, upload
from tests.rows import key

FIELDS = "artifact { archivedAt version }"


async def test_an_archived_artifact_serves_no_new_job(cast: Cast) -> None:
    artifact, release = await upload(cast)
    running = await start_job(cast, artifactId=artifact)
    first = (await cast.change("editor", "archiveArtifact", {"id": artifact}, FIELDS))["artifact"]
    assert first["archivedAt"] is not None
    again = (await cast.change("editor", "archiveArtifact", {"id": artifact}, FIELDS))["artifact"]
    assert again == first
    target = {"organizationId": org_id(cast.acme), "name": "Two", "target": {"all": True}}
    assert (await cast.errors("editor", "createOtaJob", {**target, "artifactId": artifact}))[0]["code"] == "WRONG_STATE"
    assert (await cast.errors("editor", "createDeployment", {**target, "releaseId": release}))[0][
        "code"
    ] == "WRONG_STATE"
    assert (await cast.count(OTA_JOB), await cast.count(DEPLOYMENT)) == (1, 0)
    query = "query ($id: ID!) { otaJob(id: $id) { status artifact { id } } artifacts { nodes { id } } }"
    seen = await cast.data("viewer", query, {"id": running})
    assert seen["otaJob"]["artifact"] == {"id": artifact}
    assert seen["artifacts"] == {"nodes": []}
    await execution_of(cast, cast.thing, running)


async def test_unknown(cast: Cast) -> None:
    for operation in ("archiveArtifact", "unarchiveArtifact"):
        assert await cast.error("editor", operation, {"id": "artifact_" + "0" * 32}) == ("NOT_FOUND", ["id"])
        assert await cast.error("editor", operation, {"id": "artifact"}) == ("INVALID_INPUT", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    await cast.refused("archiveArtifact", {"id": artifact}, refusals(viewer="FORBIDDEN"))
    assert await cast.value(ARTIFACT.c.archived_at, ARTIFACT.c.id == key(artifact)) is None
