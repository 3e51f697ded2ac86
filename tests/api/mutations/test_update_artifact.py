from __future__ import annotations

from models.tables import ARTIFACT
from tests.cast import Cast, refusals
from tests.ota import declare, deploy, upload
from tests.rows import key

FIELDS = "artifact { description compatibleTypes provides depends version }"


async def test_a_patch(cast: Cast) -> None:
    artifact = (await declare(cast, description="Old.", provides={"a": "1"}))["artifact"]["id"]
    before = await cast.value(ARTIFACT.c.updated_at, ARTIFACT.c.id == key(artifact))
    change = {"id": artifact, "expectedVersion": 1, "compatibleTypes": ["pump"], "provides": None}
    payload = await cast.change("editor", "updateArtifact", change, FIELDS)
    assert payload["artifact"] == {
        "description": "Old.",
        "compatibleTypes": ["pump"],
        "provides": {},
        "depends": {},
        "version": 2,
    }
    assert await cast.value(ARTIFACT.c.updated_at, ARTIFACT.c.id == key(artifact)) > before
    assert await cast.error("editor", "updateArtifact", change) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateArtifact", {"id": "artifact"}) == ("INVALID_INPUT", ["id"])
    unknown = {"id": "artifact_" + "0" * 32}
    for operation in ("updateArtifact", "renewArtifactUpload"):
        assert await cast.error("editor", operation, unknown) == ("NOT_FOUND", ["id"])


async def test_not_once_an_update_has_used_it(cast: Cast) -> None:
    artifact, release = await upload(cast)
    deployment = await deploy(cast, releaseId=release)
    await cast.change("editor", "abortDeployment", {"id": deployment})
    change = {"id": artifact, "description": "New."}
    assert await cast.error("editor", "updateArtifact", change) == ("WRONG_STATE", ["id"])
    assert await cast.value(ARTIFACT.c.description, ARTIFACT.c.id == key(artifact)) == ""


async def test_who_may_not(cast: Cast) -> None:
    artifact = (await declare(cast))["artifact"]["id"]
    change = {"id": artifact, "description": "New."}
    await cast.refused("updateArtifact", change, refusals(viewer="FORBIDDEN"))
    assert await cast.value(ARTIFACT.c.description, ARTIFACT.c.id == key(artifact)) == ""
