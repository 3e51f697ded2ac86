"""Which rows a principal may see, as SQL conditions: the one place that says so.

Both executors, all services and the event log put these conditions into their statements; nothing is filtered after
the fetch. A person sees what lies in the organizations within reach of their roles; a thing sees itself and what
concerns it.

The conditions hold ids as parameters with names of their own, the same for everybody, and have the same text for all
accesses of one shape (`Access.shape`). So a statement that was compiled for one caller serves every other of that
shape, with the values of `Access.scope_values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Table, Uuid, and_, bindparam, false, or_, select, true

from models.enums import Permission
from models.tables import (
    ARTIFACT,
    ATTACHMENT,
    AUTH_SET,
    DEPLOYMENT,
    GROUP,
    GROUP_THING,
    MEMBERSHIP,
    ORGANIZATION,
    OTA_EXECUTION,
    OTA_JOB,
    PROFILE,
    RELEASE,
    SIGNATURE,
    SIGNING_KEY,
    SIGNING_REQUEST,
    TENANT_TOKEN,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
    THING_TOKEN,
    UPDATE_LOG_LINE,
    USER,
)
from services.access import Access, Shape, scope_parameter
from sql.sets import ValueSet, member_of

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
    ATTACHMENT: Permission.RELEASE_READ,
    AUTH_SET: Permission.THING_READ,
    THING_TOKEN: Permission.THING_READ,
    TENANT_TOKEN: Permission.TENANT_READ,
    SIGNING_KEY: Permission.SIGNING_READ,
    SIGNING_REQUEST: Permission.SIGNING_READ,
    SIGNATURE: Permission.SIGNING_READ,
}
PARTS: Final = frozenset({THING_STATE, THING_ATTRIBUTE, THING_TAG, THING_LIFECYCLE, UPDATE_LOG_LINE})
"""Tables that have no scope of their own: their rows are reached from a thing or an execution that is in scope."""


def visible(access: Access, table: Table) -> ColumnElement[bool] | None:
    """The condition under which rows of `table` exist for the principal; None when every row does.

    Raises KeyError for a table that nobody has given a rule: denied by default, and found by the first test.
    """
    if table in PARTS:
        return None
    permission = READ_PERMISSION[table]
    if access.shape is Shape.EVERYTHING:
        return None
    if access.shape is Shape.NOTHING:
        return false()
    if access.shape is Shape.THING:
        rule = _THING_RULES.get(table)
        return false() if rule is None else rule(access)
    if table is USER:
        shared = select(MEMBERSHIP.c.user_id).where(within(MEMBERSHIP.c.organization_id, access, permission))
        return or_(myself(USER.c.id, access), USER.c.id.in_(shared))
    if table is MEMBERSHIP:
        return or_(myself(MEMBERSHIP.c.user_id, access), within(MEMBERSHIP.c.organization_id, access, permission))
    if table is ARTIFACT:
        return and_(within(ARTIFACT.c.organization_id, access, permission), _is_not_others(access))
    if table is ATTACHMENT:
        # One whose file has not arrived is its sender's alone (rainmaker.files.admin-upload-confirm).
        arrived = or_(ATTACHMENT.c.uploaded_at.is_not(None), myself(ATTACHMENT.c.created_by_id, access))
        beside = select(ARTIFACT.c.id).where(ARTIFACT.c.id == ATTACHMENT.c.artifact_id, _is_not_others(access)).exists()
        return and_(within(ATTACHMENT.c.organization_id, access, permission), arrived, beside)
    return within(table.c.id if table is ORGANIZATION else table.c.organization_id, access, permission)


def _is_not_others(access: Access) -> ColumnElement[bool]:
    """An artifact is private to nobody else (rainmaker.ota.user-upload-image)."""
    return or_(ARTIFACT.c.private_to_id.is_(None), myself(ARTIFACT.c.private_to_id, access))


def within(column: ColumnElement[Any], access: Access, permission: Permission) -> ColumnElement[bool]:
    """`column` is an organization in which the principal, not a thing, has `permission` to read."""
    if access.shape is Shape.EVERYTHING:
        return true()
    if access.shape is Shape.NOTHING:
        return false()
    organizations = _parameter(access, scope_parameter(permission))
    # One organization is compared as itself: an index that goes on in the order of a list can then be read in order.
    return column == organizations if access.shape is Shape.ONE_ORGANIZATION else member_of(column, organizations)


def myself(column: ColumnElement[Any], access: Access) -> ColumnElement[bool]:
    """`column` is the principal: the person or the thing that asks. Platform administrators are not asked for."""
    return _me(column, access) if access.shape is Shape.THING else column == _parameter(access, "scope_user")


def _parameter(access: Access, name: str) -> BindParameter[Any]:
    value = access.scope_values[name]
    return bindparam(name, value, type_=ValueSet(Uuid()) if isinstance(value, list) else Uuid(), unique=False)


def _me(column: ColumnElement[Any], access: Access) -> ColumnElement[bool]:
    return column == _parameter(access, "scope_thing")


def _mine(column: str) -> Callable[[Access], ColumnElement[bool]]:
    """Rows that one of the thing's own executions names in `column`."""

    def rule(access: Access) -> ColumnElement[bool]:
        target = next(iter(OTA_EXECUTION.c[column].foreign_keys)).column
        return target.in_(select(OTA_EXECUTION.c[column]).where(_me(OTA_EXECUTION.c.thing_id, access)))

    return rule


def _my_organization(access: Access) -> ColumnElement[bool]:
    return ORGANIZATION.c.id == _parameter(access, "scope_thing_organization")


def _my_groups(access: Access) -> ColumnElement[bool]:
    return GROUP.c.id.in_(select(GROUP_THING.c.group_id).where(_me(GROUP_THING.c.thing_id, access)))


def _my_profile(access: Access) -> ColumnElement[bool]:
    return PROFILE.c.id.in_(select(THING.c.profile_id).where(_me(THING.c.id, access)))


_THING_RULES: Final[Mapping[Table, Callable[[Access], ColumnElement[bool]]]] = {
    ORGANIZATION: _my_organization,
    THING: lambda access: _me(THING.c.id, access),
    OTA_EXECUTION: lambda access: _me(OTA_EXECUTION.c.thing_id, access),
    GROUP: _my_groups,
    PROFILE: _my_profile,
    ARTIFACT: _mine("artifact_id"),
    OTA_JOB: _mine("job_id"),
    DEPLOYMENT: _mine("deployment_id"),
}
