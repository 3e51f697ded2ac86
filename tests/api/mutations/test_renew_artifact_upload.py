from __future__ import annotations

from models.tables import ARTIFACT
from tests.cast import Cast, refusals
from tests.ota import FILE, declare, upload
from tests.rows import key


async def test_another_address_while_the_file_is_awaited(cast: Cast) -> None:
    artifact = (await declare(cast))["artifact"]["id"]
    payload = await cast.change("editor", "renewArtifactUpload", {"id": artifact}, "artifact { id } uploadUrl")
    assert payload["artifact"]["id"] == artifact
    assert (await cast.gateway.request("PUT", payload["uploadUrl"], data=FILE)).status == 201


async def test_not_once_it_is_there(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    assert await cast.error("editor", "renewArtifactUpload", {"id": artifact}) == ("WRONG_STATE", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    artifact = (await declare(cast))["artifact"]["id"]
    await cast.refused("renewArtifactUpload", {"id": artifact}, refusals(viewer="FORBIDDEN"))
    assert (await cast.value(ARTIFACT.c.version, ARTIFACT.c.id == key(artifact))) == 1
