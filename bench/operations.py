"""The operations that are measured: what a dashboard, a list, a detail page and a thing ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Operation:
    """A document with its variables; asked by the demo user, or by a thing when `as_thing` is set."""

    name: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    as_thing: bool = False


POINT = """
query Point($id: ID!) {
  thing(id: $id) { id name type externalId lifecycle connected lastSeenAt version }
}
"""
LIST = """
query List($first: Int, $last: Int) {
  things(first: $first, last: $last) {
    edges { cursor node {
      id name type lifecycle connected lastSeenAt tags
      organization { name } homeGroup { name } profile { name } state { version reported }
    } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
NESTED = """
query Nested($id: ID!) {
  organization(id: $id) {
    name
    groups(first: 10) { nodes {
      name
      things(first: 20) { nodes {
        id name connected
        state { version reported delta }
        executions(first: 3) { nodes {
          status progress
          job { name status deployment { name status } }
        } }
      } }
    } }
  }
}
"""
FILTERED = """
query Filtered($filter: ThingFilter!, $count: Boolean!) {
  things(first: 50, filter: $filter, orderBy: [{ field: NAME }]) {
    totalCount @include(if: $count)
    nodes { id name lastSeenAt homeGroup { name } }
  }
}
"""
STATS = """
query Stats($key: ThingStatsKey) {
  thingStats(groupBy: $key) { total connected disconnected buckets { key count connected } }
}
"""
REPORT = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version delta } userErrors { code } }
}
"""
LOGIN = """
mutation SignIn($input: LoginInput!) {
  login(input: $input) { session { accessToken } userErrors { code message } }
}
"""
FIND = """
query Find($externalId: String!) {
  things(first: 1, filter: { externalId: { eq: $externalId } }) { nodes { id organization { id } } }
}
"""

_COLD_AND_LOW = {
    "type": ["SENSOR"],
    "lifecycle": ["INSTALLED"],
    "connected": True,
    "tag": {"eq": "battery"},
    "attribute": {"name": "firmware_version", "text": {"eq": "3.2.0"}},
}


def operations(thing_id: str, organization_id: str, email: str, password: str) -> list[Operation]:
    """Everything that is measured, in the order of the table."""
    return [
        Operation("one thing, 8 scalars", POINT, {"id": thing_id}),
        Operation("list of 100 things, each with 4 relations and tags", LIST, {"first": 100}),
        Operation("the same, the last 100", LIST, {"last": 100}),
        Operation(
            "nested: organization, 10 groups, 20 things each, state, 3 executions, job, deployment",
            NESTED,
            {"id": organization_id},
        ),
        Operation("5 conditions, ordered by name, first 50", FILTERED, {"filter": _COLD_AND_LOW, "count": False}),
        Operation("the same with totalCount", FILTERED, {"filter": _COLD_AND_LOW, "count": True}),
        Operation("search in names, first 50", FILTERED, {"filter": {"search": "charger 00"}, "count": False}),
        Operation("thingStats, all", STATS),
        Operation("thingStats by type", STATS, {"key": "TYPE"}),
        Operation("thingStats by home group", STATS, {"key": "HOME_GROUP"}),
        Operation(
            "a thing reports its state (a durable write)",
            REPORT,
            {"input": {"reported": {"temperature": -18.4, "doorOpen": False}}},
            as_thing=True,
        ),
        Operation("login (argon2id)", LOGIN, {"input": {"email": email, "password": password}}),
    ]
