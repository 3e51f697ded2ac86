"""A gateway over a bucket: files go straight to it and come straight from it, and are checked in between."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import aiohttp
import obstore
import pytest
from pydantic import ValidationError

from gateway import PARTS
from services.s3_storage import Bucket
from services.settings import Settings
from services.signed_addresses import SignedAddresses
from tests.cast import Cast
from tests.rows import key
from tests.services.formats.mender_files import Mender
from tests.uploading import PIECE, TUS, UPLOAD, awaiting, awaiting_mender, bare_input, limit, put, spooled, state, used

CONTENT = os.urandom(300_000)
FIELDS = "artifact { status sha256 size downloadUrl }"


async def objects(bucket: Bucket) -> list[str]:
    found = await obstore.list(bucket.open()).collect_async()
    return sorted(each["path"] for each in found)


async def declare(cast: Cast, **more: Any) -> tuple[str, dict[str, Any]]:
    given = bare_input(cast, version="1", model="pump", **more)
    payload = await cast.change("editor", "createArtifact", given, f"artifact {{ id }} {UPLOAD}")
    return payload["artifact"]["id"], payload


async def send(url: str, data: bytes) -> None:
    async with aiohttp.ClientSession() as session, session.put(url, data=data) as response:
        assert response.status == 200, await response.text()


async def test_straight_to_the_bucket_and_back(cast: Cast, bucket: Bucket, tmp_path: Path) -> None:
    artifact, payload = await declare(cast)
    assert payload["uploadUrl"].startswith(f"{bucket.endpoint}/{bucket.name}/sent/")
    assert payload["resumableUploadUrl"].startswith(f"{cast.gateway.url}/uploads/")
    assert payload["needsConfirmation"] is True
    assert await cast.error("editor", "confirmArtifactUpload", {"id": artifact}) == ("WRONG_STATE", ["id"])
    await send(payload["uploadUrl"], CONTENT)
    assert await state(cast, artifact) == ("AWAITING_UPLOAD", "")
    confirmed = await cast.change("editor", "confirmArtifactUpload", {"id": artifact}, FIELDS)
    found = confirmed["artifact"]
    url = found.pop("downloadUrl")
    assert found == {"status": "READY", "sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}
    assert url.startswith(f"{bucket.endpoint}/{bucket.name}/files/{key(artifact).hex}?")
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (response.status, await response.read()) == (200, CONTENT)
    assert (await objects(bucket), spooled(tmp_path)) == ([f"files/{key(artifact).hex}"], [])
    assert await used(cast) == len(CONTENT)
    await cast.change("admin", "deleteArtifact", {"id": artifact})
    assert (await objects(bucket), await used(cast)) == ([], 0)


async def test_what_was_sent_is_checked_before_it_is_kept(cast: Cast, bucket: Bucket, tmp_path: Path) -> None:
    """Another size, another SHA-256 (declared, or said now), no such file, no room: all gone, and why is told."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    mender, _ = await awaiting_mender(cast)
    cases = [
        (await declare(cast, size=5), {}, "LIMIT_REACHED"),
        (await declare(cast, releaseName="1.0", size=len(CONTENT) + 5), {}, "INVALID_INPUT"),
        (await declare(cast, releaseName="3.0", sha256="0" * 64), {}, "INVALID_INPUT"),
        (await declare(cast, releaseName="4.0"), {"sha256": "0" * 64}, "INVALID_INPUT"),
        (await declare(cast, releaseName="5.0", sha256=digest), {"sha256": "0" * 64}, "INVALID_INPUT"),
    ]
    renewed = await cast.change("editor", "renewArtifactUpload", {"id": mender}, UPLOAD)
    cases.append(((mender, renewed), {}, "INVALID_INPUT"))
    for (artifact, payload), said, code in cases:
        await send(payload["uploadUrl"], CONTENT)
        assert (await cast.error("editor", "confirmArtifactUpload", {"id": artifact, **said}))[0] == code
        status, problem = await state(cast, artifact)
        assert (status, bool(problem)) == ("AWAITING_UPLOAD", True)
        assert (await objects(bucket), spooled(tmp_path), await used(cast)) == ([], [], 0)
    await limit(cast, 1000)
    artifact, payload = await declare(cast, releaseName="6.0")
    await send(payload["uploadUrl"], CONTENT)
    assert (await cast.error("editor", "confirmArtifactUpload", {"id": artifact}))[0] == "LIMIT_REACHED"
    assert (await objects(bucket), await used(cast)) == ([], 0)


