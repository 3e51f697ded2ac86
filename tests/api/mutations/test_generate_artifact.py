from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from models.tables import ARTIFACT, ORGANIZATION, RELEASE
from tests.cast import Cast, org_id, refusals
from tests.services.formats.esp_files import image
from tests.services.formats.mender_files import sha256
from tests.services.formats.tools import mender_artifact
from tests.signing import download, generation_duty, upload_file, upload_image

RAW = b"level = 3\n" * 1000
FIELDS = """artifact {
  id name artifactVersion format status problem fileName compatibleTypes provides size signed description updates
  downloadUrl release { name }
}"""


async def upload_raw(cast: Cast, **more: Any) -> str:
    return await upload_file(cast, RAW, **{"releaseName": "raw", "fileName": "pump.conf", **more})


def order(cast: Cast, source: str, **more: Any) -> dict[str, Any]:
    said = {"organizationId": org_id(cast.acme), "sourceArtifactId": source, "name": "rel-5"}
    return {**said, "compatibleTypes": ["pump"], "type": "SINGLE_FILE", "args": {"destDir": "/etc/pump"}, **more}


async def generate(cast: Cast, source: str, **more: Any) -> dict[str, Any]:
    return dict((await cast.change("editor", "generateArtifact", order(cast, source, **more), FIELDS))["artifact"])


async def artifact_of(cast: Cast, artifact: str) -> dict[str, Any]:
    query = f"query ($id: ID!) {{ artifact(id: $id) {{ {FIELDS.partition('{')[2].rpartition('}')[0]} }} }}"
    return dict((await cast.data("viewer", query, {"id": artifact}))["artifact"])


async def test_a_raw_file_becomes_a_mender_file(cast: Cast, tmp_path: Path) -> None:
    source = await upload_raw(cast)
    args = {"destDir": "/etc/pump", "fileName": "level.conf", "permissions": "0600"}
    made = await generate(cast, source, args=args, compatibleTypes=["pump", "valve"], description="Levels.")
    assert (made["status"], made["format"], made["size"], made["downloadUrl"]) == ("GENERATING", "MENDER", None, None)
    assert (made["name"], made["release"]["name"], made["description"]) == ("rel-5", "rel-5", "Levels.")
    assert await generation_duty(cast).run() == 1
    ready = await artifact_of(cast, made["id"])
    assert (ready["status"], ready["problem"], ready["fileName"]) == ("READY", "", "rel-5.mender")
    assert ready["compatibleTypes"] == ["pump", "valve"]
    assert ready["provides"] == {"artifact_name": "rel-5", "rootfs-image.single-file.version": "rel-5"}
    files = {file["name"]: file["checksum"] for file in ready["updates"][0]["files"]}
    assert files == {
        "dest_dir": sha256(b"/etc/pump\n"),
        "filename": sha256(b"level.conf\n"),
        "permissions": sha256(b"0600\n"),
        "level.conf": sha256(RAW),
    }
    path = tmp_path / "made.mender"
    path.write_bytes(await download(cast, ready["downloadUrl"]))
    mender_artifact("validate", path)
    said = mender_artifact("read", path)
    assert "Name: rel-5" in said
    assert "single-file" in said
    assert (await artifact_of(cast, source))["status"] == "READY"
    assert await generation_duty(cast).run() == 0


async def test_what_is_left_out_is_usual(cast: Cast) -> None:
    made = await generate(cast, await upload_raw(cast))
    await generation_duty(cast).run()
    files = {file["name"]: file["checksum"] for file in (await artifact_of(cast, made["id"]))["updates"][0]["files"]}
    assert (files["filename"], files["permissions"]) == (sha256(b"pump.conf\n"), sha256(b"644\n"))


