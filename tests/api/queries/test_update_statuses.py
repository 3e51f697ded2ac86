"""Where each thing's update is, per deployment, per job and per thing, with the log that it sent."""

from __future__ import annotations

from typing import Any

from tests.cast import Cast, group_id, thing_id
from tests.ota import deploy, execution_of, start_job, upload

ROW = "thing { id } status createdAt finishedAt updatedAt deviceType hasLog substate log { level message }"


async def report(cast: Cast, execution: str, status: str, substate: str = "") -> None:
    given = {"executionId": execution, "status": status, "substate": substate}
    await cast.change("editor", "reportOtaExecution", given)


async def test_the_things_of_a_deployment(cast: Cast) -> None:
    """Each with its state and its log flag; by status; and nothing of what is unknown."""
    (other,) = await cast.add_things(1)
    deployment = await deploy(cast)
    await cast.change("thing", "myNextUpdate", {"deviceType": "pump", "artifactName": "0.9"})
    mine, theirs = [await execution_of(cast, thing, deployment) for thing in (cast.thing, other)]
    await report(cast, mine, "INSTALLING", "installing.enter;script:foo-bar")
    line = {"occurredAt": "2026-01-31T12:00:00Z", "level": "error", "message": "no space"}
    await cast.change("thing", "appendUpdateLog", {"executionId": mine, "lines": [line], "replace": True})
    await report(cast, theirs, "SUCCESS")
    query = f"""query Listed($id: ID!, $status: [OtaExecutionStatus!]) {{ deployment(id: $id) {{
      executions(filter: {{status: $status}}) {{ totalCount nodes {{ {ROW} }} }}
    }} }}"""
    seen = (await cast.data("viewer", query, {"id": deployment, "status": ["INSTALLING"]}))["deployment"]["executions"]
    (row,) = seen["nodes"]
    assert seen["totalCount"] == 1
    assert row.pop("createdAt") < row.pop("updatedAt")
    assert row == {
        "thing": {"id": thing_id(cast.thing)},
        "status": "INSTALLING",
        "finishedAt": None,
        "deviceType": "pump",
        "hasLog": True,
        "substate": "installing.enter;script:foo-bar",
        "log": [{"level": "error", "message": "no space"}],
    }
    both = (await cast.data("viewer", query, {"id": deployment}))["deployment"]["executions"]["nodes"]
    ended = next(each for each in both if each["thing"]["id"] == thing_id(other))
    assert (len(both), ended["status"], ended["hasLog"], ended["log"]) == (2, "SUCCESS", False, [])
    assert ended["finishedAt"] is not None
    for caller, key in (("viewer", "deployment_" + "0" * 32), ("outsider", deployment)):
        assert await cast.data(caller, query, {"id": key}) == {"deployment": None}


async def test_the_things_of_a_job_in_pages(cast: Cast) -> None:
    things = await cast.add_things(4)
    job = await start_job(cast, target={"thingIds": [thing_id(each) for each in things], "groupIds": []})
    await report(cast, await execution_of(cast, things[2], job), "DELAYED", "battery low")
    query = f"""query Page($id: ID!, $after: String) {{ otaJob(id: $id) {{
      executions(first: 3, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {ROW} }} }}
    }} }}"""
    rows: list[dict[str, Any]] = []
    after = None
    for more in (True, False):
        page = (await cast.data("viewer", query, {"id": job, "after": after}))["otaJob"]["executions"]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (4, more)
        rows, after = rows + page["nodes"], page["pageInfo"]["endCursor"]
    assert {row["thing"]["id"] for row in rows} == {thing_id(each) for each in things}
    said = {row["thing"]["id"]: (row["status"], row["substate"]) for row in rows}
    assert said[thing_id(things[2])] == ("DELAYED", "battery low")
    assert all(row["updatedAt"] for row in rows)


