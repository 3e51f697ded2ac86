from __future__ import annotations

from tests.api.mutations.test_create_attachment import CONTENT, declare
from tests.cast import Cast, refusals
from tests.uploading import put


async def test_another_address_while_the_file_is_awaited(cast: Cast) -> None:
    _, attachment, _ = await declare(cast)
    payload = await cast.change("editor", "renewAttachmentUpload", {"id": attachment}, "uploadUrl attachment { id }")
    assert payload["attachment"] == {"id": attachment}
    assert (await put(cast, payload["uploadUrl"], CONTENT)).status == 201
    assert await cast.error("editor", "renewAttachmentUpload", {"id": attachment}) == ("WRONG_STATE", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    """Whoever else does not see it before it is there."""
    _, attachment, url = await declare(cast)
    named = {"id": attachment}
    await cast.refused("renewAttachmentUpload", named, refusals(viewer="NOT_FOUND", admin="NOT_FOUND"))
    assert (await put(cast, url, CONTENT)).status == 201
