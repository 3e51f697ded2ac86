"""Agreement: every server is asked everything once, and all must say the same, before anybody is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from bench.answers import Differing, check_equal, data_of, fetch
from bench.load import Request
from bench.servers import Running, Variables
from bench.workloads import PAGE, PAGES, Sample, variables_of

MORE_DIGITS: Final = 5
"""By how many bytes the answer of a mutation may grow under load: it holds a version."""

Cursors = dict[str, list[str | None]]
Requests = dict[str, list[Request]]
"""By the name of the server."""


async def agree(servers: Sequence[Running], operation: str, sample: Sample, cursors: Cursors, url: str) -> Requests:
    """Ask every server for everything that the operation is asked with; the requests with the lengths of their answers.

    Raises Differing when two answers differ, or when a mutation left another event behind.
    """
    variables = {name: variables_of(operation, sample, behind) for name, behind in cursors.items()}
    asked: Requests = {name: [] for name in cursors}
    for number in range(len(variables[servers[0].server.name])):
        in_turn = [(each, variables[each.server.name][number]) for each in servers]
        if operation == "mutation":
            bodies, slack = await _report(in_turn, url), MORE_DIGITS
        else:
            bodies, slack = _read(in_turn, operation), 0
        for (each, given), body in zip(in_turn, bodies, strict=True):
            asked[each.server.name].append(Request(each.request(operation, given), len(body), slack))
    return asked


def walk(server: Running) -> list[str | None]:
    """The cursors of a server behind which its first pages start, the first page of all included."""
    cursors: list[str | None] = [None]
    while len(cursors) < PAGES:
        body = fetch(server.port, server.request("walk", {"first": PAGE, "after": cursors[-1]}))
        place = data_of(body)["things"]["pageInfo"]
        if not place["hasNextPage"]:
            break
        cursors.append(place["endCursor"])
    return cursors


def _read(in_turn: Sequence[tuple[Running, Variables]], operation: str) -> list[bytes]:
    bodies = [fetch(each.port, each.request(operation, given)) for each, given in in_turn]
    names = [each.server.name for each, _ in in_turn]
    check_equal(dict(zip(names, map(data_of, bodies), strict=True)))
    return bodies


async def _report(in_turn: Sequence[tuple[Running, Variables]], url: str) -> list[bytes]:
    """Let one server after the other report for the same thing: each must go on where the last one was."""
    bodies: list[bytes] = []
    answers: dict[str, Any] = {}
    events: dict[str, Any] = {}
    versions: list[int] = []
    connection = await asyncpg.connect(url)
    try:
        for each, given in in_turn:
            body = fetch(each.port, each.request("mutation", given))
            answer = data_of(body)
            state = answer["reportThingState"]["state"]
            versions.append(state.pop("version"))
            event = dict(await connection.fetchrow(_NEWEST_EVENT, given["input"]["thingId"].partition("_")[2]))
            if event.pop("version") != versions[-1]:
                raise Differing(f"{each.server.name} logged another version than {versions[-1]}")
            answers[each.server.name], events[each.server.name] = answer, event
            bodies.append(body)
    finally:
        await connection.close()
    if versions != list(range(versions[0], versions[0] + len(versions))):
        raise Differing(f"versions do not follow each other: {versions}")
    check_equal(answers)
    check_equal(events)
    return bodies


_NEWEST_EVENT: Final = """
SELECT event.kind, event.organization_id::text, event.group_id::text, event.thing_id::text, event.subject_id::text,
  (event.detail - 'version')::text AS detail, (event.detail ->> 'version')::int AS version,
  event.occurred_at = state.reported_at AND event.occurred_at = thing.last_seen_at AS is_of_the_report,
  thing.connected, event.transaction > 0 AS is_placed
FROM event JOIN thing_state state USING (thing_id) JOIN thing ON thing.id = event.thing_id
WHERE event.thing_id = $1::uuid ORDER BY event.transaction DESC, event.sequence DESC LIMIT 1
"""
