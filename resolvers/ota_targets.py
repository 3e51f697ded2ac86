"""From the target of an update, as an input or as it is stored, to what services take."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

import strawberry
from sqlalchemy import ColumnElement, and_, true
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from engine.errors import ClientError
from engine.filters import compile_filter
from resolvers.arguments import given, keys
from schema.mutations.ota_target import OtaTargetInput
from schema.scalars import read_moment
from schema.thing_filter import ThingFilter
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


def compile_target(document: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition on `thing` of a stored target that is a filter, or all: what `target_of` has made of the input.

    For things that come to meet it later; their organization is the caller's business. Raises ValueError for the
    document of another kind of target, KeyError or TypeError for one that says what the filter language has not.
    """
    if document.get("all") is True:
        return true()
    if "filter" not in document:
        raise ValueError("a target that lists things and groups is not met by others later")
    try:
        return and_(True, *compile_filter(_read(ThingFilter, document["filter"])))
    except ClientError as error:
        raise ValueError("the filter language has no such filter any more") from error


def _read(kind: Any, value: Any) -> Any:
    """The value of an input of a type of Strawberry, from the JSON that `_written` has made of it."""
    if isinstance(kind, StrawberryOptional):
        return None if value is None else _read(kind.of_type, value)
    if isinstance(kind, StrawberryList):
        return [_read(kind.of_type, item) for item in value]
    if isinstance(kind, StrawberryEnumDefinition):
        return kind.wrapped_cls(value)
    definition = get_object_definition(kind)
    if definition is not None:
        fields = {camel_case(each.python_name.rstrip("_")): each for each in definition.fields}
        return kind(**{fields[name].python_name: _read(fields[name].type, item) for name, item in value.items()})
    return read_moment(value) if kind is datetime else value


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
