from __future__ import annotations

from pathlib import Path

from models.tables import ARTIFACT, ATTACHMENT, RELEASE
from tests.cast import THING_KEY, Cast, refusals
from tests.ota import deploy, execution_of, start_job, upload


def files(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "data" / "artifacts").rglob("*") if path.is_file()]


async def test_the_file_and_the_release_of_the_last_one_go_too(cast: Cast, tmp_path: Path) -> None:
    first, release = await upload(cast, compatibleTypes=["a"])
    last, same = await upload(cast, compatibleTypes=["b"])
    assert release == same
    url = (await cast.data("viewer", "query ($id: ID!) { artifact(id: $id) { downloadUrl } }", {"id": first}))[
        "artifact"
    ]["downloadUrl"]
    payload = await cast.change("admin", "deleteArtifact", {"id": first}, "deletedId")
    assert payload == {"deletedId": first}
    assert (await cast.gateway.request("GET", url)).status == 404
    assert (await cast.count(ARTIFACT), await cast.count(RELEASE)) == (1, 1)
    assert files(tmp_path) == [last.removeprefix("artifact_")]
    await cast.change("admin", "deleteArtifact", {"id": last})
    assert (await cast.count(ARTIFACT), await cast.count(RELEASE)) == (0, 0)
    assert files(tmp_path) == []
    assert await cast.error("admin", "deleteArtifact", {"id": last}) == ("NOT_FOUND", ["id"])


async def test_not_while_an_update_uses_it(cast: Cast, tmp_path: Path) -> None:
    artifact, release = await upload(cast)
    deployment = await deploy(cast, releaseId=release)
    for force in (False, True):
        assert await cast.error("admin", "deleteArtifact", {"id": artifact, "force": force}) == ("CONFLICT", ["id"])
    assert len(files(tmp_path)) == 1
    execution = await execution_of(cast, cast.thing, deployment)
    await cast.gateway.change(
        "reportOtaExecution",
        {"executionId": execution, "status": "SUCCESS"},
        select="otaExecution { id }",
        token=f"Thing {THING_KEY}",
    )
    await cast.change("admin", "deleteArtifact", {"id": artifact})
    query = "query ($id: ID!) { otaExecution(id: $id) { status artifact { id } deployment { release { name } } } }"
    assert (await cast.data("viewer", query, {"id": execution}))["otaExecution"] == {
        "status": "SUCCESS",
        "artifact": None,
        "deployment": {"release": {"name": "1.0"}},
    }


async def test_who_may_not(cast: Cast, tmp_path: Path) -> None:
    artifact, _ = await upload(cast)
    await cast.refused("deleteArtifact", {"id": artifact}, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    assert await cast.count(ARTIFACT) == len(files(tmp_path)) == 1


async def test_not_while_any_job_names_it_unless_all_are_cancelled(cast: Cast, tmp_path: Path) -> None:
    artifact, _ = await upload(cast)
    first, second = [await start_job(cast, artifactId=artifact, name=name) for name in ("One", "Two")]
    plain, forced = {"id": artifact}, {"id": artifact, "force": True}
    await cast.change("editor", "cancelOtaJob", {"id": first})
    for given in (plain, forced):
        assert await cast.error("admin", "deleteArtifact", given) == ("CONFLICT", ["id"])
    await cast.change("editor", "cancelOtaJob", {"id": second})
    assert await cast.error("admin", "deleteArtifact", plain) == ("CONFLICT", ["id"])
    assert (await cast.count(ARTIFACT), len(files(tmp_path))) == (1, 1)
    await cast.change("admin", "deleteArtifact", forced)
    assert (await cast.count(ARTIFACT), files(tmp_path)) == (0, [])
    query = "query ($id: ID!) { otaJob(id: $id) { status artifact { id } executions { nodes { status } } } }"
    assert (await cast.data("viewer", query, {"id": first}))["otaJob"] == {
        "status": "CANCELLED",
        "artifact": None,
        "executions": {"nodes": [{"status": "ABORTED"}]},
    }


async def test_a_finished_job_blocks_even_by_force(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    job = await start_job(cast, artifactId=artifact)
    execution = await execution_of(cast, cast.thing, job)
    done = {"executionId": execution, "status": "SUCCESS"}
    await cast.gateway.change("reportOtaExecution", done, select="otaExecution { id }", token=f"Thing {THING_KEY}")
    query = "query ($id: ID!) { otaJob(id: $id) { status } }"
    assert (await cast.data("viewer", query, {"id": job}))["otaJob"] == {"status": "FINISHED"}
    for force in (False, True):
        assert await cast.error("admin", "deleteArtifact", {"id": artifact, "force": force}) == ("CONFLICT", ["id"])
    assert await cast.count(ARTIFACT) == 1


async def test_its_attachments_go_with_it(cast: Cast, tmp_path: Path) -> None:
    artifact, _ = await upload(cast)
    given = {"artifactId": artifact, "kind": "BOOTLOADER", "fileName": "bootloader.bin"}
    attached = await cast.change("editor", "createAttachment", given, "uploadUrl")
    assert (await cast.gateway.request("PUT", attached["uploadUrl"], data=b"boot")).status == 201
    assert len(files(tmp_path)) == 2
    await cast.change("admin", "deleteArtifact", {"id": artifact})
    assert files(tmp_path) == []
    assert await cast.count(ATTACHMENT) == 0
