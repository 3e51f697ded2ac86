"""What every peer is asked: six operations, each with many variables in turn, so that nobody can answer from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from bench.operations import POINT

LIST: Final = """
query List($first: Int!, $after: String) {
  things(first: $first, after: $after) {
    nodes {
      id name type lifecycle connected lastSeenAt
      homeGroup { id name }
      organization { id name }
    }
    pageInfo { hasNextPage }
  }
}
"""
NESTED: Final = """
query Nested($id: ID!) {
  organization(id: $id) {
    id name
    groups(first: 10) {
      nodes {
        id name
        things(first: 20) {
          nodes {
            id name type connected
            state { version reported }
            executions(first: 3) { nodes { id status progress } }
          }
          pageInfo { hasNextPage }
        }
      }
      pageInfo { hasNextPage }
    }
  }
}
"""
FILTER: Final = """
query Filter($filter: ThingFilter!) {
  things(first: 50, filter: $filter, orderBy: [{ field: NAME }]) {
    nodes { id name type lastSeenAt homeGroup { name } }
    pageInfo { hasNextPage }
  }
}
"""
AGGREGATE: Final = """
query Aggregate($groupBy: ThingStatsKey!) {
  thingStats(groupBy: $groupBy) { total connected buckets { key count connected } }
}
"""
MUTATION: Final = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version reported } userErrors { code } }
}
"""
WALK: Final = """
query Walk($first: Int!, $after: String) {
  things(first: $first, after: $after) { pageInfo { hasNextPage endCursor } }
}
"""
"""Not measured: finds the cursors that LIST goes on from, which each peer makes in its own way."""

DOCUMENTS: Final = {
    "point": POINT,
    "list": LIST,
    "nested": NESTED,
    "filter": FILTER,
    "aggregate": AGGREGATE,
    "mutation": MUTATION,
}
"""By the name of the operation; the mutation comes last, since it changes what the others read."""

PAGE: Final = 100
PAGES: Final = 20
THINGS: Final = 200
FILTERED: Final = (("INSTALLED", True), ("INSTALLED", False), ("NEW", False), ("RETIRED", False))
"""Sensors in these places of their life, connected or not: their names come early in the order, so that PostgreSQL
walks a few hundred index entries, not most of the table, and the servers are what is measured."""


@dataclass(frozen=True)
class Sample:
    """Global ids out of a fleet, spread over it."""

    things: list[str]
    connected_things: list[str]
    organizations: list[str]


async def draw_sample(url: str) -> Sample:
    """Draw the ids that the operations are about; the same ones for every peer."""
    connection = await asyncpg.connect(url)
    try:
        spread = "FROM thing WHERE connected OR NOT $1 ORDER BY sha256(uuid_send(id)) LIMIT $2"
        things = await connection.fetch(f"SELECT id {spread}", False, THINGS)
        connected = await connection.fetch(f"SELECT id {spread}", True, THINGS)
        organizations = await connection.fetch("SELECT id FROM organization ORDER BY id")
    finally:
        await connection.close()
    return Sample(
        [f"thing_{row['id'].hex}" for row in things],
        [f"thing_{row['id'].hex}" for row in connected],
        [f"org_{row['id'].hex}" for row in organizations],
    )


def variables_of(operation: str, sample: Sample, cursors: list[str | None]) -> list[dict[str, Any]]:
    """All variables of an operation, in the order in which they take turns.

    `cursors` are those that this peer gave for the starts of the pages of its list. Things that report are connected
    already: the first report of another would be two events.
    """
    match operation:
        case "point":
            return [{"id": each} for each in sample.things]
        case "list":
            return [{"first": PAGE, "after": cursor} for cursor in cursors]
        case "nested":
            return [{"id": each} for each in sample.organizations]
        case "filter":
            return [
                {"filter": {"type": ["SENSOR"], "lifecycle": [lifecycle], "connected": is_connected}}
                for lifecycle, is_connected in FILTERED
            ]
        case "aggregate":
            return [{"groupBy": "TYPE"}, {"groupBy": "LIFECYCLE"}]
        case "mutation":
            return [
                {"input": {"thingId": each, "reported": {"benchSerial": number, "doorOpen": number % 2 == 0}}}
                for number, each in enumerate(sample.connected_things, 1000)
            ]
        case _:
            raise KeyError(operation)
