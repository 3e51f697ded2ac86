"""An update as a simulated thing carries it out: the file is really downloaded, in pieces when the line drops."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from demo.campaigns import draw_substate
from demo.doors import Door, Offered
from demo.downloads import Download
from demo.link import Link
from models.enums import OtaExecutionStatus as Status

_DOWNLOADED: Final = 70
_INSTALLED: Final = 95
_DONE: Final = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """How a thing lives, as chances from 0 to 1.

    At each report: `look` for an update, `step` ahead with the one under way, stay away for a while (`absences`). Of
    each update: that it `failures`; of each download: that the line `drops` before its end.
    """

    look: float = 0.05
    step: float = 0.5
    failures: float = 0.05
    drops: float = 0.2
    absences: float = 0.002


@dataclass(slots=True)
class Installation:
    """One update under way; `status` is what was last reported."""

    offered: Offered
    pace: Pace
    rng: Random
    status: Status = Status.DOWNLOADING
    is_over: bool = False
    download: Download = field(init=False)

    def __post_init__(self) -> None:
        self.download = Download(self.offered.url, self.offered.sha256)

    @property
    def has_succeeded(self) -> bool:
        """Whether the thing has the new software."""
        return self.is_over and self.status is Status.SUCCESS

    def renew(self, offered: Offered) -> None:
        """Go on with another address for the same file."""
        self.download.url = offered.url

    async def step(self, door: Door, link: Link, key: str) -> bool:
        """Take the next step and report it; False when the update was taken back. Raises Away, Gone and Refused."""
        if self.status is Status.DOWNLOADING:
            return await self._fetch(door, link, key)
        if self.status is Status.INSTALLING:
            failed = self.rng.random() < self.pace.failures
            return await self._report(door, key, Status.FAILURE if failed else Status.REBOOTING, _INSTALLED)
        return await self._report(door, key, Status.SUCCESS, _DONE)

    async def _fetch(self, door: Door, link: Link, key: str) -> bool:
        if not await self._report(door, key, Status.DOWNLOADING, int(self.download.share * _DOWNLOADED)):
            return False
        drops = self.rng.random() < self.pace.drops
        await self.download.go_on(link, self.rng.random() if drops else 1.0)
        if not self.download.is_whole:
            return True
        if not self.download.is_good:
            return await self._report(door, key, Status.FAILURE, _DOWNLOADED, "the checksum is another one")
        return await self._report(door, key, Status.INSTALLING, _DOWNLOADED)

    async def _report(self, door: Door, key: str, status: Status, progress: int, substate: str | None = None) -> bool:
        said = draw_substate(status, self.rng) if substate is None else substate
        self.is_over = not await door.report(key, self.offered, status, said, progress)
        if self.is_over:
            return False
        self.status = status
        self.is_over = status in {Status.SUCCESS, Status.FAILURE}
        return True
