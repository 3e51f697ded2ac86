"""`releases`: all artifacts of one name, as long as there is one."""

from __future__ import annotations

from tests.cast import Cast
from tests.ota import declare, upload

RELEASES = """query ($filter: ReleaseFilter) { releases(filter: $filter) {
  totalCount
  nodes {
    name
    artifacts { nodes {
      id description compatibleTypes info signed updates provides depends size updatedAt name
    } }
  }
} }"""


async def names(cast: Cast) -> list[str]:
    return [node["name"] for node in (await cast.data("viewer", RELEASES))["releases"]["nodes"]]


async def test_a_release_lives_from_its_first_artifact_to_its_last(cast: Cast) -> None:
    """mender.ota.list-releases."""
    assert await names(cast) == []
    first = (await declare(cast, version="1"))["artifact"]["id"]
    assert await names(cast) == ["1.0"]
    second, _ = await upload(cast, version="2")
    other, _ = await upload(cast, releaseName="2.0")
    assert await names(cast) == ["2.0", "1.0"]
    await cast.change("admin", "deleteArtifact", {"id": first})
    (newest, release) = (await cast.data("viewer", RELEASES))["releases"]["nodes"]
    assert [each["id"] for each in release["artifacts"]["nodes"]] == [second]
    assert [each["id"] for each in newest["artifacts"]["nodes"]] == [other]
    await cast.change("admin", "deleteArtifact", {"id": second})
    assert await names(cast) == ["2.0"]


async def test_releases_hold_their_artifacts_in_full(cast: Cast) -> None:
    """mender.ota.list-releases: what deployments refer to, with all that the files say."""
    artifact, _ = await upload(cast, compatibleTypes=["pump"], provides={"a": "1"}, depends={"b": ["2"]})
    (release,) = (await cast.data("viewer", RELEASES))["releases"]["nodes"]
    (found,) = release["artifacts"]["nodes"]
    assert (found["id"], found["name"], release["name"]) == (artifact, "1.0", "1.0")
    assert (found["compatibleTypes"], found["provides"], found["depends"]) == (["pump"], {"a": "1"}, {"b": ["2"]})
    assert None not in found.values()


async def test_releases_are_found_by_name(cast: Cast) -> None:
    for name in ("1.0", "1.1", "2.0 beta"):
        await upload(cast, releaseName=name)

    async def find(filter: object) -> list[str]:
        found = (await cast.data("viewer", RELEASES, {"filter": filter}))["releases"]
        assert found["totalCount"] == len(found["nodes"])
        return [node["name"] for node in found["nodes"]]

    assert await find({"name": {"eq": "1.0"}}) == ["1.0"]
    assert await find({"name": {"startsWith": "1."}}) == ["1.1", "1.0"]
    assert await find({"name": {"contains": "BETA"}}) == ["2.0 beta"]
    assert await find({"name": {"eq": "3"}}) == []
    assert (await cast.data("outsider", RELEASES))["releases"] == {"totalCount": 0, "nodes": []}
