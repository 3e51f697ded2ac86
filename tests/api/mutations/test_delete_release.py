from __future__ import annotations

from pathlib import Path

from models.tables import ARTIFACT, RELEASE
from tests.cast import Cast, refusals
from tests.ota import declare, deploy, upload


async def test_it_goes_with_artifacts_and_files(cast: Cast, tmp_path: Path) -> None:
    first, release = await upload(cast, compatibleTypes=["a"])
    second = (await declare(cast, compatibleTypes=["b"]))["artifact"]["id"]
    payload = await cast.change("admin", "deleteRelease", {"id": release}, "deletedId deletedArtifactIds")
    assert payload["deletedId"] == release
    assert sorted(payload["deletedArtifactIds"]) == sorted([first, second])
    assert await cast.count(ARTIFACT) == await cast.count(RELEASE) == 0
    assert [path for path in (tmp_path / "data" / "artifacts").rglob("*") if path.is_file()] == []


async def test_what_a_deployment_brings_is_kept(cast: Cast) -> None:
    _, release = await upload(cast)
    deployment = await deploy(cast, releaseId=release)
    assert await cast.error("admin", "deleteRelease", {"id": release}) == ("CONFLICT", ["id"])
    await cast.change("editor", "abortDeployment", {"id": deployment})
    assert await cast.error("admin", "deleteRelease", {"id": release}) == ("CONFLICT", ["id"])
    await cast.change("editor", "deleteDeployment", {"id": deployment})
    await cast.change("admin", "deleteRelease", {"id": release})
    assert await cast.count(RELEASE) == 0


async def test_who_may_not(cast: Cast) -> None:
    release = (await declare(cast))["artifact"]["release"]["id"]
    await cast.refused("deleteRelease", {"id": release}, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    assert await cast.count(RELEASE) == 1
