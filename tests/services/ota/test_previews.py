"""What a deployment would do is what creating it then does."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.enums import EventKind, LeftOutReason, Role
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import THING
from services.access import Access
from services.deployments import Plan
from services.errors import Forbidden, InvalidInput, NotFound, WrongState
from services.phases import Phase
from services.previews import Preview, preview
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder

ALL = Target(everything=True)
LATER = now() + timedelta(hours=1)


async def look(working: Working, access: Access, plan: Plan) -> Preview:
    async with working(access) as work:
        return await preview(work, plan)


@pytest.mark.parametrize(
    "phases",
    [None, [Phase(percent=30), Phase(starts_at=LATER)], [Phase(count=5), Phase(percent=40, starts_at=LATER)]],
)
async def test_creation_does_exactly_that(
    fleet: Fleet, working: Working, editor: Access, phases: list[Phase] | None
) -> None:
    for number, kind in ((3, "red"), (4, "blue"), (2, "green"), (2, None)):
        await fleet.add_things(number, kind)
    (gone,) = await fleet.add_things(1, "red")
    async with fleet.store.write() as session:
        await session.execute(update(THING).where(THING.c.id == gone).values(decommissioned_at=now()))
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    await fleet.add_artifact(release, "blue", "red")
    found = await look(working, editor, Plan(fleet.organization, release, ALL, phases=phases))
    assert await fleet.count(DeploymentRow) == await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0
    assert await fleet.events(EventKind.DEPLOYMENT_CHANGED) == []
    key = await start(fleet, working, editor, ALL, release_id=release, phases=phases)
    made = await fleet.all_executions()
    picked = Counter(row.artifact_id for row in made if row.status is not Status.NO_ARTIFACT)
    assert dict(found.artifacts) == picked
    unfit = sum(row.status is Status.NO_ARTIFACT for row in made)
    assert found.left_out == {
        **({LeftOutReason.NO_ARTIFACT_FOR_TYPE: unfit} if unfit else {}),
        **({LeftOutReason.NO_PHASE: 11 - len(made)} if len(made) < 11 else {}),
        LeftOutReason.DECOMMISSIONED: 1,
    }
    assert found.thing_count == 12
    sizes = Counter(row.job_id for row in made)
    assert sorted(sizes.values()) == sorted(found.phases)
    assert (await fleet.one(DeploymentRow, key)).initial_thing_count == 11


async def test_a_target_without_things(fleet: Fleet, working: Working, editor: Access) -> None:
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    found = await look(working, editor, Plan(fleet.organization, release, ALL))
    assert found == Preview(0, [], {}, [0])
    with pytest.raises(InvalidInput) as caught:
        await look(working, editor, Plan(fleet.organization, release, ALL, phases=[Phase()]))
    assert caught.value.path == ("phases", "0")


async def test_what_creation_would_refuse(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    good: dict[str, Any] = {"organization_id": fleet.organization, "release_id": release, "target": ALL}
    with pytest.raises(WrongState):
        await look(working, editor, Plan(**good))
    await fleet.add_artifact(release)
    for access, change, error in (
        (editor, {"release_id": new_id()}, NotFound),
        (editor, {"organization_id": fleet.stranger}, NotFound),
        (editor, {"target": Target(thing_ids=[fleet.strange_thing])}, NotFound),
        (editor, {"target": Target()}, InvalidInput),
        (editor, {"phases": [Phase(percent=50)]}, InvalidInput),
        (fleet.member(Role.VIEWER), {}, Forbidden),
    ):
        with pytest.raises(error):
            await look(working, access, Plan(**{**good, **change}))


async def test_nothing_is_written_or_locked_and_little_is_asked(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    counts = []
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    for number in (2, 100):
        await fleet.add_things(number)
        with statements() as seen:
            await look(working, editor, Plan(fleet.organization, release, ALL, phases=[Phase(percent=50)]))
        assert all(text.startswith("SELECT") for text in seen.texts)
        assert not any("FOR " in text for text in seen.texts)
        counts.append(seen.count)
    assert counts[0] == counts[1]
