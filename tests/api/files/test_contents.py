"""What files say of themselves is read from them, what lies is refused and gone, and what nobody said is asked for."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from models.tables import ARTIFACT, RELEASE
from services import artifact_rules
from tests.cast import Cast
from tests.rows import key
from tests.services.formats.esp_files import application, image, package
from tests.services.formats.mender_files import Mender
from tests.uploading import awaiting, awaiting_mender, kept, put, spooled, state, used

FIELDS = "name artifactVersion model compatibleTypes provides depends signed info updates md5 size status problem"
IMAGE = image()
PACKAGE = package({"lamp.bin": image(application("lamp", "1.5.0"))})
ESP: dict[str, Any] = {"format": "ESP_IMAGE", "compatibleTypes": ["lamp-v1"], "fileName": "lamp.bin"}


async def of(cast: Cast, artifact: str) -> dict[str, Any]:
    query = f"query ($id: ID!) {{ artifact(id: $id) {{ {FIELDS} release {{ name }} }} }}"
    found: dict[str, Any] = (await cast.data("viewer", query, {"id": artifact}))["artifact"]
    return found


async def assert_nothing_kept(cast: Cast, tmp_path: Path, artifact: str) -> str:
    """Nothing is left of its last file, and the artifact says why."""
    status, problem = await state(cast, artifact)
    assert (status, kept(tmp_path), spooled(tmp_path), await used(cast)) == ("AWAITING_UPLOAD", [], [], 0)
    return problem


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_mender_file_says_all_of_itself(cast: Cast, tmp_path: Path, version: int) -> None:
    data = Mender(version=version).build()
    artifact, url = await awaiting_mender(cast, description="Quieter.")
    waiting = await of(cast, artifact)
    assert (waiting["name"], waiting["release"], waiting["size"]) == ("", None, None)
    answer = await put(cast, url, data)
    assert (answer.status, answer.json["artifact"]["status"]) == (201, "READY")
    found = await of(cast, artifact)
    assert (found["name"], found["release"], found["status"]) == ("rel-2", {"name": "rel-2"}, "READY")
    assert found["compatibleTypes"] == ["pump", "valve"]
    assert found["md5"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert (found["size"], found["signed"]) == (len(data), False)
    assert found["updates"][0]["typeInfo"]["type"] == "rootfs-image"
    assert found["updates"][0]["files"][0]["name"] == "update.ext4"
    if version == 3:
        assert found["depends"]["rootfs-image.checksum"] == ["a" * 64]
        assert found["provides"]["rootfs-image.version"] == "2.0"
    assert kept(tmp_path) == [key(artifact).hex]
    assert await used(cast) == len(data)


async def test_a_mender_file_is_not_told_what_it_is(cast: Cast) -> None:
    base = {"fileName": "a.mender", "format": "MENDER", "organizationId": f"org_{cast.acme.hex}"}
    for field, value in (
        ("version", "1"),
        ("model", "pump"),
        ("compatibleTypes", ["pump"]),
        ("provides", {"a": "1"}),
        ("depends", {"a": "1"}),
        ("replaceExisting", True),
    ):
        assert await cast.error("editor", "createArtifact", {**base, field: value}) == ("INVALID_INPUT", [field])
    assert await cast.count(ARTIFACT) == 0


async def test_a_mender_file_of_another_release_is_refused(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting_mender(cast, releaseName="rel-3")
    assert (await put(cast, url, Mender().build())).status == 400
    assert "another release" in await assert_nothing_kept(cast, tmp_path, artifact)
    same, url = await awaiting_mender(cast, releaseName="rel-2")
    assert (await put(cast, url, Mender().build())).status == 201
    assert (await of(cast, same))["release"] == {"name": "rel-2"}


async def test_a_broken_file_is_refused_and_may_be_sent_anew(cast: Cast, tmp_path: Path) -> None:
    """Cut off, of another checksum inside, with a path that leads out, and no such file at all."""
    good = Mender().build()
    artifact, url = await awaiting_mender(cast)
    for data in (
        good[:-3000],
        Mender(sums={"data/0000/update.ext4": "0" * 64}).build(),
        Mender(data={"../../etc/passwd": b"x"}).build(),
        b"no archive",
    ):
        answer = await put(cast, url, data)
        assert (answer.status, answer.codes) == (400, ["INVALID_INPUT"])
        assert await assert_nothing_kept(cast, tmp_path, artifact)
    assert (await put(cast, url, good)).status == 201
    assert await state(cast, artifact) == ("READY", "")


async def test_a_second_mender_file_of_a_name_for_a_common_type_is_refused(cast: Cast, tmp_path: Path) -> None:
    data = Mender().build()
    _, url = await awaiting_mender(cast)
    assert (await put(cast, url, data)).status == 201
    again, url = await awaiting_mender(cast)
    answer = await put(cast, url, data)
    assert (answer.status, answer.codes) == (409, ["CONFLICT"])
    assert (await state(cast, again))[0] == "AWAITING_UPLOAD"
    assert (len(kept(tmp_path)), spooled(tmp_path), await used(cast)) == (1, [], len(data))
    info = {
        "payloads": [{"type": "rootfs-image"}],
        "artifact_provides": {"artifact_name": "rel-2"},
        "artifact_depends": {"device_type": ["fan"]},
    }
    assert (await put(cast, url, Mender(info=info).build())).status == 201
    assert await cast.count(RELEASE) == 1


async def test_what_is_sent_goes_before_what_an_image_says(cast: Cast) -> None:
    said, url = await awaiting(cast, **ESP)
    assert (await put(cast, url, IMAGE)).json["artifact"]["status"] == "READY"
    found = await of(cast, said)
    assert (found["artifactVersion"], found["model"], found["compatibleTypes"]) == ("1.4.2", "lamp", ["lamp-v1"])
    assert (found["name"], found["release"]) == ("2.0", {"name": "2.0"})
    sent, url = await awaiting(cast, **ESP, releaseName="3.0", version="9", model="torch")
    assert (await put(cast, url, IMAGE)).status == 201
    found = await of(cast, sent)
    assert (found["artifactVersion"], found["model"]) == ("9", "torch")


async def test_no_image_is_refused(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, **ESP)
    for data in (IMAGE[:-1], bytes([0]) + IMAGE[1:], IMAGE[:-40] + b"x" * 40):
        assert (await put(cast, url, data)).status == 400
        assert await assert_nothing_kept(cast, tmp_path, artifact)


async def test_a_package_is_named_as_its_file(cast: Cast, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "format": "PACKAGE",
        "compatibleTypes": ["lamp-v1"],
        "fileName": "lamp_1.5.0.zip",
        "releaseName": None,
    }
    artifact, url = await awaiting(cast, **given)
    assert (await put(cast, url, PACKAGE)).json["artifact"]["status"] == "READY"
    found = await of(cast, artifact)
    assert (found["name"], found["artifactVersion"]) == ("lamp_1.5.0", "1.5.0")
    for change, path in (({"releaseName": "other"}, "releaseName"), ({"fileName": "lamp.tar"}, "fileName")):
        more = {"organizationId": f"org_{cast.acme.hex}", **given, **change}
        assert await cast.error("editor", "createArtifact", more) == ("INVALID_INPUT", [path])
    other, url = await awaiting(cast, **{**given, "fileName": "fan_1.0.zip"})
    assert (await put(cast, url, PACKAGE)).status == 400
    assert (await state(cast, other))[0] == "AWAITING_UPLOAD"
    assert (len(kept(tmp_path)), spooled(tmp_path)) == (1, [])


async def test_the_md5_that_was_declared_has_to_come_along(cast: Cast, tmp_path: Path) -> None:
    data = b"firmware"
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    other = base64.b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()
    artifact, url = await awaiting(cast, version="1", model="pump", md5=md5)
    for body, headers in (
        (data, {}),
        (data, {"Content_MD5": other}),
        (data, {"Content_MD5": "none"}),
        (b"firmware!", {"Content_MD5": md5}),
    ):
        answer = await put(cast, url, body, **headers)
        assert (answer.status, answer.codes) == (400, ["INVALID_INPUT"])
        assert await assert_nothing_kept(cast, tmp_path, artifact)
    assert (await put(cast, url, data, Content_MD5=md5)).status == 201
    unasked, url = await awaiting(cast, version="2", model="pump")
    assert (await put(cast, url, data, Content_MD5=other)).status == 400
    assert (await state(cast, unasked))[0] == "AWAITING_UPLOAD"


async def test_images_have_a_limit_of_their_own(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 MiB; more than 24 MB is fine, since files come over HTTP."""
    most = 200 * 1024 * 1024
    base = {"organizationId": f"org_{cast.acme.hex}", "releaseName": "1", **ESP}
    assert await cast.error("editor", "createArtifact", {**base, "size": most + 1}) == ("LIMIT_REACHED", ["size"])
    await cast.change("editor", "createArtifact", {**base, "size": most})
    await cast.change("editor", "createArtifact", {**base, "format": "RAW", "releaseName": "2", "size": most + 1})
    monkeypatch.setattr(artifact_rules, "MOST_BYTES", dict.fromkeys(artifact_rules.MOST_BYTES, len(IMAGE) - 1))
    artifact, url = await awaiting(cast, **ESP)
    answer = await put(cast, url, IMAGE)
    assert (answer.status, answer.codes) == (413, ["LIMIT_REACHED"])
    assert await assert_nothing_kept(cast, tmp_path, artifact)
