"""`artifacts` and `artifact`: in full, found by what they are, current ones unless others are asked for."""

from __future__ import annotations

from typing import Any

from engine.ids import global_id
from models.columns import now
from models.enums import ArtifactFormat, ArtifactStatus
from models.ids import new_id
from models.tables import ARTIFACT, RELEASE
from tests.cast import Cast, org_id
from tests.ota import declare, upload
from tests.rows import add

FULL = """id name model artifactVersion description format compatibleTypes provides depends fileName size sha256 md5
  signed info updates status problem private archivedAt downloadUrl uploadedAt version createdAt updatedAt
  organization { id } release { id name }"""
FIND = """query ($filter: ArtifactFilter, $archived: ArchiveView) {
  artifacts(filter: $filter, archived: $archived) { nodes { name artifactVersion } totalCount }
}"""
ONE = f"query ($id: ID!) {{ artifact(id: $id) {{ {FULL} }} }}"
UPDATES = [
    {
        "type": "rootfs-image",
        "files": [{"name": "image.ext4", "checksum": "ab" * 32, "size": 5_000_000_000, "date": "2026-01-31T12:00:00Z"}],
        "metadata": {"partition": 2},
    }
]


async def shelve(cast: Cast, **more: Any) -> str:
    """An artifact of Acme as a row, in the release of its name; gives its id."""
    made, release = new_id(), new_id()
    named = {"name": "1.0", "model": "", "artifact_version": "1", "compatible_types": [], "organization_id": cast.acme}
    state = {"format": ArtifactFormat.RAW, "status": ArtifactStatus.READY, "uploaded_at": now(), "file_name": "a.bin"}
    row = {"id": made, "size": 7, "sha256": "0" * 64, "provides": {}, "depends": {}, **named, **state, **more}
    found = await cast.rows(RELEASE.select().where(RELEASE.c.name == row["name"]))
    if row.get("private_to_id") is None:
        if not found:
            release_row = {"id": release, "organization_id": row["organization_id"], "name": row["name"], "notes": ""}
            await add(cast.store, RELEASE, [release_row])
        row["release_id"] = found[0].id if found else release
    await add(cast.store, ARTIFACT, [row])
    return global_id("artifact", made)


async def find(cast: Cast, filter: dict[str, Any] | None = None, archived: str | None = None) -> list[str]:
    """The versions of the artifacts that somebody finds, newest first."""
    found = (await cast.data("viewer", FIND, {"filter": filter, "archived": archived}))["artifacts"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["artifactVersion"] for node in found["nodes"]]


async def test_each_is_told_in_full(cast: Cast) -> None:
    """mender.ota.list-artifacts, mender.ota.get-artifact: the same in the list and by id."""
    made = await shelve(
        cast,
        name="system 1.0",
        model="P-100",
        compatible_types=["pump", "probe"],
        provides={"rootfs-image.version": "1.0"},
        depends={"device_type": ["pump", "probe"]},
        format=ArtifactFormat.MENDER,
        size=5_000_000_000,
        md5="0" * 32,
        signed=True,
        info={"format": "mender", "version": 3},
        updates=UPDATES,
        description="Quieter.",
    )
    (listed,) = (await cast.data("viewer", f"{{ artifacts {{ nodes {{ {FULL} }} }} }}"))["artifacts"]["nodes"]
    alone = (await cast.data("viewer", ONE, {"id": made}))["artifact"]
    for each in (listed, alone):
        # Each answer has an address of its own for the file.
        assert each.pop("downloadUrl").startswith("http")
    assert alone == listed
    said = {"info": {"format": "mender", "version": 3}, "updates": UPDATES, "signed": True, "size": "5000000000"}
    said |= {"provides": {"rootfs-image.version": "1.0"}, "depends": {"device_type": ["pump", "probe"]}}
    assert {name: str(alone[name]) if name == "size" else alone[name] for name in said} == said
    assert (alone["name"], alone["release"]["name"], alone["model"]) == ("system 1.0", "system 1.0", "P-100")
    assert (alone["compatibleTypes"], alone["description"]) == (["pump", "probe"], "Quieter.")
    assert (alone["format"], alone["archivedAt"], alone["organization"]["id"]) == ("MENDER", None, org_id(cast.acme))


async def test_what_is_not_there_is_told_from_what_is_no_id(cast: Cast) -> None:
    """mender.ota.get-artifact, rainmaker.ota.get-image."""
    made = await shelve(cast)
    assert (await cast.data("outsider", ONE, {"id": made})) == {"artifact": None}
    assert (await cast.data("viewer", ONE, {"id": global_id("artifact", new_id())})) == {"artifact": None}
    for wrong in ("", "artifact_1", made.replace("artifact", "release")):
        answer = await cast.gateway.graphql(ONE, {"id": wrong}, token=await cast.token("viewer"))
        assert answer.codes == ["BAD_USER_INPUT"], wrong


