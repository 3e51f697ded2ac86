"""Campaigns over very many things: how long creating one takes, in one phase and in a hundred, and looking at it first.

    python bench/rollouts.py [--things 100000] [--rounds 5] [--directory kept]

PostgreSQL on one core, a gateway on the other, which also asks. All things are in one organization and have said their
type, one of five; a release has an artifact for each of these but one. Each answer is held against the database: as
many executions as there are things, in the phases that were asked for, counters that are what counting gives, and as
many events. Prints a table, then `SECONDS <what> <median>`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.answers import data_of, fetch
from bench.cores import pinned, two_cores
from bench.fleets import Fleet, build_on_server, pinned_server
from bench.load import post
from bench.servers import OURS_QUIET, Running, run
from bench.tables import describe, say
from bench.turns import Pace

DEMO_THINGS: Final = 1_000
PHASES: Final = 100
TYPES: Final = ("red", "green", "blue", "white", "black")
THINGS: Final = """
INSERT INTO thing (
  id, version, created_at, updated_at, organization_id, home_group_id, name, type, external_id, key_digest, lifecycle,
  connected, last_seen_at, metadata, identity, auth_status, software, boot_key_digests)
SELECT uuidv7(), 1, now(), now(), home.organization_id, home.id, 'Added thing ' || lpad(number::text, 7, '0'),
  (ARRAY['DEVICE', 'SENSOR', 'ACTUATOR', 'CONTROLLER', 'GATEWAY'])[1 + number % 5], 'added-' || number,
  sha256(convert_to('added-' || number, 'UTF8')), 'INSTALLED', number % 4 > 0,
  now() - number * interval '1 second', '{{}}', '{{}}', 'NOAUTH', '{{}}', '[]'
FROM generate_series(1, {things}) number, (SELECT id, organization_id FROM thing_group ORDER BY id LIMIT 1) home
"""
FOLLOW: Final = """
INSERT INTO thing_group_thing (group_id, thing_id, is_home, created_at)
SELECT home_group_id, id, true, created_at FROM thing WHERE external_id LIKE 'added-%';
INSERT INTO thing_state (thing_id, reported, desired, version)
SELECT id, '{"on": true}', '{}', 1 FROM thing WHERE external_id LIKE 'added-%';
INSERT INTO thing_attribute (thing_id, scope, name, value, text_value, updated_at)
SELECT id, 'INVENTORY', 'device_type', to_jsonb(kind), kind, created_at FROM (
  SELECT id, created_at, (ARRAY['red', 'green', 'blue', 'white', 'black'])[1 + row_number() OVER (ORDER BY id) % 5] kind
  FROM thing WHERE external_id LIKE 'added-%');
INSERT INTO release (id, version, created_at, updated_at, organization_id, name, notes)
SELECT uuidv7(), 1, now(), now(), organization_id, 'rollout', '' FROM thing WHERE external_id = 'added-1';
INSERT INTO artifact (
  id, version, created_at, updated_at, organization_id, release_id, name, model, artifact_version, description, format,
  compatible_types, provides, depends, file_name, signed, info, updates, status, problem, generation, size, sha256)
SELECT uuidv7(), 1, now(), now(), organization_id, id, 'rollout', '', '1', '', 'RAW',
  to_jsonb(ARRAY[kind]), '{}', '{}', kind || '.bin', false, '{}', '[]', 'READY', '', '{}', 5, repeat('0', 64)
FROM release, unnest(ARRAY['red', 'green', 'blue', 'white']) kind WHERE name = 'rollout';
INSERT INTO artifact (
  id, version, created_at, updated_at, organization_id, release_id, name, model, artifact_version, description, format,
  compatible_types, provides, depends, file_name, signed, info, updates, status, problem, generation, size, sha256)
SELECT uuidv7(), 1, now(), now(), organization_id, NULL, 'for all', '', '1', '', 'RAW',
  '[]', '{}', '{}', 'all.bin', false, '{}', '[]', 'READY', '', '{}', 5, repeat('0', 64)
FROM release WHERE name = 'rollout';
"""
FOUND: Final = """
SELECT (SELECT organization_id FROM thing WHERE external_id = 'added-1') AS org,
  (SELECT id FROM release WHERE name = 'rollout') AS release,
  (SELECT id FROM artifact WHERE name = 'for all') AS artifact
"""
MADE: Final = """
SELECT job.phase, count(*) AS counted, sum((execution.status = 'NO_ARTIFACT')::int) AS unfit,
  min(job.pending_count + job.no_artifact_count) AS kept, min(job.planned_count) AS planned
