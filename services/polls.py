"""Things that ask whether an update waits for them, nearly always for nothing: what that costs, shared by all who ask.

Those who ask while others are being looked up share the next look: one statement about their credentials, and one about
what is open for them. Nothing is remembered, so that a token that is taken back is refused from then on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, select

from models.enums import OtaExecutionStatus, OtaJobStatus
from models.store import Store
from models.tables import OTA_EXECUTION, OTA_JOB, THING
from services.access import Access, ThingPrincipal, resolve_accesses
from services.errors import Unauthenticated
from sql.sets import member_of

POLLS_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How a thing stands that asks: its access, whether an update may wait for it, and what it last said it has."""

    access: Access
    may_have_update: bool
    software: Mapping[str, Any]


_Wanted = tuple[ThingPrincipal, "asyncio.Future[Standing | None]"]


class Polls:
    """Says how things stand, many at a time."""

    def __init__(self, store: Store) -> None:
        """Look things up in `store`."""
        self._store = store
        self._wanted: deque[_Wanted] = deque()
        self._looking: asyncio.Task[None] | None = None

    async def standing(self, principal: ThingPrincipal) -> Standing:
        """How the thing stands now. Raises Unauthenticated when its token or key is no longer good."""
        future: asyncio.Future[Standing | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((principal, future))
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="polls of things")
        found = await future
        if found is None:
            raise Unauthenticated("the thing's token or key is not valid any more")
        return found

    async def _look(self) -> None:
        try:
            while self._wanted:
                together = [self._wanted.popleft() for _ in range(min(len(self._wanted), POLLS_TOGETHER))]
                try:
                    found = await self._read({principal for principal, _ in together})
                except Exception as error:  # noqa: BLE001 - told to everybody who waits for it
                    _settle(together, error)
                else:
                    _settle(together, found)
        finally:
            self._looking = None
            for _, future in self._wanted:
                future.cancel()
            self._wanted.clear()

    async def _read(self, principals: set[ThingPrincipal]) -> dict[ThingPrincipal, Standing]:
        accesses = await resolve_accesses(self._store, principals)
        things = sorted({each.thing_id for each in principals if each in accesses})
        if not things:
            return {}
        statement = select(THING.c.id, THING.c.software, _MAY_HAVE_UPDATE).where(member_of(THING.c.id, things))
        async with self._store.read() as connection:
            rows = (await connection.execute(statement)).tuples().all()
        by_thing: dict[UUID, tuple[Mapping[str, Any], bool]] = {key: (software, may) for key, software, may in rows}
        found: dict[ThingPrincipal, Standing] = {}
        for each in principals:
            if each in accesses and each.thing_id in by_thing:
                software, may_have_update = by_thing[each.thing_id]
                found[each] = Standing(accesses[each], bool(may_have_update), software)
        return found


_MAY_HAVE_UPDATE: Final = (
    exists()
    .where(
        OTA_EXECUTION.c.thing_id == THING.c.id,
        OTA_EXECUTION.c.finished_at.is_(None),
        OTA_EXECUTION.c.status != OtaExecutionStatus.AWAITING_APPROVAL,
        and_(OTA_JOB.c.id == OTA_EXECUTION.c.job_id, OTA_JOB.c.status != OtaJobStatus.SCHEDULED),
    )
    .correlate(THING)
    .label("may_have_update")
)
"""Whether anything is open for a thing in a job that has begun; whether it is due, `services.offers` says."""


def _settle(together: list[_Wanted], found: Mapping[ThingPrincipal, Standing] | Exception) -> None:
    for principal, future in together:
        if future.done():
            continue
        if isinstance(found, Exception):
            future.set_exception(found)
        else:
            future.set_result(found.get(principal))
