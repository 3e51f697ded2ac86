"""Taking things out of use for good: the row stays as history, and nothing opens any door for it any more."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert

from models import ThingRow
from models.enums import EventKind, Lifecycle, Permission, ThingAuthStatus
from models.tables import AUTH_SET, GROUP_THING, THING_ATTRIBUTE, THING_LIFECYCLE, THING_TOKEN
from services import accepted_things, departures
from services.thing_drafts import NAME_LENGTH, lifecycle_row
from services.thing_events import Place, groups_around, record_thing
from services.things import check_bulk, fetch_all
from services.tokens import digest, new_secret
from services.unit_of_work import UnitOfWork
from services.validation import check_text
from sql.sets import member_of


async def decommission(work: UnitOfWork, thing_ids: Sequence[UUID], reason: str = "") -> None:
    """Retire things: their key, tokens, auth sets, attributes and places in groups are gone at once.

    Their open updates end as DECOMMISSIONED, ended ones stay. Each that was accepted frees a place, and the same
    identity may apply again as another thing. One that was decommissioned before stays as it is. Raises NotFound,
    Forbidden, InvalidInput (mender.thing.decommission-device).
    """
    check_bulk(thing_ids, ("ids",))
    check_text(reason, ("reason",), limit=NAME_LENGTH)
    rows = await fetch_all(work, thing_ids, Permission.THING_DELETE)
    leaving = [row for row in rows if row.decommissioned_at is None]
    if not leaving:
        return
    keys = [row.id for row in leaving]
    around = await groups_around(work, keys)
    await departures.decommission(work, keys)
    for table in (THING_TOKEN, AUTH_SET, GROUP_THING, THING_ATTRIBUTE):
        await work.session.execute(delete(table).where(member_of(table.c.thing_id, keys)))
    retired = [row.id for row in leaving if row.lifecycle is not Lifecycle.RETIRED]
    freed = [row.organization_id for row in leaving if row.auth_status is ThingAuthStatus.ACCEPTED]
    for row in leaving:
        detail = {"from": row.lifecycle.value, "to": Lifecycle.RETIRED.value, "reason": reason}
        place = Place(row.organization_id, row.home_group_id)
        _retire(work, row)
        record_thing(work, EventKind.THING_LIFECYCLE_CHANGED, row.id, place, detail, left=around[row.id])
    if retired:
        steps = [lifecycle_row(work, key, Lifecycle.RETIRED, reason) for key in retired]
        await work.session.execute(insert(THING_LIFECYCLE), steps)
    await work.session.flush()
    await accepted_things.release(work, freed)


def _retire(work: UnitOfWork, row: ThingRow) -> None:
    row.lifecycle = Lifecycle.RETIRED
    row.decommissioned_at = work.moment
    row.key_digest = digest(new_secret())
    row.identity, row.identity_digest = {}, None
    row.auth_status = ThingAuthStatus.NOAUTH
    row.software = {}
    row.home_group_id = None
    row.version += 1
    row.updated_at = work.moment
