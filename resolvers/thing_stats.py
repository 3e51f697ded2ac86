"""Counts over things, as a whole and by one of their properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

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
    ThingStatsKey.AUTH_STATUS: (THING.c.auth_status, None),
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
    """Count the visible things that meet the filter, as a whole and by one of their properties, in one scan.

    Things with several tags are in several parts, so that the whole takes a scan of its own when they are the parts.
    """
    conditions = [] if wanted is None else compile_filter(wanted)
    scope = context.scope(THING)
    if scope is not None:
        conditions.append(scope)
    parts = [] if group_by is None else await context.fetch(_by(group_by, conditions))
    if group_by is None or group_by is ThingStatsKey.TAG or not parts:
        total, connected = _sums(await context.fetch(select(*_COUNTED).select_from(THING).where(*conditions)))
    else:
        total, connected = int(parts[0]["all_total"]), int(parts[0]["all_connected"])
    prefix = None if group_by is None else _COLUMNS[group_by][1]
    buckets = [
        ThingStatsBucket(key=_word(row["key"], prefix), count=row["total"], connected=row["connected"]) for row in parts
    ]
    return ThingStats(total=total, connected=connected, disconnected=total - connected, buckets=buckets)


def _sums(rows: Sequence[RowMapping]) -> tuple[int, int]:
    return rows[0]["total"], rows[0]["connected"]


def _by(group_by: ThingStatsKey, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """The largest parts, each with the sums over all parts."""
    column, _ = _COLUMNS[group_by]
    source = THING.join(THING_TAG, THING_TAG.c.thing_id == THING.c.id) if group_by is ThingStatsKey.TAG else THING
    parts = select(column.label("key"), *_COUNTED).select_from(source).where(*conditions).group_by(column).cte("parts")
    sums = (func.sum(parts.c[name]).over().label(f"all_{name}") for name in ("total", "connected"))
    return select(*parts.c, *sums).order_by(parts.c.total.desc(), parts.c.key).limit(MAX_BUCKETS)


def _word(value: Any, prefix: str | None) -> str | None:
    if value is None:
        return None
    if prefix is not None:
        return global_id(prefix, value)
    return str(value).lower() if isinstance(value, bool) else str(value)
