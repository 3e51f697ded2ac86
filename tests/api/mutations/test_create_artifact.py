from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from models.tables import ARTIFACT, RELEASE
from tests.cast import Cast, org_id, refusals
from tests.ota import FILE, artifact_input, declare

FIELDS = """artifact {
  name artifactVersion description format compatibleTypes provides depends fileName size sha256 status downloadUrl
  organization { id } release { name artifacts { nodes { name } } }
}"""


async def test_declare_upload_and_fetch(cast: Cast) -> None:
    declared = await declare(
        cast,
        version="1.0.3",
        format="MENDER",
        compatibleTypes=["pump-v1", "pump-v2"],
        provides={"rootfs": "1.0.3"},
        depends={"rootfs": ["1.0.1", "1.0.2"], "boot": "2"},
        description="Quieter.",
    )
    assert declared["uploadUrl"].startswith(f"{cast.gateway.url}/uploads/")
    ends = datetime.fromisoformat(declared["uploadExpiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=800) < ends <= timedelta(seconds=900)
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
        "format": "MENDER",
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
        ({"fileName": "../pump.bin"}, "INVALID_INPUT", ["fileName"]),
        ({"size": 0}, "INVALID_INPUT", ["size"]),
        ({"size": 2**40}, "LIMIT_REACHED", ["size"]),
        ({"sha256": "abc"}, "INVALID_INPUT", ["sha256"]),
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
