"""Things that live: real clients of a gateway, over HTTP, each with its own key.

Every thing reports its state at its interval, fulfils what is wished of it, and now and then carries out an update that
waits for it. While the gateway is away, each thing asks less and less often; no answer ends the simulation.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import structlog

from demo.device import CAN_REPORT, Device, Update
from demo.keys import read_keys
from demo.kinds import KINDS
from demo.link import Away, Link, Refused, open_session
from demo.things import ThingKey
from models.columns import now
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus

SHORTEST_INTERVAL: Final = 0.1
LONGEST_PAUSE: Final = 60.0
SECONDS_BETWEEN_SUMMARIES: Final = 60.0
_RUNNING_JOBS: Final = frozenset({OtaJobStatus.IN_PROGRESS.value, OtaJobStatus.SCHEDULED.value})

_SELF: Final = """
query Self {
  viewer { thing {
    state { reported }
    executions(first: 10) { nodes { id status progress job { status startsAt } } }
  } }
}
"""
_REPORT: Final = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version delta } userErrors { code } }
}
"""
_REPORT_UPDATE: Final = """
mutation ReportUpdate($input: ReportOtaExecutionInput!) {
  reportOtaExecution(input: $input) { userErrors { code } }
}
"""

_log = structlog.get_logger("demo.simulator")


@dataclass(frozen=True, slots=True)
class Pace:
    """How likely a thing, at each report, looks for an update that waits for it, and takes its next step in one."""

    look: float = 0.01
    step: float = 0.5


USUAL_PACE: Final = Pace()


@dataclass(slots=True)
class Simulation:
    """What all things of a simulation share, and what they have done."""

    link: Link
    interval: float
    pace: Pace
    stop: asyncio.Event
    done: Counter[str] = field(default_factory=Counter)

    async def rest(self, seconds: float) -> bool:
        """Wait; True when the simulation goes on."""
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except TimeoutError:
            return True
        return False


async def simulate(
    url: str, keys_file: Path, *, things: int, interval: float, stop: asyncio.Event, pace: Pace = USUAL_PACE
) -> Counter[str]:
    """Have the first `things` things of `keys_file` report to the gateway at `url` until `stop` is set.

    `interval` is in seconds between two reports of one thing, at least 0.1. Returns what was done: `reports`, `updates`
    (steps of updates), `errors` (answers with a code), `refused` (things whose key is not valid any more). Raises
    KeysUnreadable.
    """
    keys = (await asyncio.to_thread(read_keys, keys_file))[: max(0, things)]
    async with open_session() as session:
        link = Link(session, f"{url.rstrip('/')}/graphql")
        simulation = Simulation(link, max(interval, SHORTEST_INTERVAL), pace, stop)
        _log.info("simulation_started", url=link.url, things=len(keys), interval=simulation.interval)
        async with asyncio.TaskGroup() as group:
            group.create_task(_summarize(simulation))
            for key in keys:
                group.create_task(_SimulatedThing(simulation, key).live())
        _log.info("simulation_ended", requests=link.requests, failures=link.failures, **simulation.done)
    return simulation.done


async def _summarize(simulation: Simulation) -> None:
    while await simulation.rest(SECONDS_BETWEEN_SUMMARIES):
        _log.info("simulation", requests=simulation.link.requests, failures=simulation.link.failures, **simulation.done)


class _SimulatedThing:
    """One thing: the loop of its life."""

    def __init__(self, simulation: Simulation, key: ThingKey) -> None:
        self._simulation = simulation
        self._link = simulation.link
        self._key = key
        self._rng = Random(key.thing_id.int)
        self._device = Device(KINDS[key.kind], self._rng)
        self._knows_itself = False

    async def live(self) -> None:
        """Report until the simulation ends or the key is refused; the things begin spread over one interval."""
        pause = self._simulation.interval * self._rng.random()
        misses = 0
        while await self._simulation.rest(pause):
            try:
                await self._act()
                misses = 0
            except Away:
                misses += 1
            except (KeyError, TypeError, ValueError) as error:
                # The gateway is of another version than this client.
                misses += 1
                self._simulation.done["errors"] += 1
                _log.warning("answer_not_understood", thing=self._key.external_id, error=repr(error))
            except Refused as error:
                self._simulation.done["refused"] += 1
                _log.warning("thing_refused", thing=self._key.external_id, code=str(error))
                return
            pause = self._pause(misses)

    def _pause(self, misses: int) -> float:
        """Seconds to the next report: about an interval, and up to a minute after answers that were none."""
        if not misses:
            return self._simulation.interval * self._rng.uniform(0.8, 1.2)
        longer = self._simulation.interval * 2.0 ** min(misses, 10)
        return min(LONGEST_PAUSE, longer) * self._rng.uniform(0.5, 1.0)

    async def _act(self) -> None:
        pace = self._simulation.pace
        if not self._knows_itself or (self._device.update is None and self._rng.random() < pace.look):
            await self._look()
        await self._report()
        if self._device.update is not None and self._rng.random() < pace.step:
            await self._step(self._device.update)

    async def _ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        """The payload, or None when the answer carries an error."""
        answer = await self._link.ask(self._key.key, document, variables)
        if not answer.codes:
            return dict(answer.payload or {})
        self._simulation.done["errors"] += 1
        _log.info("answered_with_error", thing=self._key.external_id, codes=answer.codes)
        return None

    async def _look(self) -> None:
        """Ask for the own state, once, and for an update that waits."""
        payload = await self._ask(_SELF, {})
        thing = (payload or {}).get("thing")
        if thing is None:
            return
        if not self._knows_itself:
            self._device.remember((thing.get("state") or {}).get("reported") or {})
            self._knows_itself = True
            return
        self._device.update = _oldest_update(thing["executions"]["nodes"])

    async def _report(self) -> None:
        payload = await self._ask(_REPORT, {"input": {"reported": self._device.measure()}})
        if payload is not None:
            self._simulation.done["reports"] += 1
            self._device.want((payload.get("state") or {}).get("delta") or {})

    async def _step(self, update: Update) -> None:
        payload = await self._ask(_REPORT_UPDATE, {"input": update.advance(self._rng)})
        if payload is not None:
            self._simulation.done["updates"] += 1
        if payload is None or update.is_over:
            # Ended, aborted meanwhile, or not allowed: there may be another one later.
            self._device.update = None


def _oldest_update(executions: list[dict[str, Any]]) -> Update | None:
    """The update that the thing may carry out now, the oldest of several; `executions` come newest first."""
    for execution in reversed(executions):
        status, job = Status(execution["status"]), execution["job"]
        if status not in CAN_REPORT or job is None or job["status"] not in _RUNNING_JOBS:
            continue
        if datetime.fromisoformat(job["startsAt"]) <= now():
            return Update(execution["id"], status, execution["progress"])
    return None
