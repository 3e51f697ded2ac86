"""What things say of themselves: their attributes in the scope INVENTORY, which nobody else writes in their stead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select

from models import ThingRow
from models.enums import AttributeScope, EventKind
from models.tables import THING_ATTRIBUTE
from services.artifact_choice import ARTIFACT_NAME, DEVICE_TYPE
from services.errors import InvalidInput
from services.thing_events import Place, record_thing
from services.thing_parts import AttributeDraft, write_attributes
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_name
from sql.sets import member_of

LASTING: Final = (DEVICE_TYPE, ARTIFACT_NAME)
"""What updates go by stays until the thing says otherwise, also when an inventory leaves it out."""


async def write_inventory(
    work: UnitOfWork, thing_id: UUID, values: Mapping[str, Any], *, replace: bool, path: Path = ("attributes",)
) -> None:
    """Write what a thing says of itself: by name, the others stay (mender.state.report-attributes).

    With `replace` the others go, but for those in `LASTING`. The moment of each given attribute is renewed; people are
    told (THING_UPDATED) when a value is another one than before. Raises NotFound, InvalidInput for values that are no
    attributes (mender.state.attribute-value-types) and for none at all, and LimitReached.
    """
    if not values:
        raise InvalidInput("an inventory holds at least one attribute", path)
    row = await work.fetch(ThingRow, thing_id, None)
    columns = THING_ATTRIBUTE.c
    mine = (columns.thing_id == thing_id, columns.scope == AttributeScope.INVENTORY)
    stored = (await work.session.execute(select(columns.name, columns.value).where(*mine))).all()
    before = dict(stored)
    given = {check_name(name, (*path, index, "name")): value for index, (name, value) in enumerate(values.items())}
    gone = [name for name in before if name not in given and name not in LASTING] if replace else []
    if gone:
        await work.session.execute(delete(THING_ATTRIBUTE).where(*mine, member_of(columns.name, gone)))
    drafts = [AttributeDraft(AttributeScope.INVENTORY, name, value) for name, value in values.items()]
    await write_attributes(work, thing_id, drafts, path)
    if gone or any(before.get(name) != value for name, value in given.items()):
        record_thing(work, EventKind.THING_UPDATED, thing_id, Place(row.organization_id, row.home_group_id))