async def test_nobody_else_confirms(cast: Cast, bucket: Bucket) -> None:
    artifact, payload = await declare(cast)
    await send(payload["uploadUrl"], CONTENT)
    await cast.refused("confirmArtifactUpload", {"id": artifact}, {"viewer": "FORBIDDEN", "outsider": "NOT_FOUND"})
    assert await objects(bucket) == [f"sent/{key(artifact).hex}"]
    assert (await state(cast, artifact))[0] == "AWAITING_UPLOAD"


async def test_through_the_gateway(cast: Cast, bucket: Bucket, tmp_path: Path) -> None:
    """Whole, in pieces, with an MD5 that was declared, and a `.mender`; a download by an old address, too."""
    md5 = hashlib.md5(CONTENT, usedforsecurity=False)
    with_md5, payload = await declare(cast, md5=md5.hexdigest())
    assert (payload["needsConfirmation"], payload["uploadUrl"]) == (False, payload["resumableUploadUrl"])
    assert (await put(cast, payload["uploadUrl"], CONTENT)).status == 400
    assert await objects(bucket) == []
    in_pieces, url = await awaiting(cast, version="2", model="pump", size=len(CONTENT))
    for start in (0, 100_000, 200_000):
        headers = {**PIECE, "Upload-Offset": str(start)}
        piece = CONTENT[start : start + 100_000]
        assert (await cast.gateway.request("PATCH", url, data=piece, headers=headers)).status == 204
    assert (await cast.gateway.request("HEAD", url, headers=TUS)).headers["Upload-Status"] == "READY"
    mender, _ = await awaiting_mender(cast)
    own = await cast.change("editor", "renewArtifactUpload", {"id": mender}, UPLOAD)
    assert (await put(cast, own["resumableUploadUrl"], Mender().build())).status == 201
    assert await objects(bucket) == sorted(f"files/{key(each).hex}" for each in (in_pieces, mender))
    assert spooled(tmp_path) == []
    download = own["resumableUploadUrl"].replace("/uploads/", "/downloads/")
    assert (await cast.gateway.request("GET", download)).status == 403
    assert (await state(cast, with_md5))[0] == "AWAITING_UPLOAD"


async def test_the_gateway_gives_out_what_is_in_the_bucket(cast: Cast) -> None:
    """By an address of its own, as it made them before there was a bucket."""
    artifact, url = await awaiting(cast, version="2", model="pump")
    assert (await put(cast, url, CONTENT)).status == 201
    parts = cast.gateway.application[PARTS]
    old = SignedAddresses(parts.keys, cast.gateway.url, 60).download(key(artifact)).url
    answer = await cast.gateway.request("GET", old, headers={"Range": "bytes=10-99999"})
    assert (answer.status, answer.body) == (206, CONTENT[10:100_000])


@pytest.mark.parametrize("missing", ["s3_access_key_id", "s3_secret_access_key"])
def test_a_bucket_needs_its_key(missing: str) -> None:
    given = {"s3_bucket": "fleet", "s3_access_key_id": "id", "s3_secret_access_key": "secret"}
    del given[missing]
    with pytest.raises(ValidationError, match="s3_bucket needs"):
        Settings(**given)  # type: ignore[arg-type] # as they come from the environment