async def test_bad_orders_make_nothing(cast: Cast) -> None:
    source = await upload_raw(cast)
    esp = await upload_image(cast, image())
    declared = {"organizationId": org_id(cast.acme), "releaseName": "x", "fileName": "x"}
    empty = (await cast.change("editor", "createArtifact", declared, "artifact { id }"))["artifact"]["id"]
    before = await cast.count(ARTIFACT), await cast.count(RELEASE)
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"organizationId": org_id(cast.other)}, "NOT_FOUND", ["organizationId"]),
        ({"organizationId": org_id(cast.north)}, "NOT_FOUND", ["sourceArtifactId"]),
        ({"sourceArtifactId": "artifact_" + "0" * 32}, "NOT_FOUND", ["sourceArtifactId"]),
        ({"sourceArtifactId": esp}, "WRONG_STATE", ["sourceArtifactId"]),
        ({"sourceArtifactId": empty}, "WRONG_STATE", ["sourceArtifactId"]),
        ({"name": " "}, "INVALID_INPUT", ["name"]),
        ({"name": "x" * 255}, "INVALID_INPUT", ["name"]),
        ({"compatibleTypes": []}, "INVALID_INPUT", ["compatibleTypes"]),
        ({"compatibleTypes": [""]}, "INVALID_INPUT", ["compatibleTypes", "0"]),
        ({"args": {"destDir": "etc"}}, "INVALID_INPUT", ["args", "destDir"]),
        ({"args": {"destDir": "/etc/../root"}}, "INVALID_INPUT", ["args", "destDir"]),
        ({"args": {"destDir": "/etc\n/x"}}, "INVALID_INPUT", ["args", "destDir"]),
        ({"args": {"destDir": "/etc", "fileName": "a/b"}}, "INVALID_INPUT", ["args", "fileName"]),
        ({"args": {"destDir": "/etc", "fileName": "dest_dir"}}, "INVALID_INPUT", ["args", "fileName"]),
        ({"args": {"destDir": "/etc", "permissions": "999"}}, "INVALID_INPUT", ["args", "permissions"]),
        ({"args": {"destDir": "/etc", "permissions": "u+x"}}, "INVALID_INPUT", ["args", "permissions"]),
    ]
    for change, code, path in cases:
        assert await cast.error("editor", "generateArtifact", order(cast, source, **change)) == (code, path), change
    assert await cast.refusal("editor", "generateArtifact", order(cast, source, type="DIRECTORY")) == "BAD_USER_INPUT"
    assert (await cast.count(ARTIFACT), await cast.count(RELEASE)) == before


async def test_the_same_again_is_a_conflict(cast: Cast) -> None:
    source = await upload_raw(cast)
    first, second = await generate(cast, source), await generate(cast, source)
    await generation_duty(cast).run()
    assert (await artifact_of(cast, first["id"]))["status"] == "READY"
    late = await artifact_of(cast, second["id"])
    assert (late["status"], "for a device type" in late["problem"]) == ("FAILED", True)
    again = await cast.error("editor", "generateArtifact", order(cast, source))
    assert again == ("CONFLICT", ["compatibleTypes"])
    await generate(cast, source, compatibleTypes=["valve"])


async def test_who_may_not(cast: Cast) -> None:
    source = await upload_raw(cast)
    await cast.refused("generateArtifact", order(cast, source), refusals(viewer="FORBIDDEN"))
    assert await cast.count(ARTIFACT) == 1


async def test_a_source_that_is_gone_fails_it(cast: Cast) -> None:
    source = await upload_raw(cast)
    made = await generate(cast, source)
    await cast.change("admin", "deleteArtifact", {"id": source})
    assert await generation_duty(cast).run() == 1
    failed = await artifact_of(cast, made["id"])
    assert (failed["status"], failed["downloadUrl"]) == ("FAILED", None)
    assert "not there any more" in failed["problem"]
    assert await generation_duty(cast).run() == 0


async def test_storage_that_is_full_fails_it(cast: Cast) -> None:
    source = await upload_raw(cast)
    used = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    async with cast.store.write() as session:
        await session.execute(
            ORGANIZATION.update().where(ORGANIZATION.c.id == cast.acme).values(storage_limit=used + 10)
        )
    made = await generate(cast, source)
    await generation_duty(cast).run()
    failed = await artifact_of(cast, made["id"])
    assert failed["status"] == "FAILED"
    assert "storage" in failed["problem"]
    assert await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme) == used


async def test_several_processes_make_each_once(cast: Cast) -> None:
    source = await upload_raw(cast)
    used = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    for number in range(6):
        await generate(cast, source, name=f"rel-{number}")
    done = await asyncio.gather(*(generation_duty(cast).run() for _ in range(4)))
    assert sum(done) == 6
    assert await cast.count(ARTIFACT, ARTIFACT.c.status == "READY") == 7
    sizes = await cast.rows(ARTIFACT.select().with_only_columns(ARTIFACT.c.size).where(ARTIFACT.c.format == "MENDER"))
    total = await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme)
    assert total - used == sum(size for (size,) in sizes)
