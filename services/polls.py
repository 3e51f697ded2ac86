"""Things that ask whether an update waits for them, nearly always for nothing: what that costs, shared by all who ask.

Those who ask while others are being looked up share the next look: one statement about their credentials, and one about
what is open for them. Nothing is remembered, so that a token that is taken back is refused from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import exists, select

from models.enums import OtaExecutionStatus, OtaJobStatus
from models.store import Store
from models.tables import OTA_EXECUTION, OTA_JOB, THING
from services.access import Access, ThingPrincipal, resolve_accesses
from services.batches import Batches
from services.errors import Unauthenticated
from services.hearing import Hearing
from sql.sets import member_of

POLLS_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How a thing stands that asks: its access, whether an update may wait for it, and what it last said it has."""

    access: Access
    may_have_update: bool
    software: Mapping[str, Any]


class Polls:
    """Says how things stand, many at a time."""

    def __init__(self, store: Store, hearing: Hearing) -> None:
        """Look things up in `store`, and note that they were heard of."""
        self._store = store
        self._hearing = hearing
        self._batches: Batches[ThingPrincipal, Standing] = Batches(
            self._read, most=POLLS_TOGETHER, name="polls of things"
        )

    async def standing(self, principal: ThingPrincipal) -> Standing:
        """How the thing stands now. Raises Unauthenticated when its token or key is no longer good."""
        found = await self._batches.get(principal)
        if found is None:
            raise Unauthenticated("the thing's token or key is not valid any more")
        return found

    async def _read(self, principals: Collection[ThingPrincipal]) -> Mapping[ThingPrincipal, Standing]:
        accesses = await resolve_accesses(self._store, principals)
        admitted = [each for each in principals if each in accesses]
        if not admitted:
            return {}
        things = sorted({each.thing_id for each in admitted})
        columns = (THING.c.id, THING.c.software, _MAY_HAVE_UPDATE, THING.c.last_seen_at)
        statement = select(*columns).where(member_of(THING.c.id, things))
        async with self._store.read() as connection:
            rows = (await connection.execute(statement)).all()
        by_thing = {}
        for thing_id, software, may_have_update, seen_at in rows:
            by_thing[thing_id] = (bool(may_have_update), software)
            self._hearing.note(thing_id, seen_at)
        return {
            each: Standing(accesses[each], *by_thing[each.thing_id]) for each in admitted if each.thing_id in by_thing
        }


_MAY_HAVE_UPDATE: Final = (
    exists()
    .where(
        OTA_EXECUTION.c.thing_id == THING.c.id,
        OTA_EXECUTION.c.finished_at.is_(None),
        OTA_EXECUTION.c.status != OtaExecutionStatus.AWAITING_APPROVAL,
        OTA_JOB.c.id == OTA_EXECUTION.c.job_id,
        OTA_JOB.c.status != OtaJobStatus.SCHEDULED,
    )
    .correlate(THING)
    .label("may_have_update")
)
"""Whether anything is open for a thing in a job that has begun; whether it is due, `services.offers` says."""