async def test_the_groups_that_a_job_was_aimed_at(cast: Cast) -> None:
    job = await start_job(cast, target={"groupIds": [group_id(cast.group)]})
    target = (await cast.data("viewer", "query ($id: ID!) { otaJob(id: $id) { target } }", {"id": job}))["otaJob"][
        "target"
    ]
    assert target["groupIds"] == [group_id(cast.group)]
    names = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Group { name } } }"
    found = await cast.data("viewer", names, {"ids": target["groupIds"]})
    assert found == {"nodes": [{"id": group_id(cast.group), "name": "Hall"}]}


async def test_one_thing_in_one_job(cast: Cast) -> None:
    """The latest status of that thing only; nothing for a thing that the job is not about, or that is not seen."""
    (other,) = await cast.add_things(1)
    job = await start_job(cast, target={"thingIds": [thing_id(cast.thing)]})
    await start_job(cast, artifactId=(await upload(cast, releaseName="2.0"))[0])
    execution = await execution_of(cast, cast.thing, job)
    await report(cast, execution, "DOWNLOADING", "half")
    query = f"""query One($job: [ID!], $thing: [ID!]) {{
      otaExecutions(filter: {{jobIds: $job, thingIds: $thing}}) {{ nodes {{ id {ROW} }} }}
    }}"""

    async def look(caller: str, thing: Any) -> list[Any]:
        found = await cast.data(caller, query, {"job": [job], "thing": [thing_id(thing)]})
        return list(found["otaExecutions"]["nodes"])

    for caller in ("viewer", "thing"):
        (row,) = await look(caller, cast.thing)
        assert (row["id"], row["status"], row["substate"]) == (execution, "DOWNLOADING", "half")
    assert await look("viewer", other) == []
    assert await look("outsider", cast.thing) == []


async def test_an_update_is_followed_as_it_goes(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    document = """subscription Follow($id: ID!) { otaExecutionChanged(scope: {thingIds: [$id]}) {
      executionId status occurredAt execution { substate }
    } }"""
    token = await cast.token("viewer")
    async with cast.gateway.subscribe(document, {"id": thing_id(cast.thing)}, token=token) as events:
        await report(cast, execution, "DOWNLOADING", "half")
        said = (await events.next())["otaExecutionChanged"]
    assert said["occurredAt"] is not None
    assert (said["executionId"], said["status"], said["execution"]) == (execution, "DOWNLOADING", {"substate": "half"})


async def test_the_updates_of_a_thing(cast: Cast) -> None:
    first, second = await start_job(cast), await start_job(cast, artifactId=(await upload(cast, releaseName="2.0"))[0])
    query = f"query Mine($id: ID!) {{ thing(id: $id) {{ executions {{ nodes {{ job {{ id }} {ROW} }} }} }} }}"
    rows = (await cast.data("viewer", query, {"id": thing_id(cast.thing)}))["thing"]["executions"]["nodes"]
    assert [row["job"]["id"] for row in rows] == [second, first]


async def test_free_data_goes_to_the_thing_as_it_is(cast: Cast) -> None:
    """Windows that the device keeps by itself, and whatever else."""
    metadata = {
        "download_window": {"start": 0, "end": 120},
        "validity": {"start": 1_700_000_000, "end": 1_900_000_000},
        "own": {"list": [1, "two", None, 3.5]},
    }
    await start_job(cast, metadata=metadata)
    offer = (await cast.change("thing", "myNextUpdate", {}, "offer { metadata }"))["offer"]
    assert offer == {"metadata": metadata}
    late = await execution_of(
        cast, cast.thing, (await cast.data("viewer", "{ otaJobs { nodes { id } } }"))["otaJobs"]["nodes"][0]["id"]
    )
    await cast.change("thing", "reportOtaExecution", {"executionId": late, "status": "DELAYED"})
    again = (await cast.change("thing", "myNextUpdate", {}, "offer { execution { id } }"))["offer"]
    assert again == {"execution": {"id": late}}
