"""What an organization may store, and what it has stored: exact, whatever comes and goes at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from models.tables import ARTIFACT, ATTACHMENT
from tests.cast import Cast, org_id
from tests.uploading import PIECE, awaiting, awaiting_mender, kept, limit, put, ready, spooled, state, used

SAID = {"version": "1", "model": "pump"}


async def told(cast: Cast, caller: str) -> Any:
    query = "query ($id: ID!) { organization(id: $id) { storageLimit storageUsed } }"
    return (await cast.data(caller, query, {"id": org_id(cast.acme)}))["organization"]


async def test_what_is_used_is_counted_and_freed(cast: Cast) -> None:
    assert await told(cast, "viewer") == {"storageLimit": None, "storageUsed": 0}
    first = await ready(cast, b"x" * 1000)
    second = await ready(cast, b"x" * 500, version="2")
    given = {"artifactId": first, "fileName": "report.txt", "kind": "QA_REPORT"}
    attached = await cast.change("editor", "createAttachment", given, "uploadUrl attachment { id }")
    assert (await put(cast, attached["uploadUrl"], b"x" * 70)).status == 201
    await awaiting(cast, version="3", model="pump", size=9)
    assert await told(cast, "platform") == {"storageLimit": None, "storageUsed": 1570}
    await cast.change("admin", "deleteArtifact", {"id": first})
    assert await used(cast) == 500
    await cast.change("admin", "deleteArtifact", {"id": second})
    assert await used(cast) == 0
    assert await cast.count(ATTACHMENT) == 0


async def test_a_file_that_would_pass_the_limit_is_refused(cast: Cast, tmp_path: Path) -> None:
    await limit(cast, 1000)
    await ready(cast, b"x" * 600)
    artifact, url = await awaiting(cast, version="2", model="pump")
    for data in (b"x" * 401, pieces(b"x" * 401)):
        answer = await cast.gateway.request("PUT", url, data=data)
        assert (answer.status, answer.codes) == (413, ["LIMIT_REACHED"])
        assert "full" in (await state(cast, artifact))[1]
    begun = await cast.gateway.request(
        "PATCH", url, data=b"x", headers={**PIECE, "Upload-Offset": "0", "Upload-Length": "401"}
    )
    assert begun.status == 413
    assert (len(kept(tmp_path)), spooled(tmp_path), await used(cast)) == (1, [], 600)
    assert (await put(cast, url, b"x" * 400)).status == 201
    assert await told(cast, "viewer") == {"storageLimit": 1000, "storageUsed": 1000}


async def pieces(data: bytes) -> Any:
    for start in range(0, len(data), 100):
        yield data[start : start + 100]


async def test_two_cannot_both_take_the_last_bytes(cast: Cast, tmp_path: Path) -> None:
    await limit(cast, 250)
    urls = [(await awaiting(cast, version=str(number), model="pump"))[1] for number in range(6)]
    answers = await asyncio.gather(*(put(cast, url, b"x" * 100) for url in urls))
    assert sorted(answer.status for answer in answers) == [201, 201, 413, 413, 413, 413]
    assert (len(kept(tmp_path)), spooled(tmp_path), await used(cast)) == (2, [], 200)


async def test_a_limit_below_what_is_used_deletes_nothing(cast: Cast, tmp_path: Path) -> None:
    await ready(cast, b"x" * 100)
    await limit(cast, 50)
    _, url = await awaiting(cast, version="2", model="pump")
    assert (await put(cast, url, b"x")).status == 413
    assert (len(kept(tmp_path)), await used(cast)) == (1, 100)
    await limit(cast, 0)
    assert (await put(cast, url, b"x")).status == 201
    assert await used(cast) == 101


async def test_what_is_refused_is_not_counted(cast: Cast) -> None:
    _, url = await awaiting_mender(cast)
    assert (await put(cast, url, b"no archive")).status == 400
    artifact = await ready(cast, b"right")
    change = {"id": artifact, "sha256": "0" * 64}
    assert await cast.error("editor", "confirmArtifactUpload", change) == ("INVALID_INPUT", ["sha256"])
    assert await used(cast) == 0


async def test_deleting_an_organization_leaves_no_file(cast: Cast, tmp_path: Path) -> None:
    artifact = await ready(cast)
    given = {"artifactId": artifact, "fileName": "report.txt"}
    attached = await cast.change("editor", "createAttachment", given, "uploadUrl")
    assert (await put(cast, attached["uploadUrl"], b"x")).status == 201
    assert len(kept(tmp_path)) == 2
    await cast.change("platform", "deleteOrganization", {"id": org_id(cast.acme), "cascade": True})
    assert kept(tmp_path) == []
    assert await cast.count(ARTIFACT) == 0
