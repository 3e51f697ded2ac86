"""What things say that they have installed (`thing.software`): by key, their type and what they run, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update

from models.enums import AttributeScope, EventKind
from models.tables import THING, THING_ATTRIBUTE
from models.waiting import WaitingThing
from services.artifact_choice import DEVICE_TYPE, Reading, Software
from services.thing_events import Place, record_thing
from services.unit_of_work import UnitOfWork


async def last_said(reading: Reading, thing_id: UUID, thing: WaitingThing) -> Software:
    """What the thing said before that it has; its type is that of its inventory, or else its type in the fleet."""
    software: dict[str, Any] = orjson.loads(thing.software)
    columns = THING_ATTRIBUTE.c
    statement = select(columns.text_value).where(
        columns.thing_id == thing_id, columns.scope == AttributeScope.INVENTORY, columns.name == DEVICE_TYPE
    )
    named = (await reading.execute(statement)).scalar_one_or_none()
    return {**software, DEVICE_TYPE: named or software.get(DEVICE_TYPE) or thing.type}


async def keep(work: UnitOfWork, thing_id: UUID, thing: WaitingThing, said: Mapping[str, str]) -> None:
    """Keep what the thing says that it has, when that is news."""
    if orjson.loads(thing.software) == said:
        return
    await work.session.execute(update(THING).where(THING.c.id == thing_id).values(software=said))
    group = thing.home_group_id
    place = Place(UUID(hex=thing.organization_id), None if group is None else UUID(hex=group))
    record_thing(work, EventKind.THING_UPDATED, thing_id, place)
