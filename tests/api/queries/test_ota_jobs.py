"""`otaJobs`: by name, by artifact, and what was put away when asked for."""

from __future__ import annotations

from typing import Any

from models.enums import OtaJobStatus
from models.tables import OTA_JOB
from tests.cast import Cast, org_id, thing_id
from tests.ota import deploy, start_job, upload

LIST = """query ($filter: OtaJobFilter, $archived: ArchiveView) {
  otaJobs(filter: $filter, archived: $archived) { nodes { name } totalCount }
}"""
OF_ARTIFACT = """query ($id: ID!, $archived: ArchiveView) {
  artifact(id: $id) { otaJobs(first: 1, archived: $archived) { nodes { name } } }
}"""


async def find(cast: Cast, filter: dict[str, Any] | None = None, archived: str | None = None) -> list[str]:
    """The names of the jobs that somebody finds."""
    found = (await cast.data("viewer", LIST, {"filter": filter, "archived": archived}))["otaJobs"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def put_away(cast: Cast, job: str) -> None:
    """End a job and put it away."""
    await cast.change("editor", "cancelOtaJob", {"id": job})
    await cast.change("editor", "archiveOtaJob", {"id": job})


async def test_jobs_are_told_in_full(cast: Cast) -> None:
    """rainmaker.ota.list-jobs."""
    artifact, _ = await upload(cast)
    given = {"description": "Quieter.", "metadata": {"a": 1}, "priority": 3, "timeoutSeconds": 3600, "force": True}
    await start_job(cast, artifactId=artifact, name="one", **given)
    query = """{ otaJobs { totalCount pageInfo { hasNextPage endCursor } nodes {
        id name description status metadata target priority expiresAt force begunAt createdAt archivedAt
        artifact { id downloadUrl } executions { nodes { thing { id } } }
        counts { total pending awaitingApproval triggered started downloading installing rebooting delayed success
          failure rejected alreadyInstalled noArtifact aborted expired decommissioned }
    } } }"""
    jobs = (await cast.data("viewer", query))["otaJobs"]
    (job,) = jobs["nodes"]
    assert (jobs["totalCount"], jobs["pageInfo"]["hasNextPage"]) == (1, False)
    assert (job["name"], job["description"], job["priority"], job["metadata"]) == ("one", "Quieter.", 3, {"a": 1})
    assert (job["status"], job["force"], job["archivedAt"], job["target"]["all"]) == ("IN_PROGRESS", True, None, True)
    assert job["expiresAt"] > job["begunAt"] >= job["createdAt"]
    assert job["artifact"]["id"] == artifact
    assert job["artifact"]["downloadUrl"].startswith("http")
    assert job["executions"]["nodes"] == [{"thing": {"id": thing_id(cast.thing)}}]
    assert job["counts"].pop("total") == sum(job["counts"].values()) == 1
    assert (await cast.data("outsider", LIST))["otaJobs"]["totalCount"] == 0


async def test_names_are_found_by_a_part_of_them(cast: Cast) -> None:
    """rainmaker.ota.find-jobs-by-name."""
    artifact, _ = await upload(cast)
    for name in ("pumps in June", "Pumps in July", "probes"):
        await start_job(cast, artifactId=artifact, name=name)
    assert await find(cast, {"name": {"contains": "pumps"}}) == ["Pumps in July", "pumps in June"]
    assert await find(cast, {"name": {"contains": "in Ju"}}) == ["Pumps in July", "pumps in June"]
    assert await find(cast, {"name": {"contains": "xyz"}}) == []
    assert await find(cast, {"name": {"contains": "p"}, "not": {"name": {"startsWith": "pro"}}}) == [
        "Pumps in July",
        "pumps in June",
    ]


async def test_what_was_put_away_is_shown_when_asked_for(cast: Cast) -> None:
    """rainmaker.ota.list-jobs, rainmaker.ota.list-archived-jobs."""
    artifact, _ = await upload(cast)
    first, _ = [await start_job(cast, artifactId=artifact, name=name) for name in ("first", "second")]
    await put_away(cast, first)
    assert await find(cast) == await find(cast, archived="CURRENT") == ["second"]
    assert await find(cast, archived="ARCHIVED") == ["first"]
    assert await find(cast, archived="ALL") == ["second", "first"]
    assert await find(cast, {"name": {"contains": "s"}, "status": ["CANCELLED"]}, "ALL") == ["first"]
    below = """query ($id: ID!, $view: ArchiveView) { organization(id: $id) {
        otaJobs(archived: $view) { nodes { name } totalCount }
    } }"""
    for view, names in (("CURRENT", ["second"]), ("ARCHIVED", ["first"]), ("ALL", ["second", "first"])):
        found = (await cast.data("viewer", below, {"id": org_id(cast.acme), "view": view}))["organization"]["otaJobs"]
        assert ([node["name"] for node in found["nodes"]], found["totalCount"]) == (names, len(names))
    await cast.change("editor", "unarchiveOtaJob", {"id": first})
    assert await find(cast) == ["second", "first"]


async def test_the_newest_job_of_an_artifact(cast: Cast) -> None:
    """rainmaker.ota.latest-job-of-image: the newest that was not put away, or that was."""
    artifact, _ = await upload(cast)
    other, _ = await upload(cast, version="2")
    jobs = [await start_job(cast, artifactId=artifact, name=name) for name in ("a", "b", "c", "d")]
    await start_job(cast, artifactId=other, name="of another")

    async def latest(archived: str | None = None) -> list[str]:
        found = (await cast.data("viewer", OF_ARTIFACT, {"id": artifact, "archived": archived}))["artifact"]
        return [node["name"] for node in found["otaJobs"]["nodes"]]

    assert await latest() == ["d"]
    assert await latest("ARCHIVED") == []
    for index in (0, 1, 3):
        await put_away(cast, jobs[index])
    assert await latest() == ["c"]
    assert await latest("ARCHIVED") == ["d"]
    assert await find(cast, {"artifactIds": [artifact]}, "ALL") == ["d", "c", "b", "a"]
    assert await find(cast, {"artifactIds": [other]}) == ["of another"]


async def test_phases_are_told_from_jobs_of_their_own(cast: Cast) -> None:
    campaign = await deploy(cast, name="campaign")
    artifact, _ = await upload(cast, version="2")
    await start_job(cast, artifactId=artifact, name="alone")
    phase = str(await cast.value(OTA_JOB.c.name, OTA_JOB.c.deployment_id.is_not(None)))
    assert await find(cast, {"phaseOfDeployment": True}) == [phase]
    assert await find(cast, {"phaseOfDeployment": False}) == ["alone"]
    assert await find(cast, {"deploymentIds": [campaign]}) == [phase]
    assert await find(cast, {"status": [status.value for status in OtaJobStatus]}) == ["alone", phase]
