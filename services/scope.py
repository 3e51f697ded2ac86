"""Which rows a principal may see, as SQL conditions: the one place that says so.

Both executors, all services and the event log put these conditions into their statements; nothing is filtered after
the fetch. A person sees what lies in the organizations within reach of their roles; a thing sees itself and what
concerns it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, false, or_, select, true

from models.enums import Permission
from models.tables import (
    ARTIFACT,
    DEPLOYMENT,
    GROUP,
    GROUP_THING,
    MEMBERSHIP,
    ORGANIZATION,
    OTA_EXECUTION,
    OTA_JOB,
    PROFILE,
    RELEASE,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
    USER,
)
from services.access import Access, ThingPrincipal
from sql.sets import member_of

READ_PERMISSION: Final[Mapping[Table, Permission]] = {
    ORGANIZATION: Permission.ORGANIZATION_READ,
    USER: Permission.MEMBERSHIP_READ,
    MEMBERSHIP: Permission.MEMBERSHIP_READ,
    GROUP: Permission.GROUP_READ,
    PROFILE: Permission.PROFILE_READ,
    THING: Permission.THING_READ,
    RELEASE: Permission.RELEASE_READ,
    ARTIFACT: Permission.RELEASE_READ,
    DEPLOYMENT: Permission.OTA_READ,
    OTA_JOB: Permission.OTA_READ,
    OTA_EXECUTION: Permission.OTA_READ,
}
PARTS_OF_A_THING: Final = frozenset({THING_STATE, THING_ATTRIBUTE, THING_TAG, THING_LIFECYCLE})
"""Tables that have no scope of their own: their rows are reached from a thing that is in scope, or joined to one."""


def visible(access: Access, table: Table) -> ColumnElement[bool] | None:
    """The condition under which rows of `table` exist for the principal; None when every row does.

    Raises KeyError for a table that nobody has given a rule: denied by default, and found by the first test.
    """
    if table in PARTS_OF_A_THING:
        return None
    permission = READ_PERMISSION[table]
    if access.is_platform_admin:
        return None
    if access.principal is None:
        return false()
    if isinstance(access.principal, ThingPrincipal):
        rule = _THING_RULES.get(table)
        return false() if rule is None else rule(access.principal)
    organizations = access.organizations(permission) or frozenset()
    if table is USER:
        shared = select(MEMBERSHIP.c.user_id).where(within(MEMBERSHIP.c.organization_id, organizations))
        return or_(USER.c.id == access.user_id, USER.c.id.in_(shared))
    if table is MEMBERSHIP:
        return or_(MEMBERSHIP.c.user_id == access.user_id, within(MEMBERSHIP.c.organization_id, organizations))
    return within(table.c.id if table is ORGANIZATION else table.c.organization_id, organizations)


def within(column: ColumnElement[Any], organizations: frozenset[UUID] | None) -> ColumnElement[bool]:
    """`column` is one of the organizations; None stands for all of them."""
    if organizations is None:
        return true()
    if not organizations:
        return false()
    if len(organizations) == 1:
        return column == next(iter(organizations))
    return member_of(column, sorted(organizations))


def _mine(column: str) -> Callable[[ThingPrincipal], ColumnElement[bool]]:
    """Rows that one of the thing's own executions names in `column`."""

    def rule(principal: ThingPrincipal) -> ColumnElement[bool]:
        target = next(iter(OTA_EXECUTION.c[column].foreign_keys)).column
        return target.in_(select(OTA_EXECUTION.c[column]).where(OTA_EXECUTION.c.thing_id == principal.thing_id))

    return rule


def _my_groups(principal: ThingPrincipal) -> ColumnElement[bool]:
    return GROUP.c.id.in_(select(GROUP_THING.c.group_id).where(GROUP_THING.c.thing_id == principal.thing_id))


def _my_profile(principal: ThingPrincipal) -> ColumnElement[bool]:
    return PROFILE.c.id.in_(select(THING.c.profile_id).where(THING.c.id == principal.thing_id))


_THING_RULES: Final[Mapping[Table, Callable[[ThingPrincipal], ColumnElement[bool]]]] = {
    ORGANIZATION: lambda principal: ORGANIZATION.c.id == principal.organization_id,
    THING: lambda principal: THING.c.id == principal.thing_id,
    OTA_EXECUTION: lambda principal: OTA_EXECUTION.c.thing_id == principal.thing_id,
    GROUP: _my_groups,
    PROFILE: _my_profile,
    ARTIFACT: _mine("artifact_id"),
    OTA_JOB: _mine("job_id"),
    DEPLOYMENT: _mine("deployment_id"),
}
