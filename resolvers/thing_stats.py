"""Counts over things: one statement for the whole, one more for its parts."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from engine.filters import compile_filter
from engine.ids import global_id
from models.tables import THING, THING_TAG
from resolvers.context import Context
from schema.thing_filter import ThingFilter
from schema.thing_stats import ThingStats, ThingStatsBucket, ThingStatsKey

MAX_BUCKETS: Final = 100
_COLUMNS: Final[dict[ThingStatsKey, tuple[ColumnElement[Any], str | None]]] = {
    ThingStatsKey.TYPE: (THING.c.type, None),
    ThingStatsKey.LIFECYCLE: (THING.c.lifecycle, None),
    ThingStatsKey.CONNECTED: (THING.c.connected, None),
    ThingStatsKey.ORGANIZATION: (THING.c.organization_id, "org"),
    ThingStatsKey.HOME_GROUP: (THING.c.home_group_id, "group"),
    ThingStatsKey.PROFILE: (THING.c.profile_id, "profile"),
    ThingStatsKey.TAG: (THING_TAG.c.tag, None),
}
_COUNTED: Final = (
    func.count().label("total"),
    func.count().filter(THING.c.connected.is_(True)).label("connected"),
)


async def count_things(context: Context, wanted: ThingFilter | None, group_by: ThingStatsKey | None) -> ThingStats:
    """Count the visible things that meet the filter, as a whole and by one of their properties."""
    conditions = [] if wanted is None else compile_filter(wanted)
    scope = context.scope(THING)
    if scope is not None:
        conditions.append(scope)
    whole = (await context.fetch(select(*_COUNTED).select_from(THING).where(*conditions)))[0]
    buckets = [] if group_by is None else await _buckets(context, group_by, conditions)
    total, connected = whole["total"], whole["connected"]
    return ThingStats(total=total, connected=connected, disconnected=total - connected, buckets=buckets)


async def _buckets(
    context: Context, group_by: ThingStatsKey, conditions: list[ColumnElement[bool]]
) -> list[ThingStatsBucket]:
    column, prefix = _COLUMNS[group_by]
    source = THING.join(THING_TAG, THING_TAG.c.thing_id == THING.c.id) if group_by is ThingStatsKey.TAG else THING
    statement: Select[Any] = (
        select(column.label("key"), *_COUNTED)
        .select_from(source)
        .where(*conditions)
        .group_by(column)
        .order_by(_COUNTED[0].desc(), column)
        .limit(MAX_BUCKETS)
    )
    rows = await context.fetch(statement)
    return [
        ThingStatsBucket(key=_word(row["key"], prefix), count=row["total"], connected=row["connected"]) for row in rows
    ]


def _word(value: Any, prefix: str | None) -> str | None:
    if value is None:
        return None
    if prefix is not None:
        return global_id(prefix, value)
    return str(value).lower() if isinstance(value, bool) else str(value)
