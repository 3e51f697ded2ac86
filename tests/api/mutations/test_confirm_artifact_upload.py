from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from models.tables import ARTIFACT
from tests.cast import Cast, refusals
from tests.ota import deploy, start_job, upload
from tests.rows import key
from tests.services.formats.esp_files import bootloader, image
from tests.services.formats.mender_files import Mender
from tests.uploading import awaiting, awaiting_mender, kept, put, ready, state, used

FIELDS = "artifact { status artifactVersion model compatibleTypes downloadUrl version }"
CONTENT = b"raw firmware"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def confirm(cast: Cast, artifact: str, **said: Any) -> dict[str, Any]:
    payload = await cast.change("editor", "confirmArtifactUpload", {"id": artifact, **said}, FIELDS)
    found: dict[str, Any] = payload["artifact"]
    return found


async def test_a_raw_file_is_used_once_its_version_and_model_are_said(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast)
    answer = await put(cast, url, CONTENT)
    assert answer.json["artifact"]["status"] == "AWAITING_CONFIRMATION"
    assert await state(cast, artifact) == ("AWAITING_CONFIRMATION", "")
    job = {"organizationId": f"org_{cast.acme.hex}", "name": "a", "artifactId": artifact, "target": {"all": True}}
    assert (await cast.error("editor", "createOtaJob", job))[0] == "WRONG_STATE"
    for said, path in (({}, "version"), ({"version": "1"}, "model"), ({"model": "pump"}, "version")):
        given = {"id": artifact, **said}
        assert await cast.error("editor", "confirmArtifactUpload", given) == ("INVALID_INPUT", [path])
        assert await state(cast, artifact) == ("AWAITING_CONFIRMATION", "")
    found = await confirm(cast, artifact, version="1.2", model="pump", sha256=SHA256.upper())
    fetched = await cast.gateway.request("GET", found.pop("downloadUrl"))
    assert fetched.body == CONTENT
    assert found == {
        "status": "READY",
        "artifactVersion": "1.2",
        "model": "pump",
        "compatibleTypes": [],
        "version": 2,
    }
    assert (len(kept(tmp_path)), await used(cast)) == (1, len(CONTENT))
    assert (await confirm(cast, artifact))["version"] == 2
    await start_job(cast, artifactId=artifact)


async def test_what_is_said_goes_before_what_the_file_says(cast: Cast) -> None:
    artifact, url = await awaiting(cast, format="ESP_IMAGE", fileName="lamp.bin")
    assert (await put(cast, url, image())).json["artifact"]["status"] == "AWAITING_CONFIRMATION"
    without = {"id": artifact, "version": "9"}
    assert await cast.error("editor", "confirmArtifactUpload", without) == ("INVALID_INPUT", ["compatibleTypes"])
    found = await confirm(cast, artifact, version="9", compatibleTypes=["lamp-v1"])
    assert (found["artifactVersion"], found["model"], found["compatibleTypes"]) == ("9", "lamp", ["lamp-v1"])
    found = await confirm(cast, artifact, model="torch")
    assert (found["artifactVersion"], found["model"], found["status"]) == ("9", "torch", "READY")


async def test_an_image_that_says_nothing_of_itself_is_told(cast: Cast) -> None:
    artifact, url = await awaiting(cast, format="ESP_IMAGE", fileName="boot.bin", compatibleTypes=["lamp-v1"])
    assert (await put(cast, url, bootloader())).json["artifact"]["status"] == "AWAITING_CONFIRMATION"
    assert await cast.error("editor", "confirmArtifactUpload", {"id": artifact}) == ("INVALID_INPUT", ["version"])
    assert (await confirm(cast, artifact, version="1", model="lamp"))["status"] == "READY"


async def test_there_is_nothing_to_confirm_before_the_upload(cast: Cast) -> None:
    artifact, _ = await awaiting(cast)
    given = {"id": artifact, "version": "1", "model": "pump"}
    assert await cast.error("editor", "confirmArtifactUpload", given) == ("WRONG_STATE", ["id"])
    assert await cast.value(ARTIFACT.c.model, ARTIFACT.c.id == key(artifact)) == ""
    unknown = {"id": "artifact_" + "0" * 32}
    assert await cast.error("editor", "confirmArtifactUpload", unknown) == ("NOT_FOUND", ["id"])


async def test_another_file_than_was_meant_is_gone_and_awaited_anew(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, version="1", model="pump")
    assert (await put(cast, url, b"the wrong one")).status == 201
    given = {"id": artifact, "sha256": SHA256}
    assert await cast.error("editor", "confirmArtifactUpload", given) == ("INVALID_INPUT", ["sha256"])
    assert (await state(cast, artifact))[0] == "AWAITING_UPLOAD"
    assert (kept(tmp_path), await used(cast)) == ([], 0)
    assert (await put(cast, url, b"the wrong one")).status == 400
    assert (await put(cast, url, CONTENT)).status == 201
    assert (await confirm(cast, artifact, sha256=SHA256))["status"] == "READY"
    assert await used(cast) == len(CONTENT)


async def test_not_once_an_update_has_used_it(cast: Cast, tmp_path: Path) -> None:
    artifact, release = await upload(cast)
    await cast.change("editor", "abortDeployment", {"id": await deploy(cast, releaseId=release)})
    for said in ({"version": "2"}, {"sha256": "0" * 64}):
        assert await cast.error("editor", "confirmArtifactUpload", {"id": artifact, **said}) == ("WRONG_STATE", ["id"])
    assert (await state(cast, artifact))[0] == "READY"
    assert len(kept(tmp_path)) == 1


async def test_a_mender_file_is_not_told_what_it_is(cast: Cast) -> None:
    artifact, url = await awaiting_mender(cast)
    assert (await put(cast, url, Mender().build())).status == 201
    given = {"id": artifact, "version": "2"}
    assert await cast.error("editor", "confirmArtifactUpload", given) == ("INVALID_INPUT", ["id"])
    assert (await confirm(cast, artifact))["status"] == "READY"


async def test_what_is_said_may_not_be_there_already(cast: Cast) -> None:
    await ready(cast, version="1")
    artifact, url = await awaiting(cast)
    assert (await put(cast, url, CONTENT)).status == 201
    given = {"id": artifact, "version": "1", "model": "pump"}
    assert await cast.error("editor", "confirmArtifactUpload", given) == ("CONFLICT", ["compatibleTypes"])
    assert (await state(cast, artifact))[0] == "AWAITING_CONFIRMATION"
    assert (await confirm(cast, artifact, version="2", model="pump"))["status"] == "READY"


async def test_who_may_not(cast: Cast) -> None:
    artifact, url = await awaiting(cast)
    assert (await put(cast, url, CONTENT)).status == 201
    given = {"id": artifact, "version": "1", "model": "pump"}
    await cast.refused("confirmArtifactUpload", given, refusals(viewer="FORBIDDEN"))
    assert (await state(cast, artifact))[0] == "AWAITING_CONFIRMATION"
