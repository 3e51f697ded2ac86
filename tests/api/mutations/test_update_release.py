from __future__ import annotations

from engine.ids import global_id
from models.tables import RELEASE
from tests.cast import Cast, refusals
from tests.ota import declare
from tests.services.formats.mender_files import Mender
from tests.uploading import awaiting_mender, put

FIELDS = "release { name notes version artifacts { nodes { name } } }"


async def test_a_patch(cast: Cast) -> None:
    release = (await declare(cast))["artifact"]["release"]["id"]
    change = {"id": release, "expectedVersion": 1, "name": "1.1", "notes": "Quieter."}
    payload = await cast.change("editor", "updateRelease", change, FIELDS)
    artifacts = {"nodes": [{"name": "1.1"}]}
    assert payload["release"] == {"name": "1.1", "notes": "Quieter.", "version": 2, "artifacts": artifacts}
    assert await cast.error("editor", "updateRelease", change) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateRelease", {"id": release, "name": None}) == ("INVALID_INPUT", ["name"])
    payload = await cast.change("editor", "updateRelease", {"id": release, "notes": None}, FIELDS)
    assert (payload["release"]["name"], payload["release"]["notes"]) == ("1.1", "")


async def test_a_name_that_is_taken(cast: Cast) -> None:
    await declare(cast, releaseName="1.1")
    release = (await declare(cast))["artifact"]["release"]["id"]
    change = {"id": release, "name": "1.1"}
    assert await cast.error("editor", "updateRelease", change) == ("CONFLICT", ["name"])
    assert await cast.count(RELEASE, RELEASE.c.name == "1.0") == 1


async def test_who_may_not(cast: Cast) -> None:
    release = (await declare(cast))["artifact"]["release"]["id"]
    await cast.refused("updateRelease", {"id": release, "name": "x"}, refusals(viewer="FORBIDDEN"))
    assert await cast.count(RELEASE, RELEASE.c.name == "1.0") == 1


async def test_a_mender_file_has_the_name_inside(cast: Cast) -> None:
    _, url = await awaiting_mender(cast)
    assert (await put(cast, url, Mender().build())).status == 201
    ((release,),) = await cast.rows(RELEASE.select().with_only_columns(RELEASE.c.id))
    named = {"id": global_id("release", release)}
    assert await cast.error("editor", "updateRelease", {**named, "name": "rel-3"}) == ("WRONG_STATE", ["name"])
    assert await cast.value(RELEASE.c.name, RELEASE.c.id == release) == "rel-2"
    await cast.change("editor", "updateRelease", {**named, "name": "rel-2", "notes": "Quieter."})
