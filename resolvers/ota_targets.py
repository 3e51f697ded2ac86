"""From the target of an update, as an input, to what services take."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any, Final

import strawberry
from sqlalchemy import and_

from engine.filters import compile_filter
from resolvers.arguments import given, keys
from schema.mutations.ota_target import OtaTargetInput
from services.patches import camel_case
from services.targets import Target
from sql.moments import write_moment

LISTED_IDS: Final = 100


def target_of(wanted: OtaTargetInput) -> Target:
    """The target; raises InvalidInput for ids of another type, BadUserInput for a filter past its bounds."""
    things, groups, condition = given(wanted.thing_ids), given(wanted.group_ids), given(wanted.filter)
    return Target(
        thing_ids=None if things is None else keys("thing", things, ("target", "thingIds")),
        group_ids=None if groups is None else keys("group", groups, ("target", "groupIds")),
        condition=None if condition is None else and_(True, *compile_filter(condition)),
        everything=wanted.all,
        document=_document(wanted),
    )


def _document(wanted: OtaTargetInput) -> dict[str, Any]:
    """The target in the words of the input, to be read by people later; of many things only the first are listed."""
    document: dict[str, Any] = _written(wanted)
    things = document.get("thingIds")
    if things is not None:
        document |= {"thingIds": things[:LISTED_IDS], "thingCount": len(things)}
    if not document["all"]:
        del document["all"]
    return document


def _written(value: Any) -> Any:
    """An input as the JSON that it came as, without what was left out."""
    if dataclasses.is_dataclass(value):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {
            camel_case(name.rstrip("_")): _written(item)
            for name, item in fields.items()
            if item is not None and item is not strawberry.UNSET
        }
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, datetime):
        return write_moment(value)
    return value.value if isinstance(value, Enum) else value
