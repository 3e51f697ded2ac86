"""The updates of things, by state, thing and log: in a job, in a deployment, of a thing, and of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from models.columns import now
from models.enums import OtaExecutionStatus
from models.readers import Readers
from models.tables import OTA_EXECUTION
from tests.cast import Cast, org_id, thing_id
from tests.rows import Campaign, add, add_campaign, key, rows_of

LATE = datetime(2030, 1, 1, tzinfo=UTC)
STATES = ("FAILURE", "SUCCESS", "PENDING", "FAILURE", "DELAYED", "FAILURE")
MANY = 3_000
IN_JOB = """query ($id: ID!, $filter: OtaExecutionFilter, $after: String) {
  otaJob(id: $id) { executions(first: 2, filter: $filter, after: $after) {
    nodes { id status } totalCount pageInfo { hasNextPage endCursor }
  } }
}"""


async def world(cast: Cast) -> tuple[Campaign, list[str]]:
    """A campaign with an update in each of STATES, and their ids in that order."""
    things = [thing_id(each) for each in [cast.thing, *await cast.add_things(len(STATES) - 1)]]
    campaign = await add_campaign(cast.store, org_id(cast.acme), things)
    async with cast.store.write() as session:
        for execution, status in zip(campaign.executions, STATES, strict=True):
            mine = OTA_EXECUTION.update().where(OTA_EXECUTION.c.id == key(execution))
            await session.execute(mine.values(status=OtaExecutionStatus(status)))
        last = OTA_EXECUTION.update().where(OTA_EXECUTION.c.id == key(campaign.executions[-1]))
        await session.execute(last.values(log_uploaded_at=now(), log_line_count=3, updated_at=LATE))
    return campaign, campaign.executions


async def test_filters_hold_wherever_updates_are_listed(cast: Cast) -> None:
    campaign, executions = await world(cast)
    failed = [each for each, status in zip(executions, STATES, strict=True) if status == "FAILURE"]
    things = [thing_id(cast.thing)]
    query = """query ($job: ID!, $deployment: ID!, $filter: OtaExecutionFilter) {
      otaJob(id: $job) { executions(filter: $filter) { ...Found } }
      deployment(id: $deployment) { executions(filter: $filter) { ...Found } }
      otaExecutions(filter: $filter) { ...Found }
    }
    fragment Found on OtaExecutionConnection { nodes { id } totalCount }"""

    async def find(filter: Any) -> list[str]:
        given = {"job": campaign.job, "deployment": campaign.deployment, "filter": filter}
        data = await cast.data("viewer", query, given)
        lists = [data["otaJob"]["executions"], data["deployment"]["executions"], data["otaExecutions"]]
        found = [[node["id"] for node in each["nodes"]] for each in lists]
        assert {each["totalCount"] for each in lists} == {len(found[0])}
        assert found[0] == found[1] == found[2][::-1]
        return found[0]

    assert await find(None) == executions
    assert await find({"status": ["FAILURE"]}) == failed
    assert await find({"status": ["SUCCESS", "DELAYED"]}) == [executions[1], executions[4]]
    assert await find({"status": []}) == []
    assert await find({"hasLog": True}) == executions[-1:]
    assert await find({"hasLog": False, "status": ["FAILURE"]}) == failed[:-1]
    assert await find({"thingIds": things}) == executions[:1]
    assert await find({"thingIds": things, "status": ["SUCCESS"]}) == []
    assert await find({"updatedAt": {"gte": LATE.isoformat()}}) == executions[-1:]
    assert (
        await find({"jobIds": [campaign.job], "deploymentIds": [campaign.deployment], "not": {"hasLog": True}})
        == (executions[:-1])
    )


async def test_the_updates_of_a_thing(cast: Cast) -> None:
    _, executions = await world(cast)
    await add_campaign(cast.store, org_id(cast.acme), [thing_id(cast.thing)], name="second")
    query = """query ($id: ID!) { thing(id: $id) {
      failed: executions(filter: { status: FAILURE }) { nodes { id } }
      waiting: executions(filter: { status: [PENDING] }) { totalCount }
    } }"""
    for caller in ("viewer", "thing"):
        thing = (await cast.data(caller, query, {"id": thing_id(cast.thing)}))["thing"]
        assert thing == {"failed": {"nodes": [{"id": executions[0]}]}, "waiting": {"totalCount": 1}}


async def test_pages_go_on_through_a_filter(cast: Cast) -> None:
    campaign, executions = await world(cast)
    failed = [each for each, status in zip(executions, STATES, strict=True) if status == "FAILURE"]
    given: dict[str, Any] = {"id": campaign.job, "filter": {"status": ["FAILURE"]}}
    first = (await cast.data("viewer", IN_JOB, given))["otaJob"]["executions"]
    assert ([node["id"] for node in first["nodes"]], first["totalCount"]) == (failed[:2], 3)
    assert first["pageInfo"]["hasNextPage"]
    given["after"] = first["pageInfo"]["endCursor"]
    rest = (await cast.data("viewer", IN_JOB, given))["otaJob"]["executions"]
    assert [node["id"] for node in rest["nodes"]] == failed[2:]
    assert not rest["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("parent", ["otaJob", "deployment"])
async def test_a_page_of_failures_reads_failures_alone(
    cast: Cast, parent: str, database_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else a campaign has, an index has its failures in the order of the list."""
    campaign, executions = await world(cast)
    things = await cast.add_things(MANY)
    (row,) = await rows_of(cast.store, OTA_EXECUTION, OTA_EXECUTION.c.id == key(executions[1]))
    await add(cast.store, OTA_EXECUTION, [{**row, "id": each, "thing_id": each} for each in things])
    async with cast.store.write() as session:
        await session.execute(text("ANALYZE"))
    query = f"""query ($id: ID!) {{ {parent}(id: $id) {{
        executions(filter: {{ status: FAILURE }}) {{ nodes {{ id }} }}
    }} }}"""
    given = {"id": campaign.job if parent == "otaJob" else campaign.deployment}
    seen: list[tuple[str, Sequence[Any]]] = []
    read = Readers.read

    async def watched(readers: Any, requests: Sequence[tuple[str, Sequence[Any]]]) -> Any:
        seen.extend(requests)
        return await read(readers, requests)

    with monkeypatch.context() as watching:
        watching.setattr(Readers, "read", watched)
        found = (await cast.data("viewer", query, given))[parent]["executions"]["nodes"]
    assert len(found) == 3
    (asked,) = [(words, values) for words, values in seen if "ota_execution.status" in words]
    explain = "EXPLAIN" if database_kind == "postgresql" else "EXPLAIN QUERY PLAN"
    (lines,) = await cast.store.readers.read([(f"{explain} {asked[0]}", asked[1])])
    plan = "\n".join(str(line[-1]) for line in lines)
    assert f"ix_ota_execution_failed_{'job' if parent == 'otaJob' else 'deployment'}" in plan, plan
