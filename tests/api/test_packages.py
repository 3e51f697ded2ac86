"""Packages: one firmware, perhaps a boot loader, and a name that says which (row rainmaker.ota.package-upload)."""

from __future__ import annotations

import pytest

from models.tables import ORGANIZATION
from tests.cast import Cast, org_id
from tests.services.formats.esp_files import application, bootloader, image, package
from tests.signing import parts_of

GOOD = {"lamp.bin": image(), "bootloader.bin": bootloader(), "assets/logo.png": b"\x89PNG"}
BAD = {
    "no firmware": {"bootloader.bin": bootloader()},
    "two firmwares": {"lamp.bin": image(), "other.bin": image(application("other"))},
    "a wrong name": {"firmware.bin": image()},
    "a broken firmware": {"lamp.bin": image()[:-1]},
    "a broken boot loader": {"lamp.bin": image(), "bootloader.bin": b"\xe9"},
}


async def declare(cast: Cast, file_name: str = "lamp_1.5.0.zip") -> tuple[str, str]:
    said = {"organizationId": org_id(cast.acme), "format": "PACKAGE", "fileName": file_name, "model": "lamp"}
    fits = {"compatibleTypes": ["lamp"]}
    made = await cast.change("editor", "createArtifact", {**said, **fits}, "artifact { id } uploadUrl")
    return made["artifact"]["id"], made["uploadUrl"]


async def test_a_package_is_taken(cast: Cast) -> None:
    artifact, address = await declare(cast)
    assert (await cast.gateway.request("PUT", address, data=package(GOOD))).status == 201
    query = "query ($id: ID!) { artifact(id: $id) { name artifactVersion status info updates release { name } } }"
    found = (await cast.data("viewer", query, {"id": artifact}))["artifact"]
    assert (found["name"], found["artifactVersion"], found["status"]) == ("lamp_1.5.0", "1.5.0", "READY")
    assert found["release"] == {"name": "lamp_1.5.0"}
    assert found["info"]["firmware"]["project"] == "lamp"
    assert found["info"]["bootloader"] is True
    assert [file["name"] for file in found["updates"][0]["files"]] == list(GOOD)


@pytest.mark.parametrize("files", BAD.values(), ids=BAD.keys())
async def test_a_package_that_is_none_is_refused_and_leaves_nothing(cast: Cast, files: dict[str, bytes]) -> None:
    artifact, address = await declare(cast)
    answer = await cast.gateway.request("PUT", address, data=package(files))
    assert answer.status == 400, answer.body
    query = "query ($id: ID!) { artifact(id: $id) { status problem size downloadUrl } }"
    found = (await cast.data("viewer", query, {"id": artifact}))["artifact"]
    assert (found["status"], found["size"], found["downloadUrl"]) == ("AWAITING_UPLOAD", None, None)
    assert found["problem"]
    data = parts_of(cast).settings.data_dir
    kept = [path for folder in ("artifacts", "incoming") for path in (data / folder).rglob("*") if path.is_file()]
    assert kept == []
    assert await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme) == 0


@pytest.mark.parametrize("name", ["lamp.zip", "other_1.5.0.zip", "lamp-1.5.0.zip"])
async def test_a_package_of_another_name_is_refused(cast: Cast, name: str) -> None:
    artifact, address = await declare(cast, name)
    assert (await cast.gateway.request("PUT", address, data=package(GOOD))).status == 400
    query = "query ($id: ID!) { artifact(id: $id) { status } }"
    assert (await cast.data("viewer", query, {"id": artifact}))["artifact"]["status"] == "AWAITING_UPLOAD"


async def test_what_is_no_zip_by_its_name_is_not_declared(cast: Cast) -> None:
    said = {"organizationId": org_id(cast.acme), "format": "PACKAGE", "fileName": "lamp_1.5.0.tar", "model": "lamp"}
    assert await cast.error("editor", "createArtifact", said) == ("INVALID_INPUT", ["fileName"])
    said |= {"fileName": "lamp_1.5.0.zip", "releaseName": "lamp"}
    assert await cast.error("editor", "createArtifact", said) == ("INVALID_INPUT", ["releaseName"])
