"""Things that were heard of when they asked for an update: noted in memory, written once a minute at most.

It says when they were last seen, and makes nobody connected: whoever asks once in half an hour is not here in between.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from models.columns import now
from models.store import Store
from services import connectivity
from services.access import ANONYMOUS
from services.connectivity import BATCH
from services.unit_of_work import unit_of_work

FRESH: Final = timedelta(seconds=60)
"""Who was seen within this time is not written again."""
MOST: Final = 100_000
"""Things that are noted at the same time; of more, those that are noted already are written first."""


class Hearing:
    """A duty of each process: writes when the things were last seen that have asked it."""

    name = "things that have asked"

    def __init__(self, store: Store, committed: Callable[[], None]) -> None:
        """Write to `store`; `committed` is called by whatever leaves events, which this does not."""
        self._store = store
        self._committed = committed
        self._heard: dict[UUID, datetime] = {}

    def note(self, thing_id: UUID, seen_at: datetime | None) -> None:
        """Note that a thing asks now that was last seen then. Neither waits nor fails."""
        moment = now()
        if (seen_at is None or seen_at < moment - FRESH) and len(self._heard) < MOST:
            self._heard[thing_id] = moment

    async def run(self) -> int:
        """Write what is noted; returns of how many things. One that somebody else holds has been heard of by them."""
        number = 0
        while self._heard:
            together = dict(islice(self._heard.items(), BATCH))
            async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
                number += await connectivity.hear(work, together)
            for thing_id in together:
                self._heard.pop(thing_id, None)
        return number
