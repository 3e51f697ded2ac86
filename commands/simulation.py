"""`simulate`: things of the demo fleet that live, as clients of a running gateway."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from commands.options import chosen, data_option
from demo.doors import DoorName
from demo.installation import Pace
from demo.keys import KEYS_FILE, KeysUnreadable
from demo.simulator import USUAL_PACE, simulate
from endpoints.logs import configure_logs
from services.settings import Settings

SIMULATED_THINGS: Final = 50
SIMULATOR_SECONDS: Final = 2.0
_CHANCE: Final = click.FloatRange(0, 1)


@click.command("simulate")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the gateway is.")
@click.option("--things", default=SIMULATED_THINGS, show_default=True, help="How many things live.")
@click.option(
    "--interval", default=SIMULATOR_SECONDS, show_default=True, help="Seconds between two reports of a thing."
)
@click.option("--seconds", type=click.FloatRange(0), help="When to stop; without it, when interrupted.")
@click.option(
    "--protocol",
    type=click.Choice([each.value for each in DoorName]),
    default=DoorName.GRAPHQL.value,
    show_default=True,
    help="How things ask for updates and report on them.",
)
@click.option("--look", type=_CHANCE, default=USUAL_PACE.look, show_default=True, help="How likely a report asks, too.")
@click.option(
    "--failures", type=_CHANCE, default=USUAL_PACE.failures, show_default=True, help="How likely an update fails."
)
@click.option(
    "--drops", type=_CHANCE, default=USUAL_PACE.drops, show_default=True, help="How likely a download is cut."
)
@click.option(
    "--absences",
    type=_CHANCE,
    default=USUAL_PACE.absences,
    show_default=True,
    help="How likely a thing then goes away.",
)
@data_option
def run_simulator(  # noqa: PLR0913 - the options of a command
    *,
    url: str,
    things: int,
    interval: float,
    seconds: float | None,
    protocol: str,
    look: float,
    failures: float,
    drops: float,
    absences: float,
    **options: Any,
) -> None:
    """Let things of the demo fleet report their state and take updates, with a running gateway, until interrupted."""
    settings = chosen(**options)
    configure_logs("console", settings.log_level)
    pace = Pace(look=look, failures=failures, drops=drops, absences=absences)
    run = _until_stopped(url, keys_file(settings), things, interval, seconds, pace, DoorName(protocol))
    done = uvloop.run(run)
    if done is not None:
        click.echo(_summary(done))


async def simulate_beside(url: str, settings: Settings, stop: asyncio.Event) -> None:
    """Let the usual number of things live beside a gateway of this process."""
    await _simulate(url, keys_file(settings), SIMULATED_THINGS, SIMULATOR_SECONDS, stop, USUAL_PACE, DoorName.GRAPHQL)


def keys_file(settings: Settings) -> Path:
    """Where the keys of the simulated things are."""
    return settings.data_dir / KEYS_FILE


async def _until_stopped(
    url: str, keys: Path, things: int, interval: float, seconds: float | None, pace: Pace, door: DoorName
) -> Counter[str] | None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    return await _simulate(url, keys, things, interval, stop, pace, door)


async def _simulate(
    url: str, keys: Path, things: int, interval: float, stop: asyncio.Event, pace: Pace, door: DoorName
) -> Counter[str] | None:
    """What was done; None when there are no keys."""
    try:
        return await simulate(url, keys, things=things, interval=interval, stop=stop, pace=pace, door=door)
    except KeysUnreadable as error:
        click.echo(f"Nothing is simulated: {error}", err=True)
        return None


def _summary(done: Counter[str]) -> str:
    """One line for people."""
    return (
        f"{done['reports']:,} reports, {done['polls']:,} questions for updates, {done['offers']:,} offered. "
        f"{done['downloads']:,} files downloaded ({done['bytes']:,} bytes, gone on with {done['resumes']:,} times), "
        f"{done['succeeded']:,} updates good, {done['failed']:,} failed, {done['taken_back']:,} taken back. "
        f"{done['absences']:,} absences, {done['errors']:,} errors, {done['refused']:,} things refused."
    )
