"""Questions for the next update a second, through the device protocol: things with tokens, for whom nothing waits.

    python bench/polls.py [--things 10000] [--rate 2000] [--seconds 10] [--rounds 5] [--directory PLACE]

A gateway process on one core; the load and PostgreSQL on the other. Each thing has a token of its own, signed by the
gateway's key, with its auth set and its row, all written straight into the database; things ask in turn, by the second
version of the question and in the way of a stock client.

At the given rate the load keeps a timetable: a question is put when it is due, whether others were answered or not, and
its time is counted from then. Then the same things ask as fast as they are answered. Every answer has to be 204.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, cast
from uuid import UUID

import asyncpg
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cores import cpu_seconds, pinned, two_cores
from bench.fleets import Fleet
from bench.load import HOST, WrongAnswer
from bench.reports import fleet_on
from bench.servers import OURS_QUIET, run
from bench.tables import say
from models.ids import new_id
from services.tokens import Audience, TokenKeys, load_secret

PATH: Final = "/api/devices/v2/deployments/device/deployments/next"
PROVIDES: Final = {"device_type": "bench-board", "artifact_name": "bench-1"}
NOTHING: Final = b"HTTP/1.1 204"
END: Final = b"\r\n\r\n"
SECONDS_TO_FINISH: Final = 30.0
TOKEN_SECONDS: Final = 86_400

CHOSEN: Final = """
SELECT id, organization_id FROM thing
WHERE decommissioned_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM ota_execution WHERE thing_id = thing.id AND finished_at IS NULL)
ORDER BY id LIMIT $1
"""


class Owner(NamedTuple):
    """A thing, and whose it is."""

    thing: UUID
    organization: UUID


@dataclass
class Round:
    """What one round saw: the times to an answer (seconds), how long it took, and the time on cores of one answer."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    gateway: float = 0.0
    database: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """The time, in milliseconds, within which this part of the answers came."""
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


async def sign_in_all(fleet: Fleet, count: int) -> list[bytes]:
    """Give that many things an auth set and a token, and the software that they will tell of; their requests."""
    keys = TokenKeys.of(load_secret(fleet.data_dir))
    connection = await asyncpg.connect(fleet.url)
    try:
        async with connection.transaction():
            owners = [Owner(*row) for row in await connection.fetch(CHOSEN, count)]
            if len(owners) < count:
                raise SystemExit(f"only {len(owners)} things have nothing before them; build a larger fleet")
            tokens = await _write_rows(connection, owners)
    finally:
        await connection.close()
    return [_request(keys, owner, token) for owner, token in zip(owners, tokens, strict=True)]


async def _write_rows(connection: asyncpg.Connection, owners: Sequence[Owner]) -> list[UUID]:
    """Rows like those of a sign-in; the ids of the tokens."""
    moment = datetime.now(UTC)
    sets, tokens = [new_id() for _ in owners], [new_id() for _ in owners]
    kept = "id organization_id thing_id identity identity_digest public_key key_digest status version"
    await connection.copy_records_to_table(
        "auth_set",
        columns=[*kept.split(), "created_at", "updated_at"],
        records=[
            (
                key,
                owner.organization,
                owner.thing,
                "{}",
                key.bytes * 2,
                "",
                key.bytes * 2,
                "ACCEPTED",
                1,
                moment,
                moment,
            )
            for key, owner in zip(sets, owners, strict=True)
        ],
    )
    end = moment + timedelta(seconds=TOKEN_SECONDS + 1)
    await connection.copy_records_to_table(
        "thing_token",
        columns=["id", "organization_id", "thing_id", "auth_set_id", "issued_at", "expires_at"],
        records=[
            (key, owner.organization, owner.thing, auth_set, moment, end)
            for key, owner, auth_set in zip(tokens, owners, sets, strict=True)
        ],
    )
    things = [owner.thing for owner in owners]
    said = orjson.dumps(PROVIDES).decode()
    await connection.execute("UPDATE thing SET software = $1::jsonb WHERE id = ANY ($2::uuid[])", said, things)
    await connection.execute("ANALYZE")
    return tokens


def _request(keys: TokenKeys, owner: Owner, token_id: UUID) -> bytes:
    """The question of one thing, in chunks as stock clients send it."""
    claims = {"jti": token_id.hex, "sub": owner.thing.hex, "org": owner.organization.hex}
    token = keys.sign(Audience.THING, claims, seconds=TOKEN_SECONDS)
    body = orjson.dumps({"device_provides": PROVIDES, "update_control_map": True})
    lines = [
        f"POST {PATH} HTTP/1.1",
        f"Host: {HOST}",
        "User-Agent: Go-http-client/1.1",
        "Transfer-Encoding: chunked",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
    ]
    return "\r\n".join(lines).encode() + END + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


