"""Things that live: real clients of a gateway, over HTTP, each with its own key.

Every thing reports its state at its interval, fulfils what is wished of it, looks for updates, and carries out those
that it is given: it downloads the file, with a line that drops now and then, checks it, and reports each step. Some
updates fail, and some things stay away for a while. While the gateway is away, each thing asks less and less often; no
answer ends the simulation.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import structlog

from demo.device import Device
from demo.doors import Door, DoorName, Software, open_door
from demo.downloads import Gone
from demo.installation import Installation, Pace
from demo.keys import read_keys
from demo.kinds import KINDS, Kind
from demo.link import Away, Link, Refused, open_session
from demo.things import ThingKey

SHORTEST_INTERVAL: Final = 0.1
LONGEST_PAUSE: Final = 60.0
SECONDS_BETWEEN_SUMMARIES: Final = 60.0
INTERVALS_AWAY: Final = (5.0, 30.0)
USUAL_PACE: Final = Pace()

_SELF: Final = """
query Self {
  viewer { thing {
    state { reported }
    attributes { scope name value }
  } }
}
"""
_REPORT: Final = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version delta } userErrors { code } }
}
"""

_log = structlog.get_logger("demo.simulator")


@dataclass(slots=True)
class Simulation:
    """What all things of a simulation share, and what they have done."""

    link: Link
    door: Door
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
    url: str,
    keys_file: Path,
    *,
    things: int,
    interval: float,
    stop: asyncio.Event,
    pace: Pace = USUAL_PACE,
    door: DoorName = DoorName.GRAPHQL,
) -> Counter[str]:
    """Have the first `things` things of `keys_file` live with the gateway at `url` until `stop` is set.

    `interval` is in seconds between two reports of one thing, at least 0.1; updates go through `door`. Returns what was
    done: `reports`, `polls`, `offers`, `downloads` that were whole and `resumes` of them, `bytes`, `updates` (steps of
    them), `succeeded`, `failed`, `taken_back`, `absences`, `errors` (answers with a code), `refused` (things whose key
    is not valid any more). Raises KeysUnreadable.
    """
    keys = (await asyncio.to_thread(read_keys, keys_file))[: max(0, things)]
    async with open_session() as session:
        link = Link(session, url.rstrip("/"))
        simulation = Simulation(link, open_door(door, link), max(interval, SHORTEST_INTERVAL), pace, stop)
        _log.info("simulation_started", url=link.url, things=len(keys), interval=simulation.interval, door=door.value)
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
        self._software: Software | None = None
        self._installation: Installation | None = None

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
        """Seconds to the next report: about an interval, more for an absence, and up to a minute after misses."""
        if not misses:
            if self._rng.random() < self._simulation.pace.absences:
                self._simulation.done["absences"] += 1
                return self._simulation.interval * self._rng.uniform(*INTERVALS_AWAY)
            return self._simulation.interval * self._rng.uniform(0.8, 1.2)
        longer = self._simulation.interval * 2.0 ** min(misses, 10)
        return min(LONGEST_PAUSE, longer) * self._rng.uniform(0.5, 1.0)

    async def _act(self) -> None:
        pace = self._simulation.pace
        if self._software is None:
            self._software = await self._recall()
        await self._report()
        if self._software is None:
            return
        if self._installation is None:
            if self._rng.random() < pace.look:
                await self._look(self._software)
        elif self._rng.random() < pace.step:
            await self._step(self._installation, self._software)

    async def _ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        """The payload, or None when the answer carries an error."""
        answer = await self._link.ask(self._key.key, document, variables)
        if not answer.codes:
            return dict(answer.payload or {})
        self._simulation.done["errors"] += 1
        _log.info("answered_with_error", thing=self._key.external_id, codes=answer.codes)
        return None

    async def _recall(self) -> Software | None:
        """Go on where the thing was before the simulation; None when the gateway does not say."""
        thing = ((await self._ask(_SELF, {})) or {}).get("thing")
        if thing is None:
            return None
        self._device.remember((thing.get("state") or {}).get("reported") or {})
        inventory = {item["name"]: item["value"] for item in thing["attributes"] if item["scope"] == "INVENTORY"}
        return _software_of(inventory, KINDS[self._key.kind])

    async def _report(self) -> None:
        payload = await self._ask(_REPORT, {"input": {"reported": self._device.measure()}})
        if payload is not None:
            self._simulation.done["reports"] += 1
            self._device.want((payload.get("state") or {}).get("delta") or {})

    async def _look(self, software: Software) -> None:
        self._simulation.done["polls"] += 1
        offered = await self._simulation.door.next_update(self._key.key, software)
        if offered is not None:
            self._simulation.done["offers"] += 1
            self._installation = Installation(offered, self._simulation.pace, self._rng)

    async def _step(self, installation: Installation, software: Software) -> None:
        """One step of the update; an address that is over is asked for anew."""
        done, door = self._simulation.done, self._simulation.door
        before = (installation.download.got, installation.download.resumes, installation.download.is_whole)
        try:
            goes_on = await installation.step(door, self._link, self._key.key)
        except Gone:
            offered = await door.next_update(self._key.key, software)
            if offered is None or offered.execution_id != installation.offered.execution_id:
                self._installation = None
            else:
                installation.renew(offered)
            return
        done["bytes"] += installation.download.got - before[0]
        done["resumes"] += installation.download.resumes - before[1]
        done["downloads"] += installation.download.is_whole - before[2]
        done["updates" if goes_on else "taken_back"] += 1
        if not installation.is_over:
            return
        self._installation = None
        if installation.has_succeeded:
            done["succeeded"] += 1
            kind = KINDS[self._key.kind]
            self._software = _software_named(installation.offered.artifact_name, software.device_type, kind)
            await door.introduce(self._key.key, self._software)
        elif goes_on:
            done["failed"] += 1


def _software_of(attributes: Mapping[str, Any], kind: Kind) -> Software | None:
    """What the thing has, as its attributes say; None without a type, by which nothing could be offered."""
    device_type, version = attributes.get("device_type"), attributes.get("firmware_version")
    if not isinstance(device_type, str):
        return None
    name = attributes.get("artifact_name") or (kind.release_name(str(version)) if version else "unknown")
    return _software_named(str(name), device_type, kind)


def _software_named(name: str, device_type: str, kind: Kind) -> Software:
    """The software of a release: the artifacts of the demo fleet provide the version that their name ends with."""
    version = name.removeprefix(kind.release_name(""))
    return Software(device_type, name, {} if version == name else {"firmware_version": version})
