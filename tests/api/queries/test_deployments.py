"""`deployments`: running and past ones, by state, words, time and organization, and what was put away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from models.enums import DeploymentStatus
from models.tables import DEPLOYMENT
from tests.cast import Cast, org_id, thing_id
from tests.ota import deploy, upload
from tests.rows import Campaign, add_campaign, key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = """query ($filter: DeploymentFilter, $archived: ArchiveView) {
  deployments(filter: $filter, archived: $archived) { %s }
}"""
FIELDS = "nodes { name } totalCount"
BELOW = """query ($id: ID!, $filter: DeploymentFilter) {
  organization(id: $id) { deployments(filter: $filter) { nodes { name } totalCount } }
}"""


async def campaign(cast: Cast, name: str, **values: Any) -> Campaign:
    """A deployment of Acme to the pump, with these columns."""
    owner = values.pop("organization", cast.acme)
    made = await add_campaign(cast.store, org_id(owner), [thing_id(cast.thing)], name=name)
    if values:
        async with cast.store.write() as session:
            await session.execute(DEPLOYMENT.update().where(DEPLOYMENT.c.id == key(made.deployment)).values(values))
    return made


def names(found: dict[str, Any]) -> list[str]:
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def find(cast: Cast, filter: dict[str, Any] | None = None, archived: str | None = None) -> list[str]:
    """The names of the deployments that somebody finds."""
    given = {"filter": filter, "archived": archived}
    return names((await cast.data("viewer", LIST % FIELDS, given))["deployments"])


async def test_all_are_listed_newest_first(cast: Cast) -> None:
    """mender.ota.list-deployments: running and historical ones, in full."""
    await campaign(cast, "old", status=DeploymentStatus.FINISHED, finished_at=NOON)
    artifact, release = await upload(cast)
    target = {"filter": {"lifecycle": ["NEW"]}}
    await deploy(cast, releaseId=release, name="new", target=target, dynamic=True, maxThings=9, retries=2)
    selection = """nodes {
        id name createdAt finishedAt status retries dynamic target initialThingCount maxThings counts { total }
        release { name artifacts { nodes { id } } } jobs { nodes { phase } }
    }"""
    new, old = (await cast.data("viewer", LIST % selection))["deployments"]["nodes"]
    assert (new["name"], new["retries"], new["dynamic"], new["maxThings"]) == ("new", 2, True, 9)
    assert (new["initialThingCount"], new["counts"]["total"]) == (1, 1)
    assert new["target"]["filter"] == target["filter"]
    assert new["release"] == {"name": "1.0", "artifacts": {"nodes": [{"id": artifact}]}}
    assert new["jobs"] == {"nodes": [{"phase": 1}]}
    assert (old["name"], old["status"], old["dynamic"], old["maxThings"]) == ("old", "FINISHED", False, None)
    assert datetime.fromisoformat(old["finishedAt"]) == NOON


async def test_filters_hold_together(cast: Cast) -> None:
    """mender.ota.list-deployments: state, and a text in name or description."""
    for status in DeploymentStatus:
        await campaign(cast, f"{status.value} June", status=status, description="for the Hall")
    await campaign(cast, "July", status=DeploymentStatus.FINISHED, description="again, june's", dynamic=True)
    for status in DeploymentStatus:
        assert f"{status.value} June" in await find(cast, {"status": [status.value]})
        assert f"{status.value} June" not in await find(cast, {"not": {"status": [status.value]}})
    assert await find(cast, {"status": ["FINISHED"]}) == ["July", "FINISHED June"]
    assert await find(cast, {"status": ["FINISHED"], "search": "hall"}) == ["FINISHED June"]
    assert await find(cast, {"status": ["SCHEDULED", "PENDING"]}) == ["PENDING June", "SCHEDULED June"]
    assert len(await find(cast, {"search": "JUNE"})) == 6
    assert await find(cast, {"dynamic": True}) == ["July"]
    assert await find(cast, {"search": "100%"}) == []


async def test_what_cannot_be_asked_for_is_told(cast: Cast) -> None:
    """mender.ota.list-deployments: an unknown state and wrong pages."""
    token = await cast.token("viewer")
    answer = await cast.gateway.graphql("{ deployments(filter: { status: [LOST] }) { totalCount } }", token=token)
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    for page in ("first: -1", "first: 101", 'after: "x"'):
        answer = await cast.gateway.graphql(f"{{ deployments({page}) {{ nodes {{ id }} }} }}", token=token)
        assert answer.codes == ["BAD_USER_INPUT"], page


async def test_both_ends_of_a_time_belong_to_it(cast: Cast) -> None:
    """mender.ota.filter-deployments-by-time."""
    for hour in range(4):
        await campaign(cast, f"{hour}", created_at=NOON + timedelta(hours=hour))

    def at(hour: float) -> str:
        return (NOON + timedelta(hours=hour)).isoformat()

    assert await find(cast, {"createdAt": {"gte": at(1), "lte": at(2)}}) == ["2", "1"]
    assert await find(cast, {"createdAt": {"gte": at(2)}}) == ["3", "2"]
    assert await find(cast, {"createdAt": {"lte": at(1)}}) == ["1", "0"]
    assert await find(cast, {"createdAt": {"gte": at(1.001), "lte": at(1.999)}}) == []
    assert await find(cast, {"createdAt": {"gte": at(2), "lte": at(1)}}) == []
    assert await find(cast, {"createdAt": {"gte": "2026-03-01T14:00:00+01:00", "lte": "2026-03-01T13:00:00Z"}}) == ["1"]


async def test_those_of_any_organization_below(cast: Cast) -> None:
    """mender.ota.list-org-deployments: for operators, and for administrators of an organization above."""
    await campaign(cast, "of Acme", status=DeploymentStatus.FINISHED)
    await campaign(cast, "of North", organization=cast.north, status=DeploymentStatus.IN_PROGRESS, created_at=NOON)
    await campaign(cast, "of North, past", organization=cast.north, status=DeploymentStatus.FINISHED)
    await campaign(cast, "of Other", organization=cast.other)

    async def of(caller: str, organization: Any, **filter: Any) -> list[str] | None:
        found = (await cast.data(caller, BELOW, {"id": org_id(organization), "filter": filter}))["organization"]
        return None if found is None else names(found["deployments"])

    for caller in ("platform", "owner", "admin"):
        assert await of(caller, cast.north) == ["of North, past", "of North"]
        assert await of(caller, cast.north, status=["IN_PROGRESS"]) == ["of North"]
        assert await of(caller, cast.north, status=["FINISHED"], search="past") == ["of North, past"]
        moment = NOON.isoformat()
        assert await of(caller, cast.north, createdAt={"gte": moment, "lte": moment}) == ["of North"]
        assert await of(caller, cast.acme) == ["of Acme"]
    assert await of("platform", cast.other) == ["of Other"]
    assert await of("owner", cast.other) is None
    assert await of("outsider", cast.north) is None


async def test_what_was_put_away_is_shown_when_asked_for(cast: Cast) -> None:
    done = await deploy(cast, name="done")
    await cast.change("editor", "abortDeployment", {"id": done})
    open_ = await deploy(cast, releaseId=(await upload(cast, releaseName="2.0"))[1], name="open")
    await cast.change("editor", "archiveDeployment", {"id": done})
    assert await find(cast) == await find(cast, archived="CURRENT") == ["open"]
    assert await find(cast, archived="ARCHIVED") == ["done"]
    assert await find(cast, archived="ALL") == ["open", "done"]
    assert await find(cast, {"status": ["FINISHED"]}) == []
    assert await find(cast, {"status": ["FINISHED"]}, "ARCHIVED") == ["done"]
    one = "query ($id: ID!) { deployment(id: $id) { name archivedAt } }"
    assert (await cast.data("viewer", one, {"id": done}))["deployment"]["archivedAt"] is not None
    assert (await cast.data("viewer", one, {"id": open_}))["deployment"]["archivedAt"] is None
    below = """query ($view: ArchiveView) { releases { nodes {
        name deployments(archived: $view) { nodes { name } totalCount }
    } } }"""
    for view, expected in (("CURRENT", {"1.0": [], "2.0": ["open"]}), ("ALL", {"1.0": ["done"], "2.0": ["open"]})):
        nodes = (await cast.data("viewer", below, {"view": view}))["releases"]["nodes"]
        assert {node["name"]: names(node["deployments"]) for node in nodes} == expected
