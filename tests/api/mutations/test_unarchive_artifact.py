from __future__ import annotations

from models.tables import ARTIFACT
from tests.cast import Cast, refusals
from tests.ota import start_job, upload
from tests.rows import key

FIELDS = "artifact { archivedAt version }"


async def test_it_serves_jobs_and_is_listed_again(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    await cast.change("editor", "archiveArtifact", {"id": artifact})
    for _ in range(2):
        payload = await cast.change("editor", "unarchiveArtifact", {"id": artifact}, FIELDS)
        assert payload["artifact"] == {"archivedAt": None, "version": 1}
    await start_job(cast, artifactId=artifact)
    seen = await cast.data("viewer", "{ artifacts { nodes { id } } }")
    assert seen["artifacts"] == {"nodes": [{"id": artifact}]}


async def test_who_may_not(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    await cast.change("editor", "archiveArtifact", {"id": artifact})
    await cast.refused("unarchiveArtifact", {"id": artifact}, refusals(viewer="FORBIDDEN"))
    assert await cast.value(ARTIFACT.c.archived_at, ARTIFACT.c.id == key(artifact)) is not None
