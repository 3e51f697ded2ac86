"""Tags and attributes of things: the rules of their values, and how they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, not_, select

from models.dialects import upsert
from models.enums import AttributeScope
from models.tables import THING_ATTRIBUTE, THING_TAG
from services.errors import InvalidInput, LimitReached
from services.unit_of_work import UnitOfWork
from services.validation import MAX_INTEGER, Path, check_name, check_text
from sql.sets import member_of

MAX_TAGS: Final = 100
MAX_ATTRIBUTES: Final = 200
MAX_ATTRIBUTES_OF_A_THING: Final = 1_000
MAX_LIST: Final = 100
STATUS: Final = (AttributeScope.SYSTEM, "auth_status")
"""The attribute that mirrors the status of a thing's auth sets: kept by the gateway, and by nobody else."""
TEXT_LENGTH: Final = 1024
TEXT_OCTETS: Final = 1536


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


def check_free(drafts: Sequence[AttributeDraft], path: Path) -> None:
    """Raise InvalidInput for an attribute that the gateway keeps itself."""
    for index, draft in enumerate(drafts):
        if (draft.scope, draft.name.strip()) == STATUS:
            raise InvalidInput("this attribute follows from the auth sets of the thing", (*path, index, "name"))


def attribute_rows(
    work: UnitOfWork, thing_id: UUID, drafts: Sequence[AttributeDraft], path: Path
) -> list[dict[str, Any]]:
    """The rows of attributes with their typed copies; each scope and name may be given once, null ones give no row."""
    named = _named(drafts, path)
    return [
        _attribute_row(work, thing_id, scope, name, drafts[index].value, (*path, index, "value"))
        for index, (scope, name) in enumerate(named)
        if drafts[index].value is not None
    ]


async def write_attributes(
    work: UnitOfWork, thing_id: UUID, drafts: Sequence[AttributeDraft] | None, path: Path
) -> None:
    """Write attributes by scope and name; others stay (mender.state.report-attributes), null ones are taken away.

    None takes all away, `STATUS` excepted. Raises LimitReached when the thing would have more than 1,000.
    """
    columns = THING_ATTRIBUTE.c
    if drafts is None:
        kept = and_(columns.scope == STATUS[0], columns.name == STATUS[1])
        await work.session.execute(delete(THING_ATTRIBUTE).where(columns.thing_id == thing_id, not_(kept)))
        return
    rows = attribute_rows(work, thing_id, drafts, path)
    cleared: defaultdict[AttributeScope, list[str]] = defaultdict(list)
    for draft, (scope, name) in zip(drafts, _named(drafts, path), strict=True):
        if draft.value is None:
            cleared[scope].append(name)
    for scope, names in cleared.items():
        same = (columns.thing_id == thing_id, columns.scope == scope, member_of(columns.name, names))
        await work.session.execute(delete(THING_ATTRIBUTE).where(*same))
    if not rows:
        return
    statement = upsert(work.dialect)(THING_ATTRIBUTE)
    changed = {name: statement.excluded[name] for name in ("value", "text_value", "number_value", "updated_at")}
    keys = ["thing_id", "scope", "name"]
    await work.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
    mine = select(func.count()).select_from(THING_ATTRIBUTE).where(columns.thing_id == thing_id)
    if (await work.session.execute(mine)).scalar_one() > MAX_ATTRIBUTES_OF_A_THING:
        raise LimitReached(f"a thing has at most {MAX_ATTRIBUTES_OF_A_THING:,} attributes", path)


def _named(drafts: Sequence[AttributeDraft], path: Path) -> list[tuple[AttributeScope, str]]:
    """Scope and name of each draft, as they are stored."""
    if len(drafts) > MAX_ATTRIBUTES:
        raise InvalidInput(f"at most {MAX_ATTRIBUTES} attributes are taken at once", path)
    named = [(draft.scope, check_name(draft.name, (*path, index, "name"))) for index, draft in enumerate(drafts)]
    if len(set(named)) < len(named):
        raise InvalidInput("an attribute is given twice", path)
    return named


def _attribute_row(
    work: UnitOfWork, thing_id: UUID, scope: AttributeScope, name: str, given: Any, path: Path
) -> dict[str, Any]:
    value = check_value(given, path)
    is_number = isinstance(value, int | float)
    return {
        "thing_id": thing_id,
        "scope": scope,
        "name": name,
        "value": value,
        "text_value": value if isinstance(value, str) else None,
        "number_value": float(value) if is_number else None,
        "updated_at": work.moment,
    }


def check_value(value: Any, path: Path) -> Any:
    """A text, a number, or a list of one of them (mender.state.attribute-value-types); raises InvalidInput."""
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
        return check_text(value, path, limit=TEXT_LENGTH, octets=TEXT_OCTETS)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("an attribute is a text, a number, or a list of one of them", path)
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise InvalidInput("the number is out of range", path)
    return value
