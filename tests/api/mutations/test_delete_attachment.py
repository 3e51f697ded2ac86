from __future__ import annotations

from pathlib import Path

from models.tables import ATTACHMENT
from tests.api.mutations.test_create_attachment import CONTENT, declare
from tests.cast import Cast, refusals
from tests.uploading import kept, put, used


async def test_its_file_goes_too(cast: Cast, tmp_path: Path) -> None:
    _, attachment, url = await declare(cast)
    before = await used(cast)
    assert (await put(cast, url, CONTENT)).status == 201
    assert len(kept(tmp_path)) == 2
    payload = await cast.change("editor", "deleteAttachment", {"id": attachment}, "deletedId")
    assert payload == {"deletedId": attachment}
    assert (len(kept(tmp_path)), await used(cast), await cast.count(ATTACHMENT)) == (1, before, 0)
    assert await cast.error("editor", "deleteAttachment", {"id": attachment}) == ("NOT_FOUND", ["id"])


async def test_one_that_never_arrived(cast: Cast) -> None:
    _, attachment, url = await declare(cast, size=5)
    before = await used(cast)
    await cast.change("editor", "deleteAttachment", {"id": attachment})
    assert await used(cast) == before
    assert (await put(cast, url, CONTENT)).status == 404


async def test_who_may_not(cast: Cast, tmp_path: Path) -> None:
    _, attachment, url = await declare(cast)
    assert (await put(cast, url, CONTENT)).status == 201
    await cast.refused("deleteAttachment", {"id": attachment}, refusals(viewer="FORBIDDEN"))
    assert (len(kept(tmp_path)), await cast.count(ATTACHMENT)) == (2, 1)
