"""Which artifact each thing gets when a campaign is made: by the type that it has reported, set by set.

The pick is provisional: it is made anew when the thing asks, by what it provides then
(mender.ota.assign-artifact-by-device-type).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    Uuid,
    and_,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from models.columns import JSON_COLUMN
from models.enums import ArtifactStatus, AttributeScope
from models.tables import ARTIFACT, OTA_EXECUTION, THING, THING_ATTRIBUTE
from services.artifact_choice import DEVICE_TYPE, MOST
from services.unit_of_work import UnitOfWork

_INVENTORY: Final = AttributeScope.INVENTORY.value


@dataclass(frozen=True, slots=True)
class Fits:
    """The newest artifact for each device type that one names, and the newest that fits all."""

    by_type: Mapping[str, UUID]
    for_all: UUID | None


@dataclass(frozen=True, slots=True)
class Aim:
    """Things as a set: a condition on `thing`, and how its rows are read.

    With `locked` they stay where they are until the transaction ends, and a thing that has just moved away is left out;
    `patient` says whether a thing that somebody else is changing is waited for or passed by. At most `limit` things.
    """

    condition: ColumnElement[bool]
    locked: bool = True
    patient: bool = True
    limit: int | None = None


def of_release(release_id: UUID, owner: UUID | None) -> ColumnElement[bool]:
    """The artifacts of a release that may be picked: no signed forms of others, and private ones of `owner` alone."""
    private = ARTIFACT.c.private_to_id
    mine = private.is_(None) if owner is None else or_(private.is_(None), private == owner)
    return and_(ARTIFACT.c.release_id == release_id, ARTIFACT.c.signed_from_id.is_(None), mine)


async def find_fits(work: UnitOfWork, condition: ColumnElement[bool]) -> Fits | None:
    """What the artifacts that meet the condition fit; None when no uploaded one is there that is not archived.

    Of very many the newest count, as when things ask (`services.artifact_choice`).
    """
    statement = (
        select(ARTIFACT.c.id, ARTIFACT.c.compatible_types)
        .where(condition, ARTIFACT.c.status == ArtifactStatus.READY, ARTIFACT.c.archived_at.is_(None))
        .order_by(ARTIFACT.c.id.desc())
        .limit(MOST)
    )
    newest = (await work.session.execute(statement)).all()
    if not newest:
        return None
    by_type = {kind: key for key, types in reversed(newest) for kind in types}
    return Fits(by_type, next((key for key, types in newest if not types), None))


def pick(dialect: str, aim: Aim, fits: Fits) -> FromClause:
    """The things of the aim in the order of their ids, each with its artifact.

    Columns: `id`, `connected`, `place` (from 1), `artifact_id`, and `unfit`: it has said its type, and nothing fits
    that. A thing that has never said it gets what fits its type in the fleet or all, else no artifact yet.
    """
    typed = _typed(aim)
    kinds = _pairs(dialect, fits.by_type)
    known = typed.c.device_type.is_not(None)
    for_all = null() if fits.for_all is None else literal(fits.for_all, Uuid())
    artifact = func.coalesce(kinds.c.artifact_id, for_all, type_=Uuid())
    return (
        select(
            typed.c.id,
            typed.c.connected,
            typed.c.place,
            artifact.label("artifact_id"),
            and_(known, artifact.is_(None)).label("unfit"),
        )
        .select_from(typed.outerjoin(kinds, kinds.c.type == func.coalesce(typed.c.device_type, typed.c.type)))
        .subquery("picked")
    )


def without_execution(column_of_parent: ColumnElement[UUID], parent: UUID) -> ColumnElement[bool]:
    """The condition on `thing` that no execution of a job or deployment is about it."""
    executions = select(OTA_EXECUTION.c.thing_id).where(column_of_parent == parent)
    return ~executions.where(OTA_EXECUTION.c.thing_id == THING.c.id).correlate(THING).exists()


def _typed(aim: Aim) -> FromClause:
    """The things with their places and device types, each looked up by its thing.

    Scope and name are wrapped so that only the key of the thing can be looked up by an index, and it is a subquery, not
    a join: a database that has not analyzed a new fleet yet takes its attributes for a short list, and would read all
    of it for each thing. The offset keeps the lookup from being repeated for each use of its result.
    """
    said = THING.c.software[DEVICE_TYPE].as_string().label("said")
    things = select(THING.c.id, THING.c.connected, THING.c.type, said).where(aim.condition).order_by(THING.c.id)
    if aim.locked:
        things = things.with_for_update(read=True, key_share=True, skip_locked=not aim.patient, of=THING)
    aimed = things.limit(aim.limit).subquery("aimed")
    columns = THING_ATTRIBUTE.c
    scope, name = (type_coerce(each, String).concat("") for each in (columns.scope, columns.name))
    own = select(columns.text_value).where(columns.thing_id == aimed.c.id, scope == _INVENTORY, name == DEVICE_TYPE)
    words = (func.nullif(word, "", type_=String()) for word in (own.scalar_subquery(), aimed.c.said))
    return (
        select(
            aimed.c.id,
            aimed.c.connected,
            type_coerce(aimed.c.type, String).label("type"),
            func.coalesce(*words, type_=String()).label("device_type"),
            func.row_number().over(order_by=aimed.c.id).label("place"),
        )
        .offset(0)
        .subquery("typed")
    )


def _pairs(dialect: str, by_type: Mapping[str, UUID]) -> FromClause:
    """A table of device types and artifacts, from one parameter, however many there are."""
    document = literal({kind: key.hex for kind, key in by_type.items()}, JSON_COLUMN)
    table_of = func.jsonb_each_text if dialect == "postgresql" else func.json_each
    pairs = table_of(document).table_valued(column("key", String), column("value", String))
    return select(pairs.c.key.label("type"), cast(pairs.c.value, Uuid()).label("artifact_id")).subquery("kinds")
