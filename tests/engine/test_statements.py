"""How many statements a read takes: one for each level of edges, whatever the number of rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import SQLModel

from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, add_groups, add_things, store_of
from tests.statements import Recorder

ACCESS = "session"
"""The statement that reads what a person may do starts from the session. Once it is known, what is read later proves
itself that this still holds."""
PROOF = "access_epoch"
"""The statement that proves it where nothing is read."""
TABLES = frozenset(SQLModel.metadata.tables) - {"thing_group_thing", PROOF}
"""Without the association of groups and things, which is only passed through."""
PUNCTUATION = str.maketrans('(),"', "    ")
GROUPS = 10
NESTED = """
query ($id: ID!) {
  organization(id: $id) {
    groups(first: 100) {
      nodes {
        things(first: 100) {
          nodes {
            state { version }
            executions(first: 3) { nodes { job { name deployment { name } } } }
          }
        }
      }
    }
  }
}
"""


async def tables_read(
    statements: Recorder, gateway: Gateway, query: str, variables: dict[str, Any], token: str
) -> tuple[list[str], Any]:
    """The tables that a query reads, in order, by the first one after FROM in each of its statements."""
    with statements() as seen:
        data = await gateway.data(query, variables, token=token)
    return [main_table(text) for text in seen.texts], data


def main_table(statement: str) -> str:
    words = statement.translate(PUNCTUATION).split()
    named = [after for word, after in pairwise(words) if word.upper() in {"FROM", "JOIN"}]
    return next((name for name in named if name in TABLES), PROOF if PROOF in named else statement)


async def fill(gateway: Gateway, fleet: Fleet, per_group: int, groups: int) -> list[str]:
    """Groups of alder's organization with things, and three campaigns over all of them."""
    store, organization = store_of(gateway), fleet.alder.organization
    things: list[str] = []
    for group in await add_groups(store, organization, groups):
        things += await add_things(store, organization, [{} for _ in range(per_group)], home=group)
    for number in range(3):
        await add_campaign(store, organization, things, name=f"campaign {number}")
    return things


@pytest.mark.parametrize(("groups", "per_group"), [(1, 1), (GROUPS, 100)], ids=["one thing", "a thousand things"])
async def test_nested_read(gateway: Gateway, fleet: Fleet, statements: Recorder, groups: int, per_group: int) -> None:
    await fill(gateway, fleet, per_group, groups)
    variables = {"id": fleet.alder.organization}
    read, data = await tables_read(statements, gateway, NESTED, variables, fleet.alder.viewer.token)
    assert read == [
        ACCESS, "organization", "thing_group", "thing", "thing_state", "ota_execution", "ota_job", "deployment",
    ]  # fmt: skip
    found = [thing for group in data["organization"]["groups"]["nodes"] for thing in group["things"]["nodes"]]
    updated = [thing for thing in found if thing["executions"]["nodes"]]
    assert len(updated) == groups * per_group
    assert all(len(thing["executions"]["nodes"]) == 3 for thing in updated)
    assert {node["job"]["deployment"]["name"] for thing in updated for node in thing["executions"]["nodes"]} == {
        "campaign 0", "campaign 1", "campaign 2",
    }  # fmt: skip


PARTS = """
{ things(first: 100) { nodes {
  tags attributes { name } lifecycleHistory { reason } state { delta thing { id } }
  organization { id } homeGroup { organization { id } } groups(first: 2) { nodes { id } } profile { name }
} } }
"""
READS = {
    "a page, whatever is asked of it": (
        "{ things(first: 2) { edges { cursor node { id } } nodes { name } pageInfo { hasNextPage endCursor } } }",
        ["thing"],
    ),
    "a page and its total": ("{ things(first: 2) { nodes { id } totalCount } }", ["thing", "thing"]),
    "a total alone": ("{ things { totalCount } }", ["thing"]),
    "nothing of a list": ("{ things { __typename } }", [PROOF]),
    "a list under two names": (
        "{ a: things(first: 2) { nodes { id } totalCount } b: things(first: 2) { edges { cursor } totalCount } }",
        ["thing", "thing"],
    ),
    "a filtered list under two names": (
        '{ a: things(filter: {search: "p"}) { totalCount } b: things(filter: {search: "p"}) { totalCount } }',
        ["thing"],
    ),
    "two pages of one list": ("{ a: things(first: 2) { nodes { id } } b: things(last: 2) { nodes { id } } }",
        ["thing", "thing"]),
    "two totals with different bounds": (
        "{ things { a: totalCount(limit: 1) b: totalCount(limit: 2) } }", ["thing", "thing"]
    ),
    "an inner list under two names": (
        "{ organizations { nodes { a: groups { nodes { id } } b: groups { totalCount edges { cursor } } } } }",
        ["organization", "thing_group", "thing_group"],
    ),
    "all parts of things": (
        PARTS,
        ["thing", "thing_tag", "thing_attribute", "thing_lifecycle", "thing_state", "thing", "organization",
         "organization", "thing_group", "thing_group", "profile"],
    ),
    "counts": ("{ thingStats { total } }", [ACCESS, "thing"]),
    "counts by something": ("{ thingStats(groupBy: TYPE) { total buckets { key } } }", [ACCESS, "thing"]),
    "the viewer": (
        "{ viewer { user { id } thing { id } isPlatformAdmin grants { permissions organization { name } } } }",
        [ACCESS, "user_account", "organization"],
    ),
    "the viewer alone": ("{ viewer { isPlatformAdmin } }", [ACCESS]),
}  # fmt: skip


async def test_reads(gateway: Gateway, fleet: Fleet, statements: Recorder) -> None:
    expected = {what: sorted(tables) for what, (_, tables) in READS.items()}

    async def read() -> dict[str, list[str]]:
        token = fleet.alder.viewer.token
        await gateway.data("{ things { __typename } }", token=token)
        return {
            what: sorted((await tables_read(statements, gateway, query, {}, token))[0])
            for what, (query, _) in READS.items()
        }

    assert await read() == expected
    group = (await add_groups(store_of(gateway), fleet.alder.organization, 1))[0]
    await add_things(store_of(gateway), fleet.alder.organization, [{"tags": ["a", "b"]}] * 60, home=group)
    assert await read() == expected


async def test_nodes_take_one_statement_for_each_type(gateway: Gateway, fleet: Fleet, statements: Recorder) -> None:
    alder = fleet.alder
    things = [thing.id for thing in alder.things]
    ids = [*things, alder.hall, alder.organization, alder.row, alder.branch, alder.profile, *things]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    read, data = await tables_read(statements, gateway, query, {"ids": ids}, alder.viewer.token)
    assert sorted(read) == [*sorted(["organization", "profile", ACCESS, "thing", "thing_group"])]
    assert [node["id"] for node in data["nodes"]] == ids
    read, _ = await tables_read(statements, gateway, query, {"ids": [alder.hall]}, alder.viewer.token)
    assert read == ["thing_group"]


async def test_a_thing_asks_twice_who_it_is(gateway: Gateway, fleet: Fleet, statements: Recorder) -> None:
    """Once for the key in the header, once for what the operation may do."""
    read, _ = await tables_read(statements, gateway, "{ things { nodes { id } } }", {}, fleet.alder.pump.token)
    assert read == ["thing", "thing", "thing"]
