from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from models.tables import ARTIFACT, ATTACHMENT, ORGANIZATION, RELEASE, SIGNATURE, SIGNING_REQUEST
from resolvers.fleet_schema import build_schema
from services.formats.esp_image import read_image
from services.formats.package import BOOTLOADER, open_package
from tests.cast import Cast, org_id, refusals, user_id
from tests.rows import key
from tests.services.formats.esp_files import bootloader, image, package
from tests.services.formats.mender_files import Mender, sha256
from tests.services.formats.tools import espsecure, mender_artifact
from tests.signing import ask_to_sign, attach, download, make_key, request_of, run_signing, upload_file, upload_image

PACKAGE = {"lamp.bin": image(), "bootloader.bin": bootloader(), "a.txt": b"x"}


async def upload_package(cast: Cast, files: dict[str, bytes]) -> str:
    return await upload_file(cast, package(files), format="PACKAGE", fileName="lamp_1.5.0.zip", version="")


@pytest.mark.parametrize("spec", ["RSA_3072", "ECDSA_P256"])
async def test_an_image_is_signed_with_all_keys(cast: Cast, tmp_path: Path, spec: str) -> None:
    artifact = await upload_image(cast, image())
    keys = [await make_key(cast, f"boot/{number}", spec=spec) for number in range(3)]
    request = await ask_to_sign(cast, artifact, keys)
    waiting = await request_of(cast, request)
    assert (waiting["status"], waiting["signedArtifact"], waiting["finishedAt"]) == ("QUEUED", None, None)
    assert await run_signing(cast) == 1
    done = await request_of(cast, request)
    assert done["status"] == "SUCCESS"
    assert done["finishedAt"] is not None
    signed = done["signedArtifact"]
    assert (signed["name"], signed["status"], signed["signed"]) == ("lamp", "READY", True)
    assert (signed["signedFrom"]["id"], signed["release"]["name"]) == (artifact, "lamp")
    path = tmp_path / "signed.bin"
    path.write_bytes(await download(cast, signed["downloadUrl"]))
    assert sha256(path.read_bytes()) == signed["sha256"]
    for number, each in enumerate(keys):
        pem = tmp_path / f"{number}.pem"
        pem.write_text(each["publicKey"])
        said = espsecure("verify-signature", "--version", "2", "--keyfile", pem, path)
        assert "verification successful" in said
        espsecure("digest-sbv2-public-key", "--keyfile", pem, "--output", tmp_path / f"{number}.digest")
        assert (tmp_path / f"{number}.digest").read_bytes().hex() == each["publicKeyDigest"]
    lines = done["signatures"]["nodes"]
    assert [line["keyName"] for line in lines] == ["boot/0", "boot/1", "boot/2"]
    assert [line["publicKeyDigest"] for line in lines] == [each["publicKeyDigest"] for each in keys]
    for line in lines:
        assert (line["file"], line["sha256"], line["fileName"]) == ("FIRMWARE", signed["sha256"], "lamp.bin")
        assert (line["artifact"]["id"], line["signedArtifact"]["id"]) == (artifact, signed["id"])
        assert line["createdBy"]["id"] == user_id(cast.people["admin"])
    assert await run_signing(cast) == 0
    assert await cast.count(ARTIFACT) == 2
    query = "query ($id: ID!) { signingRequest(id: $id) { status description } }"
    assert (await cast.data("viewer", query, {"id": "signingreq_" + "0" * 32}))["signingRequest"] is None
    assert (await cast.data("outsider", query, {"id": request}))["signingRequest"] is None


async def test_keys_are_named_by_their_digests(cast: Cast) -> None:
    artifact, used, _ = await upload_image(cast, image()), await make_key(cast, "a"), await make_key(cast, "b")
    said = {"artifactId": artifact, "keyDigests": [used["publicKeyDigest"].upper()]}
    payload = await cast.change("admin", "signArtifact", said, "signingRequest { id keys { nodes { id } } }")
    assert [each["id"] for each in payload["signingRequest"]["keys"]["nodes"]] == [used["id"]]
    await run_signing(cast)
    signed = (await request_of(cast, payload["signingRequest"]["id"]))["signedArtifact"]
    assert signed["info"]["keyDigests"] == [used["publicKeyDigest"]]


