from __future__ import annotations

from models.tables import ATTACHMENT
from tests.api.mutations.test_create_attachment import CONTENT, declare
from tests.cast import Cast, refusals
from tests.rows import key
from tests.uploading import put

FIELDS = "attachment { kind description metadata version }"


async def test_a_patch(cast: Cast) -> None:
    _, attachment, url = await declare(cast, description="Old.", metadata={"a": 1})
    assert (await put(cast, url, CONTENT)).status == 201
    change = {"id": attachment, "expectedVersion": 1, "kind": "BOOTLOADER", "metadata": None}
    payload = await cast.change("editor", "updateAttachment", change, FIELDS)
    assert payload["attachment"] == {"kind": "BOOTLOADER", "description": "Old.", "metadata": {}, "version": 2}
    assert await cast.error("editor", "updateAttachment", change) == ("CONFLICT", ["expectedVersion"])
    payload = await cast.change("editor", "updateAttachment", {"id": attachment, "kind": "OTHER"}, FIELDS)
    assert (payload["attachment"]["kind"], payload["attachment"]["version"]) == ("OTHER", 3)
    payload = await cast.change("editor", "updateAttachment", {"id": attachment}, FIELDS)
    assert payload["attachment"]["version"] == 3
    unknown = {"id": "attachment_" + "0" * 32}
    for operation in ("updateAttachment", "renewAttachmentUpload", "deleteAttachment"):
        assert await cast.error("editor", operation, unknown) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    _, attachment, url = await declare(cast)
    assert (await put(cast, url, CONTENT)).status == 201
    change = {"id": attachment, "description": "New."}
    await cast.refused("updateAttachment", change, refusals(viewer="FORBIDDEN"))
    assert await cast.value(ATTACHMENT.c.description, ATTACHMENT.c.id == key(attachment)) == ""
