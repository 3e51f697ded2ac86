from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.ids import global_id
from models.tables import ARTIFACT, OTA_EXECUTION, RELEASE
from tests.cast import Cast, org_id, refusals, thing_id
from tests.ota import FILE, artifact_input, declare, start_job, upload
from tests.rows import key
from tests.uploading import awaiting, kept, put, used

FIELDS = """artifact {
  name artifactVersion description format compatibleTypes provides depends fileName size sha256 status downloadUrl
  organization { id } release { name artifacts { nodes { name } } }
}"""


async def test_declare_upload_and_fetch(cast: Cast) -> None:
    declared = await declare(
        cast,
        version="1.0.3",
        compatibleTypes=["pump-v1", "pump-v2"],
        provides={"rootfs": "1.0.3"},
        depends={"rootfs": ["1.0.1", "1.0.2"], "boot": "2"},
        description="Quieter.",
    )
    assert declared["uploadUrl"].startswith(f"{cast.gateway.url}/uploads/")
    ends = datetime.fromisoformat(declared["uploadExpiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=3500) < ends <= timedelta(seconds=3600)
    query = f"query ($id: ID!) {{ artifact(id: $id) {{ {FIELDS.partition('{')[2].rpartition('}')[0]} }} }}"
    named = {"id": declared["artifact"]["id"]}
    waiting = (await cast.data("viewer", query, named))["artifact"]
    assert (waiting["status"], waiting["downloadUrl"]) == ("AWAITING_UPLOAD", None)
    assert (await cast.gateway.request("PUT", declared["uploadUrl"], data=FILE)).status == 201
    ready = (await cast.data("viewer", query, named))["artifact"]
    fetched = await cast.gateway.request("GET", ready.pop("downloadUrl"))
    assert (fetched.status, fetched.body) == (200, FILE)
    assert ready == {
        "name": "1.0",
        "artifactVersion": "1.0.3",
        "description": "Quieter.",
        "format": "RAW",
        "compatibleTypes": ["pump-v1", "pump-v2"],
        "provides": {"rootfs": "1.0.3"},
        "depends": {"rootfs": ["1.0.1", "1.0.2"], "boot": ["2"]},
        "fileName": "pump.bin",
        "size": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
        "status": "READY",
        "organization": {"id": org_id(cast.acme)},
        "release": {"name": "1.0", "artifacts": {"nodes": [{"name": "1.0"}]}},
    }
    assert (await cast.gateway.request("PUT", declared["uploadUrl"], data=FILE)).status == 409


async def test_artifacts_of_one_name_share_a_release(cast: Cast) -> None:
    first = await declare(cast, compatibleTypes=["a"])
    second = await declare(cast, compatibleTypes=["b"])
    other = await declare(cast, releaseName="2.0")
    assert first["artifact"]["release"] == second["artifact"]["release"] != other["artifact"]["release"]
    assert await cast.count(RELEASE) == 2


async def test_who_may_not(cast: Cast) -> None:
    await cast.refused("createArtifact", artifact_input(cast), refusals(viewer="FORBIDDEN"))
    assert await cast.count(ARTIFACT) == await cast.count(RELEASE) == 0


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"organizationId": "thing_" + "0" * 32}, "INVALID_INPUT", ["organizationId"]),
        ({"organizationId": org_id(cast.other)}, "NOT_FOUND", ["organizationId"]),
        ({"releaseName": ""}, "INVALID_INPUT", ["releaseName"]),
        ({"releaseName": None}, "INVALID_INPUT", ["releaseName"]),
        ({"fileName": "../pump.bin"}, "INVALID_INPUT", ["fileName"]),
        ({"size": 0}, "INVALID_INPUT", ["size"]),
        ({"size": 2**40}, "LIMIT_REACHED", ["size"]),
        ({"sha256": "abc"}, "INVALID_INPUT", ["sha256"]),
        ({"md5": "abc"}, "INVALID_INPUT", ["md5"]),
        ({"model": "x" * 255}, "INVALID_INPUT", ["model"]),
        ({"id": "thing_" + "0" * 32}, "INVALID_INPUT", ["id"]),
        ({"id": "artifact_" + "0" * 32}, "FORBIDDEN", ["id"]),
        ({"provides": ["a"]}, "INVALID_INPUT", ["provides"]),
        ({"depends": {"a": 1}}, "INVALID_INPUT", ["depends", "a"]),
        ({"compatibleTypes": [""]}, "INVALID_INPUT", ["compatibleTypes", "0"]),
        ({"version": "x" * 255}, "INVALID_INPUT", ["version"]),
    ]
    for change, code, path in cases:
        assert await cast.error("editor", "createArtifact", artifact_input(cast, **change)) == (code, path)
    assert await cast.count(ARTIFACT) == await cast.count(RELEASE) == 0


