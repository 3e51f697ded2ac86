"""A unit of work leaves rows and events together, or neither; so does each savepoint in it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from models.enums import EventKind
from models.tables import GROUP_THING, THING
from services.access import ANONYMOUS
from services.errors import Conflict, WrongState
from services.unit_of_work import UnitOfWork, unit_of_work
from tests.api.mutations.thing_facts import events
from tests.cast import Cast


async def rename(cast: Cast, work: UnitOfWork, name: str) -> None:
    await work.session.execute(update(THING).where(THING.c.id == cast.thing).values(name=name))
    work.record(EventKind.THING_UPDATED, organization_id=cast.acme, subject_id=cast.thing)


async def join_again(cast: Cast, work: UnitOfWork) -> None:
    """What the thing's group already has: the database refuses it."""
    row = {"group_id": cast.group, "thing_id": cast.thing, "is_home": False, "created_at": work.moment}
    await work.session.execute(insert(GROUP_THING).values(row))


async def test_savepoint_that_fails_takes_back_its_rows_and_its_events(cast: Cast) -> None:
    woken: list[bool] = []
    async with unit_of_work(cast.store, ANONYMOUS, lambda: woken.append(True)) as work:
        async with work.savepoint():
            await rename(cast, work, "Kept")
        with pytest.raises(WrongState):
            async with work.savepoint():
                await rename(cast, work, "Undone")
                raise WrongState("not in this state")
        with pytest.raises(Conflict):
            async with work.savepoint():
                await rename(cast, work, "Undone too")
                await join_again(cast, work)
    assert await events(cast) == [("THING_UPDATED", cast.thing)]
    assert await cast.value(THING.c.name, THING.c.id == cast.thing) == "Kept"
    assert woken == [True]


async def test_unit_that_fails_leaves_nothing_and_wakes_nobody(cast: Cast) -> None:
    woken: list[bool] = []
    with pytest.raises(Conflict):
        async with unit_of_work(cast.store, ANONYMOUS, lambda: woken.append(True)) as work:
            await rename(cast, work, "Undone")
            await join_again(cast, work)
    assert await events(cast) == []
    assert await cast.value(THING.c.name, THING.c.id == cast.thing) == "Pump"
    assert woken == []