class Asking:
    """The questions of one round, over kept connections; `pause` is the time between two, 0 for no timetable."""

    def __init__(self, requests: Sequence[bytes], pause: float) -> None:
        self.round = Round()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._pause = pause
        self._next = 0
        self._under_way = 0
        self._idle: list[Connection] = []
        self._due: deque[float] = deque()
        self._deadline = 0.0

    async def run(self, port: int, connections: int, seconds: float) -> Round:
        """Ask for so many seconds, and wait for what is under way."""
        loop = asyncio.get_running_loop()
        opened = [await loop.create_connection(lambda: Connection(self), HOST, port) for _ in range(connections)]
        self._idle = [connection for _, connection in opened]
        gc.collect()
        gc.disable()
        try:
            started = time.perf_counter()
            self._deadline = started + seconds
            if self._pause:
                await self._keep_timetable(started, int(seconds / self._pause))
            else:
                self._due.extend([started] * connections)
                self._put()
            async with asyncio.timeout(seconds + SECONDS_TO_FINISH):
                await self.finished
            self.round.seconds = time.perf_counter() - started
        finally:
            gc.enable()
            for transport, _ in opened:
                transport.close()
        return self.round

    async def _keep_timetable(self, started: float, count: int) -> None:
        """Put each question when it is due."""
        put = 0
        while put < count and not self.finished.done():
            now = time.perf_counter()
            while put < count and started + put * self._pause <= now:
                self._due.append(started + put * self._pause)
                put += 1
            self._put()
            await asyncio.sleep(max(0.0, started + put * self._pause - time.perf_counter()))
        self._deadline = 0.0
        self._end_if_done()

    def _put(self) -> None:
        while self._due and self._idle:
            self._under_way += 1
            self._idle.pop().ask(self._requests[self._next], self._due.popleft())
            self._next = (self._next + 1) % len(self._requests)

    def answered(self, connection: Connection, due: float) -> None:
        """One has its answer."""
        now = time.perf_counter()
        self.round.latencies.append(now - due)
        self._under_way -= 1
        self._idle.append(connection)
        if not self._pause and now < self._deadline:
            self._due.append(now)
        self._put()
        self._end_if_done()

    def _end_if_done(self) -> None:
        is_over = not self._pause or not self._deadline
        if is_over and not self._under_way and not self._due and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """The run is void."""
        if not self.finished.done():
            self.finished.set_exception(error)


class Connection(asyncio.Protocol):
    """One kept connection, with at most one question under way."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._due = 0.0
        self._answer = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def ask(self, request: bytes, due: float) -> None:
        """Put a question that was due then."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """An answer is complete with its head: 204 has no body."""
        self._answer += data
        if not self._answer.endswith(END):
            return
        if not self._answer.startswith(NOTHING):
            self._asking.fail(WrongAnswer(f"not 204: {self._answer[:400]!r}"))
            return
        self._answer = b""
        self._asking.answered(self, self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        """A gateway that closes a connection in the middle of a run has failed."""
        self._asking.fail(ConnectionError(f"the gateway closed a connection: {exc}"))


def measure_all(fleet: Fleet, requests: Sequence[bytes], chosen: argparse.Namespace, database_pid: int) -> None:
    """Start the gateway, ask in rounds at the given rate and at any, and print a table."""
    cores = two_cores()
    kinds = {f"{chosen.rate:,} a second": 1 / chosen.rate, "as fast as answered": 0.0}
    rounds: dict[str, list[Round]] = {name: [] for name in kinds}
    with pinned(cores.servers), run(OURS_QUIET, fleet) as running, pinned(cores.load):

        def ask(pause: float, seconds: float) -> Round:
            spent = cpu_seconds(running.pid), cpu_seconds(database_pid)
            seen = uvloop.run(_ask(requests, pause, running.port, chosen.connections, seconds))
            now = cpu_seconds(running.pid), cpu_seconds(database_pid)
            seen.gateway, seen.database = (
                (after - before) / len(seen.latencies) for before, after in zip(spent, now, strict=True)
            )
            return seen

        ask(0.0, 2.0)
        for _ in range(chosen.rounds):
            for name, pause in kinds.items():
                rounds[name].append(ask(pause, chosen.seconds))
    print("| polls | a second | lowest to highest | gateway us | database us | p50 ms | p99 ms | highest p99 ms |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, seen in rounds.items():
        rates, tails = [each.rate for each in seen], [each.percentile(99) for each in seen]
        print(
            f"| {name} | {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} "
            f"| {statistics.median(each.gateway for each in seen) * 1e6:.0f} "
            f"| {statistics.median(each.database for each in seen) * 1e6:.0f} "
            f"| {statistics.median(each.percentile(50) for each in seen):.1f} "
            f"| {statistics.median(tails):.1f} | {max(tails):.1f} |",
            flush=True,
        )


async def _ask(requests: Sequence[bytes], pause: float, port: int, connections: int, seconds: float) -> Round:
    return await Asking(requests, pause).run(port, connections, seconds)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--things", type=int, default=10_000, help="things that ask in turn (10000)")
    parser.add_argument("--rate", type=int, default=2_000, help="questions a second of the timetable (2000)")
    parser.add_argument("--fleet", type=int, default=20_000, help="the size of the demo fleet (20000)")
    parser.add_argument("--connections", type=int, default=64, help="kept connections (64)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a round is (10)")
    parser.add_argument("--directory", type=Path, help="keep the PostgreSQL here, and use what is there already")
    chosen = parser.parse_args()
    say(f"a demo fleet of {chosen.fleet:,} things")
    with fleet_on("postgresql", chosen.fleet, chosen.directory) as (fleet, database_pid):
        if database_pid is None:
            raise SystemExit("this is measured on PostgreSQL")
        requests = asyncio.run(sign_in_all(fleet, chosen.things))
        print(f"{chosen.things:,} things with tokens, {chosen.connections} connections, {chosen.seconds:g} s a round\n")
        try:
            measure_all(fleet, requests, chosen, database_pid)
        except WrongAnswer as error:
            raise SystemExit(f"stopped: {error}") from error


if __name__ == "__main__":
    main()
