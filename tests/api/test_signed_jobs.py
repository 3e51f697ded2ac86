"""Jobs whose file is signed for the boot loaders of things, from the request to the bytes that a thing fetches."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from engine.ids import global_id
from models.tables import OTA_JOB, SIGNING_REQUEST, THING
from services.formats.esp_image import read_image
from tests.cast import Cast, org_id, thing_id
from tests.ota import execution_of, status_of
from tests.services.formats.esp_files import image
from tests.signing import download, make_key, run_signing, upload_file, upload_image

ASKED = {"deviceType": "lamp", "artifactName": "old", "provides": {}}
OFFER = (
    "offer { keyDigests downloadUrl sha256 size fileName artifact { id signed signedFrom { id } } execution { id } }"
)


async def add_lamps(cast: Cast, *digests: list[str]) -> list[UUID]:
    """Things whose boot loaders take these keys."""
    things = await cast.add_things(len(digests))
    for thing, taken in zip(things, digests, strict=True):
        async with cast.store.write() as session:
            await session.execute(THING.update().where(THING.c.id == thing).values(boot_key_digests=taken))
    return things


async def ask(cast: Cast, thing: UUID) -> dict[str, Any] | None:
    """What a thing is to take, as it asks itself."""
    query = f"mutation ($input: MyNextUpdateInput!) {{ myNextUpdate(input: $input) {{ {OFFER} }} }}"
    answer = await cast.gateway.data(query, {"input": ASKED}, token=f"Thing {thing.hex}")
    found: dict[str, Any] | None = answer["myNextUpdate"]["offer"]
    return found


def job(cast: Cast, artifact: str, things: list[UUID], **signing: Any) -> dict[str, Any]:
    target = {"thingIds": [thing_id(each) for each in things]}
    said = {"organizationId": org_id(cast.acme), "name": "Signed", "artifactId": artifact, "target": target}
    return {**said, "signing": signing}


async def start(cast: Cast, said: dict[str, Any]) -> str:
    return str((await cast.change("editor", "createOtaJob", said, "otaJob { id }"))["otaJob"]["id"])


async def substate_of(cast: Cast, execution: str) -> str:
    query = "query ($id: ID!) { otaExecution(id: $id) { substate } }"
    return str((await cast.data("viewer", query, {"id": execution}))["otaExecution"]["substate"])


async def test_a_job_delivers_the_file_signed_with_its_keys(cast: Cast) -> None:
    """Row rainmaker.ota.job-sign-with-keys."""
    keys = [await make_key(cast, name) for name in ("a", "b")]
    digests = [each["publicKeyDigest"] for each in keys]
    taking, other = await add_lamps(cast, digests, ["00" * 32])
    artifact = await upload_image(cast, image())
    started = await start(cast, job(cast, artifact, [taking, other], keyIds=[each["id"] for each in keys]))
    assert await ask(cast, taking) is None
    assert await cast.count(SIGNING_REQUEST) == 1
    assert await run_signing(cast) == 1
    offer = await ask(cast, taking)
    assert offer is not None
    assert sorted(offer["keyDigests"]) == sorted(digests)
    assert (offer["artifact"]["signed"], offer["artifact"]["signedFrom"]) == (True, None)
    data = await download(cast, offer["downloadUrl"])
    assert len(data) == offer["size"]
    assert sorted(read_image(io.BytesIO(data)).key_digests) == sorted(digests)
    assert await cast.count(SIGNING_REQUEST) == 1
    # The digests tell a thing that its boot loader would not start this: it rejects the update.
    told = await ask(cast, other)
    assert told is not None
    assert "00" * 32 not in told["keyDigests"]
    # What is on its way to a thing is not deleted, nor what it was made of.
    assert (await cast.error("admin", "deleteArtifact", {"id": artifact}))[0] == "CONFLICT"
    assert (await cast.error("admin", "deleteArtifact", {"id": offer["artifact"]["id"]}))[0] == "CONFLICT"
    execution = await execution_of(cast, other, started)
    report = "mutation ($input: ReportOtaExecutionInput!) { reportOtaExecution(input: $input) { userErrors { code } } }"
    given = {"input": {"executionId": execution, "status": "REJECTED"}}
    answer = await cast.gateway.data(report, given, token=f"Thing {other.hex}")
    assert answer["reportOtaExecution"]["userErrors"] == []
    assert await status_of(cast, execution) == "REJECTED"


async def test_a_job_signs_for_each_thing_with_a_key_that_it_takes(cast: Cast) -> None:
    """Row rainmaker.ota.job-sign-auto-key."""
    a, b, _ = [await make_key(cast, name) for name in "abc"]
    first, second, none, unknown = await add_lamps(
        cast, [a["publicKeyDigest"]], ["ff" * 32, b["publicKeyDigest"]], [], ["ff" * 32]
    )
    artifact = await upload_image(cast, image())
    things = [first, second, none, unknown]
    started = await start(cast, job(cast, artifact, things, automatic=True))
    assert [await ask(cast, each) for each in things] == [None] * 4
    assert await run_signing(cast) == 2
    for thing, wanted in ((first, a), (second, b)):
        offer = await ask(cast, thing)
        assert offer is not None
        assert offer["keyDigests"] == [wanted["publicKeyDigest"]]
        data = await download(cast, offer["downloadUrl"])
        assert read_image(io.BytesIO(data)).key_digests == [wanted["publicKeyDigest"]]
    for thing in (none, unknown):
        execution = await execution_of(cast, thing, started)
        assert await status_of(cast, execution) == "FAILURE"
        assert "no signing key" in await substate_of(cast, execution)


async def test_what_a_job_cannot_be_signed_with(cast: Cast) -> None:
    made, other = await make_key(cast), await make_key(cast, "rsa", spec="RSA_3072")
    artifact = await upload_image(cast, image())
    raw = await upload_file(cast, b"raw", format="RAW", releaseName="raw", fileName="raw.bin")
    (thing,) = await add_lamps(cast, [])
    missing = global_id("signingkey", thing)
    cases: list[tuple[dict[str, Any], str]] = [
        (job(cast, artifact, [thing], keyIds=[missing]), "NOT_FOUND"),
        (job(cast, artifact, [thing], keyIds=[made["id"]], automatic=True), "INVALID_INPUT"),
        (job(cast, artifact, [thing], keyIds=[made["id"], other["id"]]), "INVALID_INPUT"),
        (job(cast, raw, [thing], keyIds=[made["id"]]), "WRONG_STATE"),
    ]
    for said, code in cases:
        assert (await cast.error("editor", "createOtaJob", said))[0] == code
    assert await cast.count(OTA_JOB) == await cast.count(SIGNING_REQUEST) == 0


async def test_a_file_that_cannot_be_signed_ends_the_update_with_the_reason(cast: Cast) -> None:
    made = await make_key(cast)
    (thing,) = await add_lamps(cast, [made["publicKeyDigest"]])
    artifact = await upload_file(cast, b"raw", format="RAW", releaseName="raw", fileName="raw.bin")
    started = await start(cast, job(cast, artifact, [thing], automatic=True))
    assert await ask(cast, thing) is None
    execution = await execution_of(cast, thing, started)
    assert await status_of(cast, execution) == "FAILURE"
    assert "no place for a signature" in await substate_of(cast, execution)
