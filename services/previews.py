"""What a deployment would do, before it is made: by the same statements that make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from models.enums import LeftOutReason, Permission
from models.tables import THING
from services.deployments import Plan, prepare
from services.lookups import enter
from services.phases import MAX_COUNT
from services.picks import Aim, pick
from services.targets import resolve
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Preview:
    """What there would be: all things of the target, how many get each artifact, and why the others get none.

    The artifact None stands for things that have not said their type yet, and that nothing fits which all are given:
    it is picked when they ask. `phases` are the numbers of things in each phase, those that nothing fits among them.
    """

    thing_count: int
    artifacts: Sequence[tuple[UUID | None, int]]
    left_out: Mapping[LeftOutReason, int]
    phases: Sequence[int]


async def preview(work: UnitOfWork, plan: Plan) -> Preview:
    """Look at what `services.deployments.create` would make now; raises what it raises, but nothing of an empty target.

    A fixed number of statements, whatever the number of things. Nothing is written or locked.
    """
    await enter(work, plan.organization_id, Permission.OTA_DEPLOY)
    prepared = await prepare(work, plan)
    picked = pick(work.dialect, Aim(prepared.things, locked=False), prepared.fits)
    inside = picked.c.place <= (prepared.ends[-1] if prepared.ends else MAX_COUNT)
    statement = (
        select(picked.c.artifact_id, picked.c.unfit, inside.label("inside"), func.count())
        .group_by(picked.c.artifact_id, picked.c.unfit, inside)
        .order_by(func.count().desc(), picked.c.artifact_id)
    )
    artifacts: list[tuple[UUID | None, int]] = []
    left_out = dict.fromkeys(LeftOutReason, 0)
    for artifact_id, unfit, in_phase, number in (await work.session.execute(statement)).all():
        if not in_phase:
            left_out[LeftOutReason.NO_PHASE] += number
        elif unfit:
            left_out[LeftOutReason.NO_ARTIFACT_FOR_TYPE] += number
        else:
            artifacts.append((artifact_id, number))
    left_out[LeftOutReason.DECOMMISSIONED] = await _count_gone(work, plan)
    total = sum(number for _, number in artifacts) + sum(left_out.values())
    covered = total - left_out[LeftOutReason.NO_PHASE] - left_out[LeftOutReason.DECOMMISSIONED]
    starts = (0, *prepared.ends[:-1])
    phases = [end - start for start, end in zip(starts, prepared.ends, strict=True)] if prepared.ends else [covered]
    return Preview(total, artifacts, {reason: number for reason, number in left_out.items() if number}, phases)


async def _count_gone(work: UnitOfWork, plan: Plan) -> int:
    """How many things of the target have been decommissioned."""
    things: ColumnElement[bool] = await resolve(work, plan.organization_id, plan.target, dynamic=plan.rules.dynamic)
    gone = and_(things, THING.c.decommissioned_at.is_not(None))
    return int((await work.session.execute(select(func.count()).select_from(THING).where(gone))).scalar_one())