FROM ota_execution execution JOIN ota_job job ON job.id = execution.job_id WHERE job.{column} = $1
GROUP BY job.phase ORDER BY job.phase
"""
JOB: Final = """
mutation Job($input: CreateOtaJobInput!) {
  createOtaJob(input: $input) { otaJob { id plannedCount } userErrors { code message } }
}
"""
DEPLOYMENT: Final = """
mutation Deploy($input: CreateDeploymentInput!) {
  createDeployment(input: $input) { deployment { id initialThingCount } userErrors { code message } }
}
"""
PREVIEW: Final = """
query Preview($input: DeploymentPreviewInput!) {
  deploymentPreview(input: $input) { thingCount phases artifacts { count } leftOut { reason count } }
}
"""


class Wrong(SystemExit):
    """An answer, or what is in the database behind it, is not what was asked for."""


@dataclass
class Places:
    """Where it happens: global ids of the organization, the release, and an artifact of its own."""

    organization: str
    release: str
    artifact: str
    things: int
    seconds: dict[str, list[float]] = field(default_factory=dict)


async def build(server: str, things: int, directory: Path) -> Fleet:
    """A fleet with so many more things in one organization; one that is there already is used as it is."""
    fleet = await build_on_server(server, DEMO_THINGS, directory, f"rollouts_{things}")
    connection = await asyncpg.connect(fleet.url)
    try:
        if await connection.fetchval("SELECT count(*) FROM thing") == DEMO_THINGS:
            # One script is one transaction: all of it is there, or nothing.
            await connection.execute(THINGS.format(things=things) + ";" + FOLLOW)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return fleet


async def look(fleet: Fleet, things: int) -> Places:
    """The ids of what there is, and how many things are in the organization."""
    connection = await asyncpg.connect(fleet.url)
    try:
        row = await connection.fetchrow(FOUND)
        all_things = await connection.fetchval("SELECT count(*) FROM thing WHERE organization_id = $1", row["org"])
    finally:
        await connection.close()
    if all_things < things:
        raise Wrong(f"{all_things} things, not {things}")
    return Places(
        f"org_{row['org'].hex}", f"release_{row['release'].hex}", f"artifact_{row['artifact'].hex}", all_things
    )


def ask(running: Running, places: Places, what: str, document: str, given: dict[str, Any]) -> dict[str, Any]:
    """One operation, timed from the request to the answer; its root field."""
    body = {"query": document, "variables": {"input": {"organizationId": places.organization, **given}}}
    content = post("/graphql", orjson.dumps(body), running.headers)
    started = time.perf_counter()
    answer = fetch(running.port, content)
    places.seconds.setdefault(what, []).append(time.perf_counter() - started)
    (root,) = data_of(answer).values()
    if root.get("userErrors"):
        raise Wrong(f"refused: {answer[:400]!r}")
    found: dict[str, Any] = root
    return found


async def check(fleet: Fleet, column: str, key: str, places: Places, *, phases: int) -> None:
    """Hold what was made against what was asked for."""
    connection = await asyncpg.connect(fleet.url)
    try:
        rows = await connection.fetch(MADE.format(column=column), key.partition("_")[2])
    finally:
        await connection.close()
    if len(rows) != phases or sum(row["counted"] for row in rows) != places.things:
        raise Wrong(f"{len(rows)} phases, {sum(row['counted'] for row in rows)} executions")
    for row in rows:
        if row["counted"] != row["kept"] or row["counted"] != row["planned"]:
            raise Wrong(f"counters of phase {row['phase']} are not what counting gives: {dict(row)}")
        if phases > 1 and row["phase"] < phases and row["counted"] != places.things // 100:
            raise Wrong(f"phase {row['phase']} has {row['counted']} things")


def in_phases() -> list[dict[str, int]]:
    """One percent each, every one after the success of the one before."""
    return [{"percent": 1}, *({"percent": 1, "afterSuccessPercent": 90} for _ in range(PHASES - 1))]


async def measure(running: Running, fleet: Fleet, places: Places, rounds: int) -> None:
    """All operations in turn; what each has made is checked, outside of its time."""
    loop = asyncio.get_running_loop()

    def later(what: str, document: str, given: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        return lambda: ask(running, places, what, document, {"target": {"all": True}, **given})

    for number in range(rounds):
        say(f"round {number + 1}")
        job = later("job", JOB, {"name": "Job", "artifactId": places.artifact})
        made = await loop.run_in_executor(None, job)
        await check(fleet, "id", made["otaJob"]["id"], places, phases=1)
        deployment = {"name": "Deployment", "releaseId": places.release}
        made = await loop.run_in_executor(None, later("deployment", DEPLOYMENT, deployment))
        await check(fleet, "deployment_id", made["deployment"]["id"], places, phases=1)
        phased = later("deployment in 100 phases", DEPLOYMENT, {**deployment, "phases": in_phases()})
        made = await loop.run_in_executor(None, phased)
        await check(fleet, "deployment_id", made["deployment"]["id"], places, phases=PHASES)
        seen = await loop.run_in_executor(
            None, later("preview", PREVIEW, {"releaseId": places.release, "phases": in_phases()})
        )
        if seen["thingCount"] != places.things or len(seen["phases"]) != PHASES:
            raise Wrong(f"a preview of {seen['thingCount']} things in {len(seen['phases'])} phases")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--things", type=int, default=100_000, help="things of the target (100000)")
    parser.add_argument("--rounds", type=int, default=5, help="of each operation (5)")
    parser.add_argument("--directory", type=Path, help="keep the database here, and use what is there already")
    chosen = parser.parse_args()
    cores = two_cores()
    with ExitStack() as stack:
        server, directory = stack.enter_context(pinned_server(cores.load, chosen.directory))
        say(f"a fleet of {chosen.things:,} things")
        fleet = asyncio.run(build(server, chosen.things, directory))
        places = asyncio.run(look(fleet, chosen.things))
        print(f"{places.things:,} things, {describe(Pace(chosen.rounds, 0, connections=1))}")
        with pinned(cores.servers):
            running = stack.enter_context(run(replace(OURS_QUIET, name="rollouts"), fleet))
        uvloop.run(measure(running, fleet, places, chosen.rounds))
    print("\n| what | median | lowest to highest |\n|---|--:|--:|")
    for what, seconds in places.seconds.items():
        print(f"| {what} | {median(seconds):.2f} s | {min(seconds):.2f} to {max(seconds):.2f} s |")
    print()
    for what, seconds in places.seconds.items():
        print(f"SECONDS {what.replace(' ', '-')} {median(seconds):.2f}")


if __name__ == "__main__":
    main()
