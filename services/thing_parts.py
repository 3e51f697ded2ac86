"""Tags and attributes of things: the rules of their values, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert

from models.dialects import upsert
from models.enums import AttributeScope
from models.tables import THING_ATTRIBUTE, THING_TAG
from services.errors import InvalidInput
from services.unit_of_work import UnitOfWork
from services.validation import MAX_INTEGER, Path, check_name, check_text

MAX_TAGS: Final = 100
MAX_ATTRIBUTES: Final = 200
MAX_LIST: Final = 100
TEXT_LENGTH: Final = 1024


@dataclass(frozen=True, slots=True)
class AttributeDraft:
    """An attribute to write; None takes it away."""

    scope: AttributeScope
    name: str
    value: Any


def tag_rows(thing_id: UUID, tags: Sequence[str], path: Path) -> list[dict[str, Any]]:
    """The rows of a thing's tags; doubles count once."""
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"a thing has at most {MAX_TAGS} tags", path)
    names = dict.fromkeys(check_name(tag, (*path, index)) for index, tag in enumerate(tags))
    return [{"thing_id": thing_id, "tag": name} for name in names]


async def replace_tags(work: UnitOfWork, thing_id: UUID, tags: Sequence[str], path: Path) -> None:
    """Make these the tags of a thing."""
    rows = tag_rows(thing_id, tags, path)
    await work.session.execute(delete(THING_TAG).where(THING_TAG.c.thing_id == thing_id))
    if rows:
        await work.session.execute(insert(THING_TAG), rows)


def attribute_rows(
    work: UnitOfWork, thing_id: UUID, drafts: Sequence[AttributeDraft], path: Path
) -> list[dict[str, Any]]:
    """The rows of attributes with their typed copies; each scope and name may be given once."""
    if len(drafts) > MAX_ATTRIBUTES:
        raise InvalidInput(f"at most {MAX_ATTRIBUTES} attributes are taken at once", path)
    if len({(draft.scope, draft.name) for draft in drafts}) < len(drafts):
        raise InvalidInput("an attribute is given twice", path)
    return [_attribute_row(work, thing_id, draft, (*path, index)) for index, draft in enumerate(drafts)]


async def write_attributes(work: UnitOfWork, thing_id: UUID, drafts: Sequence[AttributeDraft], path: Path) -> None:
    """Write attributes by scope and name; others stay (mender.state.report-attributes), null ones are taken away."""
    kept = [draft for draft in drafts if draft.value is not None]
    rows = attribute_rows(work, thing_id, kept, path)
    for draft in drafts:
        if draft.value is None:
            columns = THING_ATTRIBUTE.c
            same = (columns.thing_id == thing_id, columns.scope == draft.scope, columns.name == draft.name)
            await work.session.execute(delete(THING_ATTRIBUTE).where(*same))
    if not rows:
        return
    statement = upsert(work.dialect)(THING_ATTRIBUTE)
    changed = {name: statement.excluded[name] for name in ("value", "text_value", "number_value", "updated_at")}
    keys = ["thing_id", "scope", "name"]
    await work.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _attribute_row(work: UnitOfWork, thing_id: UUID, draft: AttributeDraft, path: Path) -> dict[str, Any]:
    value = _check_value(draft.value, (*path, "value"))
    is_number = isinstance(value, int | float)
    return {
        "thing_id": thing_id,
        "scope": draft.scope,
        "name": check_name(draft.name, (*path, "name")),
        "value": value,
        "text_value": value if isinstance(value, str) else None,
        "number_value": float(value) if is_number else None,
        "updated_at": work.moment,
    }


def _check_value(value: Any, path: Path) -> Any:
    """A text, a number, or a list of one of them (mender.state.attribute-value-types)."""
    if isinstance(value, list):
        if len(value) > MAX_LIST:
            raise InvalidInput(f"a list has at most {MAX_LIST} values", path)
        items = [_check_scalar(item, path) for item in value]
        if len({isinstance(item, str) for item in items}) > 1:
            raise InvalidInput("a list holds texts or numbers, not both", path)
        return items
    return _check_scalar(value, path)


def _check_scalar(value: Any, path: Path) -> str | int | float:
    if isinstance(value, str):
        return check_text(value, path, limit=TEXT_LENGTH)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("an attribute is a text, a number, or a list of one of them", path)
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise InvalidInput("the number is out of range", path)
    return value