async def test_what_was_put_away_is_shown_when_asked_for(cast: Cast) -> None:
    """rainmaker.ota.list-images, rainmaker.ota.list-archived-images, rainmaker.ota.get-image."""
    kept, gone = (await upload(cast, version="1"))[0], (await upload(cast, version="2"))[0]
    await cast.change("editor", "archiveArtifact", {"id": gone})
    assert await find(cast) == await find(cast, archived="CURRENT") == ["1"]
    assert await find(cast, archived="ARCHIVED") == ["2"]
    assert await find(cast, archived="ALL") == ["2", "1"]
    found = (await cast.data("viewer", ONE, {"id": gone}))["artifact"]
    assert (found["id"], found["archivedAt"] is not None, found["md5"] is not None) == (gone, True, True)
    assert (await cast.data("viewer", ONE, {"id": kept}))["artifact"]["archivedAt"] is None
    below = """query ($org: ID!, $view: ArchiveView!) { organization(id: $org) {
        artifacts(archived: $view) { nodes { artifactVersion } totalCount }
        releases { nodes { artifacts(archived: $view) { nodes { artifactVersion } totalCount } } }
    } }"""
    for view, versions in (("CURRENT", ["1"]), ("ARCHIVED", ["2"]), ("ALL", ["1", "2"])):
        given = {"org": org_id(cast.acme), "view": view}
        organization = (await cast.data("viewer", below, given))["organization"]
        (release,) = organization["releases"]["nodes"]
        for artifacts in (organization["artifacts"], release["artifacts"]):
            assert [node["artifactVersion"] for node in artifacts["nodes"]] == versions, view
            assert artifacts["totalCount"] == len(versions)
    back = "mutation ($id: ID!) { unarchiveArtifact(input: { id: $id }) { userErrors { code } } }"
    answer = await cast.gateway.data(back, {"id": gone}, token=await cast.token("editor"))
    assert answer["unarchiveArtifact"] == {"userErrors": []}
    assert await find(cast) == ["2", "1"]


async def test_names_are_found_whole_or_in_part(cast: Cast) -> None:
    """rainmaker.ota.find-images: exact unless a part is asked for; all that is given must hold."""
    away = now()
    await shelve(cast, name="pump", artifact_version="1", model="P-100")
    await shelve(cast, name="pump beta", artifact_version="2", model="P-100", compatible_types=["pump", "probe"])
    await shelve(cast, name="Heat Pump", artifact_version="3", model="H-1", compatible_types=["pump"], archived_at=away)
    await shelve(cast, name="probe", artifact_version="4", compatible_types=["probe"], signed=True)
    assert await find(cast, {"name": {"eq": "pump"}}) == ["1"]
    assert await find(cast, {"name": {"contains": "pump"}}) == ["2", "1"]
    assert await find(cast, {"name": {"contains": "pump"}}, "ALL") == ["3", "2", "1"]
    assert await find(cast, {"name": {"contains": "pump"}}, "ARCHIVED") == ["3"]
    assert await find(cast, {"name": {"startsWith": "p"}}) == ["4", "2", "1"]
    assert await find(cast, {"model": {"eq": "P-100"}, "name": {"contains": "beta"}}) == ["2"]
    assert await find(cast, {"compatibleType": {"eq": "pump"}}, "ALL") == ["3", "2"]
    assert await find(cast, {"compatibleType": {"eq": "pump"}, "model": {"eq": "H-1"}}, "ALL") == ["3"]
    assert await find(cast, {"compatibleType": {"contains": "ROB"}}) == ["4", "2"]
    assert await find(cast, {"compatibleType": {"ne": "pump"}}) == ["4", "1"]
    assert await find(cast, {"compatibleType": {"in": ["probe", "x"], "nin": ["pump"]}}) == ["4"]
    assert await find(cast, {"compatibleType": {"exists": False}}) == ["1"]
    assert await find(cast, {"signed": True}) == ["4"]
    assert await find(cast, {"artifactVersion": {"in": ["1", "4"]}}) == ["4", "1"]
    assert await find(cast, {"or": [{"signed": True}, {"model": {"eq": "P-100"}}], "not": {"search": "BETA"}}) == [
        "4",
        "1",
    ]


async def test_what_is_private_is_found_by_its_sender_alone(cast: Cast) -> None:
    await shelve(cast, artifact_version="1")
    mine = await shelve(cast, artifact_version="2", private_to_id=cast.people["viewer"])
    assert await find(cast) == ["2", "1"]
    assert await find(cast, {"private": True}) == ["2"]
    assert await find(cast, {"private": False}) == ["1"]
    for other in ("owner", "editor"):
        found = (await cast.data(other, FIND))["artifacts"]
        assert ([node["artifactVersion"] for node in found["nodes"]], found["totalCount"]) == (["1"], 1), other
        assert await cast.data(other, ONE, {"id": mine}) == {"artifact": None}
        below = f'{{ organization(id: "{org_id(cast.acme)}") {{ artifacts {{ totalCount }} }} }}'
        assert (await cast.data(other, below))["organization"]["artifacts"]["totalCount"] == 1


async def test_files_that_have_not_come(cast: Cast) -> None:
    await declare(cast, version="1")
    await upload(cast, version="2")
    assert await find(cast, {"status": ["READY"]}) == ["2"]
    assert await find(cast, {"status": ["AWAITING_UPLOAD", "FAILED"]}) == ["1"]
    assert await find(cast, {"format": ["RAW"], "createdAt": {"lte": "2020-01-01T00:00:00Z"}}) == []
