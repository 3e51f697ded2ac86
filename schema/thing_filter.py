"""The filter language for things, its first part: over columns, groups, tags, attributes and connectivity."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import strawberry
from sqlalchemy import Column, ColumnElement, Exists, and_, exists, select

from engine.enums import described
from engine.filters import (
    DateTimeFilter,
    FilterInput,
    NumberFilter,
    OrderDirection,
    StringFilter,
    bounded,
    compare,
    equals,
    where,
)
from engine.resolve import key_in
from models.tables import GROUP_ANCESTOR, GROUP_THING, ORGANIZATION_ANCESTOR, THING, THING_ATTRIBUTE, THING_TAG
from schema.conditions import keyed, one_of, searched
from schema.enums import AttributeScope, Lifecycle, ThingAuthStatus, ThingType
from sql.sets import member_of


@strawberry.input(description="Things in a group.")
class GroupCondition:
    """A group, with or without the groups below it."""

    id: strawberry.ID = strawberry.field(description="The group.")
    include_subgroups: bool = strawberry.field(default=True, description="Whether things of groups below count.")


@strawberry.input(description="Things in an organization.")
class OrganizationCondition:
    """An organization, with or without those below it."""

    id: strawberry.ID = strawberry.field(description="The organization.")
    include_descendants: bool = strawberry.field(default=True, description="Whether organizations below count.")


@strawberry.input(description="Things with an attribute. All given comparisons must hold for the one attribute.")
class AttributeCondition(FilterInput):
    """An attribute, named by scope and name, and what its value must be."""

    scope: AttributeScope = strawberry.field(default=AttributeScope.INVENTORY, description="The namespace.")
    name: str = strawberry.field(description="The name in the scope.")
    text: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Conditions on a text value.")
    number: NumberFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Conditions on a number value."
    )
    exists: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: it has the attribute. False: it has not."
    )


def _for_a_thing(thing_id: Column[Any], *clauses: ColumnElement[bool]) -> Exists:
    """Whether a row of another table, by its column `thing_id`, belongs to the thing and meets the clauses.

    The thing is the only one that comes from outside, also where the statement around it reads that table, too.
    """
    return exists().where(thing_id == THING.c.id, *clauses).correlate(THING)


def _in_group(wanted: GroupCondition) -> ColumnElement[bool]:
    group = key_in("group", wanted.id)
    if not wanted.include_subgroups:
        return _for_a_thing(GROUP_THING.c.thing_id, GROUP_THING.c.group_id == group)
    below = select(GROUP_ANCESTOR.c.group_id).where(GROUP_ANCESTOR.c.ancestor_id == group)
    return _for_a_thing(GROUP_THING.c.thing_id, GROUP_THING.c.group_id.in_(below))


def _in_organization(wanted: OrganizationCondition) -> ColumnElement[bool]:
    organization = key_in("org", wanted.id)
    if not wanted.include_descendants:
        return THING.c.organization_id == organization
    tree = ORGANIZATION_ANCESTOR
    return THING.c.organization_id.in_(select(tree.c.organization_id).where(tree.c.ancestor_id == organization))


def _has_attribute(wanted: AttributeCondition) -> ColumnElement[bool]:
    clauses = [THING_ATTRIBUTE.c.scope == wanted.scope, THING_ATTRIBUTE.c.name == wanted.name]
    if wanted.text is not None:
        clauses.append(compare(THING_ATTRIBUTE.c.text_value)(wanted.text))
    if wanted.number is not None:
        clauses.append(compare(THING_ATTRIBUTE.c.number_value)(wanted.number))
    found = _for_a_thing(THING_ATTRIBUTE.c.thing_id, *clauses)
    return ~found if wanted.exists is False else found


def _has_tag(wanted: StringFilter) -> ColumnElement[bool]:
    """A thing whose tags meet the conditions: `ne` and `nin` mean that none of its tags is one of these."""
    mine = THING_TAG.c.thing_id
    refused = [*([] if wanted.ne is None else [wanted.ne]), *bounded(wanted.nin or [])]
    clauses: list[ColumnElement[bool]] = []
    if refused:
        clauses.append(~_for_a_thing(mine, member_of(THING_TAG.c.tag, refused)))
    if wanted.exists is not None:
        clauses.append(_for_a_thing(mine) if wanted.exists else ~_for_a_thing(mine))
    positive = StringFilter(eq=wanted.eq, in_=wanted.in_, contains=wanted.contains, starts_with=wanted.starts_with)
    if positive != StringFilter():
        clauses.append(_for_a_thing(mine, compare(THING_TAG.c.tag)(positive)))
    return and_(True, *clauses)


@strawberry.input(description="Conditions on things; all that are given must hold.")
class ThingFilter(FilterInput):
    """The filter language for things."""

    and_: list[ThingFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[ThingFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: ThingFilter | None = strawberry.field(default=strawberry.UNSET, name="not", description="This does not hold.")
    ids: list[strawberry.ID] | None = where(keyed(THING.c.id, "thing"), "One of these things, 100 at most.")
    search: str | None = where(
        searched(THING.c.name, THING.c.external_id), "The name or the external id holds this, in any case."
    )
    name: StringFilter | None = where(compare(THING.c.name), "The name.")
    external_id: StringFilter | None = where(compare(THING.c.external_id), "The id in another registry.")
    type: list[ThingType] | None = where(one_of(THING.c.type), "One of these types.")
    lifecycle: list[Lifecycle] | None = where(one_of(THING.c.lifecycle), "In one of these places of its life.")
    auth_status: list[ThingAuthStatus] | None = where(
        one_of(THING.c.auth_status), "Its auth sets come to one of these."
    )
    connected: bool | None = where(equals(THING.c.connected), "Connected now, or (false) not.")
    last_seen_at: DateTimeFilter | None = where(compare(THING.c.last_seen_at), "When it was last heard of.")
    created_at: DateTimeFilter | None = where(compare(THING.c.created_at), "When it was created.")
    updated_at: DateTimeFilter | None = where(compare(THING.c.updated_at), "When it was last edited.")
    organization: OrganizationCondition | None = where(_in_organization, "In this organization.")
    group: GroupCondition | None = where(_in_group, "In this group.")
    profile_ids: list[strawberry.ID] | None = where(keyed(THING.c.profile_id, "profile"), "With one of these profiles.")
    tag: StringFilter | None = where(_has_tag, "With a tag that meets this; `ne` and `nin`: with no such tag.")
    attribute: AttributeCondition | None = where(_has_attribute, "With an attribute that meets this.")


class ThingOrderField(StrEnum):
    """The words of the order."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    LAST_SEEN_AT = "LAST_SEEN_AT"
    NAME = "NAME"
    TYPE = "TYPE"
    LIFECYCLE = "LIFECYCLE"
    EXTERNAL_ID = "EXTERNAL_ID"


described(
    ThingOrderField,
    "What things can be ordered by.",
    {
        "CREATED_AT": "When they were created.",
        "UPDATED_AT": "When they were last edited.",
        "LAST_SEEN_AT": "When they were last heard of; never counts as first.",
        "NAME": "The name.",
        "TYPE": "The type.",
        "LIFECYCLE": "The place in their life.",
        "EXTERNAL_ID": "The id in another registry; none counts as first.",
    },
)


@strawberry.input(description="One term of an order of things.")
class ThingOrder:
    """A field and a direction."""

    field: ThingOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


THING_ORDERINGS: Final[Mapping[ThingOrderField, Column[Any]]] = {
    ThingOrderField[word.upper()]: THING.c[word]
    for word in ("created_at", "updated_at", "last_seen_at", "name", "type", "lifecycle", "external_id")
}