async def test_what_a_key_has_signed_and_what_has_signed_an_image(cast: Cast) -> None:
    """Rows rainmaker.signing.images-by-key and rainmaker.signing.keys-by-image."""
    first, second = await upload_image(cast, image()), await upload_image(cast, image(), version="2")
    never = await upload_image(cast, image(), version="3")
    one, other = await make_key(cast, "a"), await make_key(cast, "b")
    await ask_to_sign(cast, first, [one, other])
    await ask_to_sign(cast, second, [one])
    assert await run_signing(cast) == 2
    by_key = """query ($id: ID!, $after: String) { signingKey(id: $id) {
      publicKeyDigest
      signatures(first: 1, after: $after) {
        totalCount pageInfo { endCursor hasNextPage }
        nodes { file createdAt createdBy { id } artifact { id } signedArtifact { id downloadUrl } }
      }
    } }"""
    page = (await cast.data("viewer", by_key, {"id": one["id"]}))["signingKey"]["signatures"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
    assert page["nodes"][0]["artifact"]["id"] == second
    after = {"id": one["id"], "after": page["pageInfo"]["endCursor"]}
    rest = (await cast.data("viewer", by_key, after))["signingKey"]["signatures"]
    assert (rest["nodes"][0]["artifact"]["id"], rest["pageInfo"]["hasNextPage"]) == (first, False)
    assert await download(cast, rest["nodes"][0]["signedArtifact"]["downloadUrl"])
    by_image = "query ($id: ID!) { artifact(id: $id) { signatures { totalCount nodes { keyName key { id } file } } } }"
    log = (await cast.data("viewer", by_image, {"id": first}))["artifact"]["signatures"]
    assert {line["keyName"] for line in log["nodes"]} == {"a", "b"}
    assert (await cast.data("viewer", by_image, {"id": never}))["artifact"]["signatures"]["nodes"] == []


def test_nothing_changes_the_log() -> None:
    mutation = build_schema()._schema.mutation_type
    assert mutation is not None
    assert [name for name in mutation.fields if "signature" in name.lower()] == []
    assert {name for name in mutation.fields if "sign" in name.lower()} >= {"createSigningKey", "signArtifact"}


async def test_the_log_outlives_what_it_tells_of(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    made = await make_key(cast)
    await ask_to_sign(cast, artifact, [made])
    await run_signing(cast)
    await cast.change("admin", "deleteArtifact", {"id": artifact, "force": True})
    query = """query ($id: ID!) { signingKey(id: $id) { signatures { nodes {
      artifactName fileName keyName publicKeyDigest artifact { id }
    } } } }"""
    (line,) = (await cast.data("viewer", query, {"id": made["id"]}))["signingKey"]["signatures"]["nodes"]
    assert line["artifact"] is None
    assert (line["artifactName"], line["fileName"], line["keyName"]) == ("lamp", "lamp.bin", "boot/1")


@pytest.mark.parametrize("spec", ["RSA_3072", "ECDSA_P256"])
async def test_a_mender_file_is_signed(cast: Cast, tmp_path: Path, spec: str) -> None:
    artifact = await upload_file(cast, Mender().build(), format="MENDER", fileName="rel-2.mender")
    made = await make_key(cast, spec=spec)
    request = await ask_to_sign(cast, artifact, [made])
    await run_signing(cast)
    signed = (await request_of(cast, request))["signedArtifact"]
    assert (signed["status"], signed["signed"], signed["name"]) == ("READY", True, "rel-2")
    path, pem = tmp_path / "signed.mender", tmp_path / "key.pem"
    path.write_bytes(await download(cast, signed["downloadUrl"]))
    pem.write_text(made["publicKey"])
    mender_artifact("validate", "-k", pem, path)


async def test_a_package_is_signed_inside(cast: Cast, tmp_path: Path) -> None:
    artifact = await upload_package(cast, PACKAGE)
    made = await make_key(cast)
    request = await ask_to_sign(cast, artifact, [made], signBootloader=True)
    await run_signing(cast)
    done = await request_of(cast, request)
    signed = done["signedArtifact"]
    path = tmp_path / "signed.zip"
    path.write_bytes(await download(cast, signed["downloadUrl"]))
    with open_package(path) as opened:
        images = {name: opened.archive.read(name) for name in ("lamp.bin", BOOTLOADER)}
    for data in images.values():
        assert read_image(io.BytesIO(data)).key_digests == [made["publicKeyDigest"]]
    lines = {line["file"]: line for line in done["signatures"]["nodes"]}
    assert lines["FIRMWARE"]["sha256"] == signed["sha256"]
    assert lines["BOOTLOADER"]["sha256"] == sha256(images[BOOTLOADER])
    assert signed["attachments"]["nodes"] == []


async def test_an_attached_boot_loader_gives_a_second_signed_file(cast: Cast, tmp_path: Path) -> None:
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    made = await make_key(cast)
    used = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    request = await ask_to_sign(cast, artifact, [made], signBootloader=True)
    await run_signing(cast)
    done = await request_of(cast, request)
    (second,) = done["signedArtifact"]["attachments"]["nodes"]
    data = await download(cast, second["downloadUrl"])
    assert (second["kind"], second["fileName"], second["sha256"]) == ("BOOTLOADER", "bootloader.bin", sha256(data))
    assert read_image(io.BytesIO(data)).key_digests == [made["publicKeyDigest"]]
    lines = {line["file"]: line for line in done["signatures"]["nodes"]}
    assert lines["BOOTLOADER"]["sha256"] == second["sha256"]
    assert lines["BOOTLOADER"]["attachment"] == {"fileName": "bootloader.bin"}
    more = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    assert more - used == done["signedArtifact"]["size"] + len(data)


async def test_without_the_flag_the_boot_loader_stays(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    request = await ask_to_sign(cast, artifact, [await make_key(cast)])
    await run_signing(cast)
    done = await request_of(cast, request)
    assert done["signedArtifact"]["attachments"]["nodes"] == []
    assert [line["file"] for line in done["signatures"]["nodes"]] == ["FIRMWARE"]


async def test_bad_requests_queue_nothing(cast: Cast) -> None:
    esp, mender = await upload_image(cast, image()), Mender().build()
    packed = await upload_package(cast, {"lamp.bin": image()})
    raw = await upload_file(cast, b"raw", format="RAW", releaseName="raw", fileName="raw.bin")
    update = await upload_file(cast, mender, format="MENDER", fileName="rel-2.mender")
    old = Mender(version=1, data={"old": b"old"})
    old.info["artifact_name"] = "rel-0"
    first = await upload_file(cast, old.build(), format="MENDER", fileName="rel-0.mender")
    declared = {"organizationId": org_id(cast.acme), "format": "ESP_IMAGE", "releaseName": "x", "fileName": "x.bin"}
    empty = (await cast.change("editor", "createArtifact", declared, "artifact { id }"))["artifact"]["id"]
    a, b, c, d = [await make_key(cast, name) for name in "abcd"]
    rsa = await make_key(cast, "rsa", spec="RSA_3072")
    theirs = {"organizationId": org_id(cast.other), "name": "x", "spec": "ECDSA_P256"}
    foreign = (await cast.change("outsider", "createSigningKey", theirs, "signingKey { id publicKeyDigest }"))[
        "signingKey"
    ]

    def ids(*keys: dict[str, Any]) -> list[str]:
        return [each["id"] for each in keys]

    nobody = "artifact_" + "0" * 32
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"artifactId": nobody, "keyIds": ids(a)}, "NOT_FOUND", ["artifactId"]),
        ({"artifactId": "x", "keyIds": ids(a)}, "INVALID_INPUT", ["artifactId"]),
        ({"artifactId": raw, "keyIds": ids(a)}, "WRONG_STATE", ["artifactId"]),
        ({"artifactId": empty, "keyIds": ids(a)}, "WRONG_STATE", ["artifactId"]),
        ({"artifactId": first, "keyIds": ids(a)}, "WRONG_STATE", ["artifactId"]),
        ({"artifactId": esp}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": []}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a, a)}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a), "keyDigests": [a["publicKeyDigest"]]}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a, b, c, d)}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a, rsa)}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a, foreign)}, "NOT_FOUND", ["keyIds", "1"]),
        ({"artifactId": esp, "keyDigests": [foreign["publicKeyDigest"]]}, "NOT_FOUND", ["keyDigests", "0"]),
        ({"artifactId": esp, "keyDigests": ["x"]}, "NOT_FOUND", ["keyDigests", "0"]),
        ({"artifactId": update, "keyIds": ids(a, b)}, "INVALID_INPUT", ["keyIds"]),
        ({"artifactId": esp, "keyIds": ids(a), "signBootloader": True}, "WRONG_STATE", ["signBootloader"]),
        ({"artifactId": packed, "keyIds": ids(a), "signBootloader": True}, "WRONG_STATE", ["signBootloader"]),
        ({"artifactId": update, "keyIds": ids(a), "signBootloader": True}, "WRONG_STATE", ["signBootloader"]),
    ]
    for said, code, path in cases:
        assert await cast.error("admin", "signArtifact", said) == (code, path), said
    assert await cast.count(SIGNING_REQUEST) == 0


async def test_a_signed_form_is_not_signed_again(cast: Cast) -> None:
    made = await make_key(cast)
    request = await ask_to_sign(cast, await upload_image(cast, image()), [made])
    await run_signing(cast)
    signed = (await request_of(cast, request))["signedArtifact"]["id"]
    said = {"artifactId": signed, "keyIds": [made["id"]]}
    assert await cast.error("admin", "signArtifact", said) == ("WRONG_STATE", ["artifactId"])


async def test_who_may_not(cast: Cast) -> None:
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    said = {"artifactId": artifact, "keyIds": [made["id"]]}
    await cast.refused("signArtifact", said, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    assert await cast.count(SIGNING_REQUEST) == 0


async def test_what_fails_says_why_and_leaves_nothing(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    used = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    # The boot loader fits, the firmware does not any more.
    async with cast.store.write() as session:
        await session.execute(
            ORGANIZATION.update().where(ORGANIZATION.c.id == cast.acme).values(storage_limit=used + 9000)
        )
    request = await ask_to_sign(cast, artifact, [await make_key(cast)], signBootloader=True)
    assert await run_signing(cast) == 1
    done = await request_of(cast, request)
    assert (done["status"], done["signedArtifact"]) == ("FAILED", None)
    assert "storage" in done["description"]
    assert (await cast.count(ARTIFACT), await cast.count(ATTACHMENT), await cast.count(SIGNATURE)) == (1, 1, 0)
    assert await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme) == used


async def test_signed_forms_go_with_what_they_were_made_of(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    request = await ask_to_sign(cast, artifact, [await make_key(cast)], signBootloader=True)
    await run_signing(cast)
    signed = (await request_of(cast, request))["signedArtifact"]
    await cast.change("admin", "deleteArtifact", {"id": artifact})
    assert (await cast.count(ARTIFACT), await cast.count(ATTACHMENT), await cast.count(RELEASE)) == (0, 0, 0)
    assert await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme) == 0
    assert (await cast.gateway.request("GET", signed["downloadUrl"])).status == 404
    assert await cast.count(SIGNATURE) == 2


async def test_an_artifact_that_is_deleted_meanwhile_fails_its_request(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    request = await ask_to_sign(cast, artifact, [await make_key(cast)])
    await cast.change("admin", "deleteArtifact", {"id": artifact})
    assert await run_signing(cast) == 1
    done = await request_of(cast, request)
    assert (done["status"], done["signedArtifact"]) == ("FAILED", None)
    assert await cast.count(ARTIFACT, ARTIFACT.c.id == key(artifact)) == 0
