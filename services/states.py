"""The state of things: wishes of people, and how patches are merged; `services.reports` has what things report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models import ThingRow, ThingStateRow
from models.enums import EventKind, Permission
from models.tables import THING_STATE
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_merged, check_object


async def desire(
    work: UnitOfWork, thing_id: UUID, desired: Any, *, replace: bool, expected_version: int | None
) -> UUID:
    """Set what is wanted of a thing, merged like a report (rainmaker.state.update-params); needs state:desire."""
    values = check_object(desired, ("desired",))
    thing = await work.fetch(ThingRow, thing_id, Permission.STATE_DESIRE, ("thingId",))
    state = await _state(work, thing.id)
    check_version(state.version, expected_version)
    state.desired = values if replace else check_merged(merge(state.desired, values), ("desired",))
    state.desired_at = work.moment
    _changed(work, thing, state, "DESIRED", values)
    return thing.id


def merge(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396): objects are merged key by key, null removes, anything else replaces."""
    merged = dict(stored)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            before = merged.get(key)
            merged[key] = merge(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


async def _state(work: UnitOfWork, thing_id: UUID) -> ThingStateRow:
    statement = select(ThingStateRow).where(THING_STATE.c.thing_id == thing_id).with_for_update()
    return (await work.session.execute(statement)).scalars().one()


def _changed(work: UnitOfWork, thing: ThingRow, state: ThingStateRow, side: str, patch: dict[str, Any]) -> None:
    state.version += 1
    work.record(
        EventKind.THING_STATE_CHANGED,
        organization_id=thing.organization_id,
        subject_id=thing.id,
        thing_id=thing.id,
        group_id=thing.home_group_id,
        detail={"side": side, "patch": patch, "version": state.version},
    )