async def test_the_same_again_is_a_conflict(cast: Cast) -> None:
    await declare(cast, version="1.0.3")
    again = artifact_input(cast, version="1.0.3")
    assert await cast.error("editor", "createArtifact", again) == ("CONFLICT", ["compatibleTypes"])
    assert await cast.count(ARTIFACT) == 1


async def test_what_is_not_known_yet_is_no_conflict(cast: Cast) -> None:
    for _ in range(2):
        await declare(cast, version="", model="")
    assert await cast.count(ARTIFACT) == 2


async def test_an_administrator_of_the_platform_chooses_the_id(cast: Cast, tmp_path: Path) -> None:
    """For an organization of others; an id that is taken is a conflict."""
    chosen = {"id": "artifact_" + "a" * 32}
    given = artifact_input(cast, **chosen)
    assert await cast.error("admin", "createArtifact", given) == ("FORBIDDEN", ["id"])
    payload = await cast.change("platform", "createArtifact", given, "artifact { id organization { id } } uploadUrl")
    assert payload["artifact"] == {**chosen, "organization": {"id": org_id(cast.acme)}}
    assert await cast.error("platform", "createArtifact", given) == ("CONFLICT", ["id"])
    assert await cast.count(ARTIFACT) == 1
    assert (await put(cast, payload["uploadUrl"], FILE)).status == 201
    assert kept(tmp_path) == ["a" * 32]


async def test_an_artifact_that_nothing_refers_to_is_replaced(cast: Cast, tmp_path: Path) -> None:
    old, release = await upload(cast, compatibleTypes=["a", "b"])
    beside, _ = await upload(cast, compatibleTypes=["c"])
    again = artifact_input(cast, compatibleTypes=["b"])
    assert await cast.error("editor", "createArtifact", again) == ("CONFLICT", ["compatibleTypes"])
    again["replaceExisting"] = True
    new = (await cast.change("editor", "createArtifact", again, "artifact { id release { id } }"))["artifact"]
    assert new["release"] == {"id": release}
    stored = {global_id("artifact", row.id) for row in await cast.rows(ARTIFACT.select())}
    assert stored == {beside, new["id"]} != {beside, old}
    assert kept(tmp_path) == [key(beside).hex]
    assert await used(cast) == len(FILE)


async def test_an_artifact_that_a_job_refers_to_is_not_replaced(cast: Cast, tmp_path: Path) -> None:
    artifact, _ = await upload(cast)
    job = await start_job(cast, artifactId=artifact)
    again = artifact_input(cast, replaceExisting=True)
    assert await cast.error("editor", "createArtifact", again) == ("CONFLICT", ["replaceExisting"])
    await cast.change("editor", "cancelOtaJob", {"id": job})
    assert await cast.error("editor", "createArtifact", again) == ("CONFLICT", ["replaceExisting"])
    assert await cast.count(ARTIFACT) == 1
    assert kept(tmp_path) == [key(artifact).hex]


async def test_a_private_artifact_is_its_senders_alone(cast: Cast, tmp_path: Path) -> None:
    mine, url = await awaiting(cast, version="1", model="pump", private=True)
    assert (await put(cast, url, FILE)).status == 201
    listed = "query ($id: ID!) { artifact(id: $id) { private release { id } downloadUrl } artifacts { nodes { id } } }"
    seen = await cast.data("editor", listed, {"id": mine})
    assert seen["artifact"] | {"downloadUrl": ""} == {"private": True, "release": None, "downloadUrl": ""}
    assert seen["artifacts"] == {"nodes": [{"id": mine}]}
    assert (await cast.gateway.request("GET", seen["artifact"]["downloadUrl"])).body == FILE
    for caller in ("owner", "admin", "viewer", "outsider"):
        assert await cast.data(caller, listed, {"id": mine}) == {"artifact": None, "artifacts": {"nodes": []}}
    assert await cast.error("admin", "deleteArtifact", {"id": mine}) == ("NOT_FOUND", ["id"])
    assert await cast.count(RELEASE) == 0
    job = await start_job(cast, artifactId=mine, target={"thingIds": [thing_id(cast.thing)]})
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.artifact_id == key(mine)) == 1
    query = "query ($id: ID!) { otaJob(id: $id) { artifact { id } } }"
    assert (await cast.data("admin", query, {"id": job}))["otaJob"] == {"artifact": None}
    assert len(kept(tmp_path)) == 1
