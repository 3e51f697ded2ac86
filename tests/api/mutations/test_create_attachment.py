from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from models.tables import ATTACHMENT
from tests.cast import Cast, refusals
from tests.ota import upload
from tests.uploading import PIECE, awaiting, kept, put, spooled, used

CONTENT = b"all tests have passed"
FIELDS = "kind fileName description metadata size sha256 md5 downloadUrl artifact { id } createdBy { id }"
LISTED = "query ($id: ID!) { artifact(id: $id) { attachments { nodes { id } } } }"


def attachment_input(artifact: str, **more: Any) -> dict[str, Any]:
    return {"artifactId": artifact, "kind": "QA_REPORT", "fileName": "report.txt", **more}


async def declare(cast: Cast, **more: Any) -> tuple[str, str, str]:
    """An artifact and an attachment of it that awaits its file; gives both ids and the address."""
    artifact, _ = await upload(cast)
    select = "attachment { id } uploadUrl"
    payload = await cast.change("editor", "createAttachment", attachment_input(artifact, **more), select)
    return artifact, payload["attachment"]["id"], payload["uploadUrl"]


async def test_a_report_goes_with_its_artifact(cast: Cast, tmp_path: Path) -> None:
    artifact, _ = await upload(cast)
    given = attachment_input(artifact, description="Of June.", metadata={"passed": 12})
    select = f"attachment {{ id {FIELDS} }} uploadUrl uploadExpiresAt"
    payload = await cast.change("editor", "createAttachment", given, select)
    ends = datetime.fromisoformat(payload["uploadExpiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=3500) < ends <= timedelta(seconds=3600)
    attachment = payload["attachment"]["id"]
    before = await used(cast)
    answer = await put(cast, payload["uploadUrl"], CONTENT)
    assert (answer.status, answer.json) == (201, {"attachment": {"id": attachment, "status": "READY"}})
    query = f"query ($id: ID!) {{ attachment(id: $id) {{ {FIELDS} }} }}"
    found = (await cast.data("viewer", query, {"id": attachment}))["attachment"]
    fetched = await cast.gateway.request("GET", found.pop("downloadUrl"))
    assert (fetched.body, fetched.headers["Content-Type"]) == (CONTENT, "application/octet-stream")
    assert 'filename="report.txt"' in fetched.headers["Content-Disposition"]
    assert found == {
        "kind": "QA_REPORT",
        "fileName": "report.txt",
        "description": "Of June.",
        "metadata": {"passed": 12},
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "md5": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
        "artifact": {"id": artifact},
        "createdBy": found["createdBy"],
    }
    assert await used(cast) == before + len(CONTENT)
    assert (await put(cast, payload["uploadUrl"], CONTENT)).status == 409
    assert len(kept(tmp_path)) == 2


async def test_one_that_has_not_arrived_is_its_senders_alone(cast: Cast) -> None:
    artifact, attachment, url = await declare(cast)
    assert (await cast.data("editor", LISTED, {"id": artifact}))["artifact"]["attachments"]["nodes"] == [
        {"id": attachment}
    ]
    for caller in ("viewer", "admin"):
        assert (await cast.data(caller, LISTED, {"id": artifact}))["artifact"]["attachments"]["nodes"] == []
    assert (await put(cast, url, CONTENT)).status == 201
    assert (await cast.data("viewer", LISTED, {"id": artifact}))["artifact"]["attachments"]["nodes"] == [
        {"id": attachment}
    ]


async def test_those_of_a_private_artifact_are_private_too(cast: Cast) -> None:
    artifact, url = await awaiting(cast, version="1", model="pump", private=True)
    assert (await put(cast, url, CONTENT)).status == 201
    given = attachment_input(artifact)
    assert await cast.error("admin", "createAttachment", given) == ("NOT_FOUND", ["artifactId"])
    made = await cast.change("editor", "createAttachment", given, "attachment { id } uploadUrl")
    assert (await put(cast, made["uploadUrl"], CONTENT)).status == 201
    query = "query ($id: ID!) { attachment(id: $id) { fileName } }"
    named = {"id": made["attachment"]["id"]}
    assert (await cast.data("editor", query, named))["attachment"] == {"fileName": "report.txt"}
    assert (await cast.data("admin", query, named))["attachment"] is None


async def test_another_file_is_refused(cast: Cast, tmp_path: Path) -> None:
    md5 = base64.b64encode(hashlib.md5(CONTENT, usedforsecurity=False).digest()).decode()
    _, attachment, url = await declare(cast, md5=md5, size=len(CONTENT))
    before = await used(cast)
    for body, headers, status in (
        (CONTENT, {}, 400),
        (CONTENT[::-1], {"Content_MD5": md5}, 400),
        (CONTENT + b"x", {"Content_MD5": md5}, 413),
    ):
        assert (await put(cast, url, body, **headers)).status == status
    pieces = {**PIECE, "Upload-Offset": "0"}
    assert (await cast.gateway.request("PATCH", url, data=CONTENT[::-1], headers=pieces)).status == 400
    assert (len(kept(tmp_path)), spooled(tmp_path), await used(cast)) == (1, [], before)
    assert (await cast.gateway.request("PATCH", url, data=CONTENT, headers=pieces)).status == 204
    assert len(kept(tmp_path)) == 2
    assert attachment.removeprefix("attachment_") in kept(tmp_path)


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    await cast.change("editor", "createAttachment", attachment_input(artifact, fileName="x" * 100))
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"artifactId": "artifact_" + "0" * 32}, "NOT_FOUND", ["artifactId"]),
        ({"fileName": ""}, "INVALID_INPUT", ["fileName"]),
        ({"fileName": "x" * 101}, "INVALID_INPUT", ["fileName"]),
        ({"fileName": "x" * 100}, "CONFLICT", ["fileName"]),
        ({"fileName": "../report.txt"}, "INVALID_INPUT", ["fileName"]),
        ({"size": 100 * 1024 * 1024 + 1}, "LIMIT_REACHED", ["size"]),
        ({"size": 0}, "INVALID_INPUT", ["size"]),
        ({"md5": "none"}, "INVALID_INPUT", ["md5"]),
        ({"sha256": "none"}, "INVALID_INPUT", ["sha256"]),
        ({"metadata": [1]}, "INVALID_INPUT", ["metadata"]),
    ]
    for change, code, path in cases:
        given = attachment_input(artifact, **change)
        assert await cast.error("editor", "createAttachment", given) == (code, path)
    assert await cast.count(ATTACHMENT) == 1


async def test_who_may_not(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    await cast.refused("createAttachment", attachment_input(artifact), refusals(viewer="FORBIDDEN"))
    assert await cast.count(ATTACHMENT) == 0
