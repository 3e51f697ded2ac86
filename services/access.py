"""Who asks, and what they may do: principals, roles, and the access that an operation runs under.

Access is resolved once per operation, in one statement, and goes into the SQL of all that the operation reads. Roles
reach down the tree of organizations (graph.md, "Access"; mainflux.access.org-roles, mainflux.access.root-admin).

What was resolved for a person may be kept (`AccessCache`) and used for a later operation, on one condition: each
statement that uses it first reads the access epoch, too (`witness`), and what it gave is thrown away when the epoch is
not that of the access (`Access.stamp`). Then the access is resolved and the statement run anew.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from models.columns import now
from models.enums import AuthSetStatus, OrganizationStatus, Permission, Role, UserStatus
from models.store import Store
from models.tables import (
    ACCESS_EPOCH,
    AUTH_SET,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    SESSION,
    THING,
    THING_TOKEN,
    USER,
)
from services.errors import Forbidden, Unauthenticated
from sql.sets import member_of

_READ: Final = frozenset(permission for permission in Permission if permission.value.endswith(":read"))
_EDIT: Final = _READ | {
    Permission.GROUP_WRITE,
    Permission.PROFILE_WRITE,
    Permission.THING_WRITE,
    Permission.STATE_REPORT,
    Permission.STATE_DESIRE,
    Permission.RELEASE_WRITE,
    Permission.OTA_DEPLOY,
    Permission.OTA_APPROVE,
    Permission.OTA_REPORT,
    Permission.THING_AUTHORIZE,
}
_ADMINISTER: Final = _EDIT | {
    Permission.ORGANIZATION_CREATE,
    Permission.ORGANIZATION_UPDATE,
    Permission.MEMBERSHIP_WRITE,
    Permission.GROUP_DELETE,
    Permission.PROFILE_DELETE,
    Permission.THING_DELETE,
    Permission.RELEASE_DELETE,
    Permission.SIGNING_WRITE,
    Permission.TENANT_WRITE,
}
ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _READ,
    Role.EDITOR: _EDIT,
    Role.ADMIN: _ADMINISTER,
    Role.OWNER: _ADMINISTER | {Permission.ORGANIZATION_DELETE},
}
RANK: Final[Mapping[Role, int]] = {role: rank for rank, role in enumerate(Role)}
CACHED_ACCESSES: Final = 10_000
SCOPE_USER: Final = "scope_user"
"""The name of the parameter that holds the person who asks."""
THING_PERMISSIONS: Final = frozenset({Permission.STATE_REPORT, Permission.OTA_REPORT})


@dataclass(frozen=True, slots=True)
class UserPrincipal:
    """A person with a valid access token; `expires_at` is the token's end in Unix seconds."""

    user_id: UUID
    session_id: UUID
    expires_at: float

    @property
    def id(self) -> str:
        """The name of the principal in logs."""
        return f"user_{self.user_id.hex}"


@dataclass(frozen=True, slots=True)
class ThingPrincipal:
    """A thing that acts for itself only: it showed its key, which has no end of its own, or a token.

    `digest` is that of the key, and empty for a token, which is known by `token_id`.
    """

    thing_id: UUID
    organization_id: UUID
    digest: bytes = field(default=b"", repr=False)
    expires_at: float | None = None
    token_id: UUID | None = None

    @property
    def id(self) -> str:
        """The name of the principal in logs."""
        return f"thing_{self.thing_id.hex}"


Principal = UserPrincipal | ThingPrincipal


class Shape(StrEnum):
    """What the scope of a principal looks like as SQL; what it holds of ids is in `Access.scope_values`."""

    EVERYTHING = "everything"
    NOTHING = "nothing"
    ONE_ORGANIZATION = "person in one organization"
    ORGANIZATIONS = "person in any number of organizations"
    THING = "thing"


ScopeValues = Mapping[str, UUID | list[UUID]]


@dataclass(frozen=True)
class Access:
    """What one principal may see and do, as it stands when the operation starts.

    `roles` maps each organization within reach to the strongest role there; a platform administrator reaches all.
    `stamp` is the access epoch under which this was read, and `ends_at` the end of the session; None for whoever is not
    a person. Two accesses are equal when they allow the same.
    """

    principal: Principal | None
    roles: Mapping[UUID, Role] = field(default_factory=dict)
    is_platform_admin: bool = False
    stamp: int | None = field(default=None, compare=False)
    ends_at: datetime | None = field(default=None, compare=False)

    @property
    def user_id(self) -> UUID | None:
        """The person who asks, if a person does."""
        return self.principal.user_id if isinstance(self.principal, UserPrincipal) else None

    @property
    def thing(self) -> ThingPrincipal | None:
        """The thing that asks, if a thing does."""
        return self.principal if isinstance(self.principal, ThingPrincipal) else None

    @cached_property
    def shape(self) -> Shape:
        """Accesses of one shape have the same scope as SQL text for every table, and differ in `scope_values` alone."""
        if self.is_platform_admin:
            return Shape.EVERYTHING
        if self.principal is None:
            return Shape.NOTHING
        if isinstance(self.principal, ThingPrincipal):
            return Shape.THING
        reach = {self.organizations(permission) for permission in _READ}
        return Shape.ONE_ORGANIZATION if len(reach) == 1 and len(next(iter(reach)) or ()) == 1 else Shape.ORGANIZATIONS

    @cached_property
    def scope_values(self) -> ScopeValues:
        """The value of every parameter that the scope of any table has, by the parameter's name."""
        if self.shape is Shape.THING and self.thing is not None:
            return {"scope_thing": self.thing.thing_id, "scope_thing_organization": self.thing.organization_id}
        if self.user_id is None or self.is_platform_admin:
            return {}
        values: dict[str, UUID | list[UUID]] = {SCOPE_USER: self.user_id}
        for permission in sorted(_READ):
            within_reach = sorted(self.organizations(permission) or ())
            one = self.shape is Shape.ONE_ORGANIZATION
            values[scope_parameter(permission)] = within_reach[0] if one else within_reach
        return values

    def reach(self, *, personal: bool) -> Hashable:
        """What two accesses have in common when they see the same rows of every table; not for keeping long.

        Without `personal` the tables of people are left out, of which everybody sees a row of their own.
        """
        values = self.scope_values.items()
        return (
            self.shape,
            *(
                (name, tuple(value) if isinstance(value, list) else value)
                for name, value in values
                if personal or name != SCOPE_USER
            ),
        )

    @cached_property
    def driver_values(self) -> dict[Hashable, Any]:
        """Room for `scope_values` as a driver takes them, filled by who runs statements and kept with the access."""
        return {}

    def organizations(self, permission: Permission) -> frozenset[UUID] | None:
        """The organizations in which `permission` is held; None means all of them."""
        if self.is_platform_admin:
            return None
        return frozenset(key for key, role in self.roles.items() if permission in ROLE_PERMISSIONS[role])

    def allows(self, permission: Permission, organization_id: UUID) -> bool:
        """Whether `permission` is held in the organization through a role or as platform administrator."""
        if self.is_platform_admin:
            return True
        role = self.roles.get(organization_id)
        return role is not None and permission in ROLE_PERMISSIONS[role]

    def require(self, permission: Permission, organization_id: UUID) -> None:
        """Raise Forbidden unless `permission` is held in the organization, which the caller is known to see."""
        if not self.allows(permission, organization_id):
            raise Forbidden(f"this needs the permission {permission.value} in the organization")

    def require_platform_admin(self) -> None:
        """Raise Forbidden unless the principal administers the platform (mainflux.access.root-admin)."""
        if not self.is_platform_admin:
            raise Forbidden("only a platform administrator may do this")

    def permissions(self, organization_id: UUID) -> list[Permission]:
        """Everything that the principal may do in the organization, in the order of the enum."""
        if self.is_platform_admin:
            return list(Permission)
        role = self.roles.get(organization_id)
        return [permission for permission in Permission if role is not None and permission in ROLE_PERMISSIONS[role]]


def scope_parameter(permission: Permission) -> str:
    """The name of the parameter that holds where a person has a permission to read."""
    return f"scope_{permission.value.replace(':', '_')}"


ANONYMOUS: Final = Access(principal=None)


class AccessCache:
    """What people may do, as it was when last resolved: bounded, the longest unused leaves first.

    An access from here proves nothing by itself: see `WITNESS`. Things are not kept, and nobody who was refused.
    """

    def __init__(self, size: int = CACHED_ACCESSES) -> None:
        """Keep up to `size` accesses."""
        self._size = size
        self._kept: OrderedDict[UserPrincipal, Access] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, principal: Principal | None) -> Access | None:
        """The access that was put for this very principal; None without one, and once the session has ended."""
        if not isinstance(principal, UserPrincipal):
            return None
        access = self._kept.get(principal)
        if access is None:
            return None
        if access.ends_at is None or access.ends_at <= now():
            del self._kept[principal]
            return None
        self._kept.move_to_end(principal)
        return access

    def put(self, access: Access) -> None:
        """Keep what `resolve_access` has given; does nothing when it is not a person's."""
        principal = access.principal
        if not isinstance(principal, UserPrincipal) or access.stamp is None:
            return
        self._kept[principal] = access
        self._kept.move_to_end(principal)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def forget(self, principal: Principal | None) -> None:
        """Drop the access of a principal, if there is one: it is no longer current."""
        if isinstance(principal, UserPrincipal):
            self._kept.pop(principal, None)


WITNESS: Final[ColumnElement[int]] = select(ACCESS_EPOCH.c.value).scalar_subquery().label("access_epoch")
"""The access epoch, as the column `access_epoch` of a statement.

The epoch changes in the transaction of every change of access (migration 0002). So when a statement reads the epoch of
`Access.stamp`, all that it reads is of a moment at which that access was what `resolve_access` would have given.
"""


async def read_epoch(store: Store) -> int:
    """The access epoch now: for a statement that gave no row, and so no witness."""
    async with store.read() as connection:
        epoch: int = (await connection.execute(select(ACCESS_EPOCH.c.value))).scalar_one()
    return epoch


async def resolve_access(store: Store, principal: Principal | None) -> Access:
    """Read what the principal may do now, in one statement.

    Raises Unauthenticated when the session has ended, the user is disabled, or the thing or its key is gone.
    """
    if principal is None:
        return ANONYMOUS
    access = (await resolve_accesses(store, [principal])).get(principal)
    if access is None:
        if isinstance(principal, ThingPrincipal):
            raise Unauthenticated("the thing's key or token is not valid")
        raise Unauthenticated("the session has ended; sign in again")
    return access


async def resolve_accesses(store: Store, principals: Collection[Principal]) -> dict[Principal, Access]:
    """Read what each of many principals may do now; one that would be refused is absent.

    One statement for all people among them, one for all things with a key, and one for all things with a token.
    """
    people = [each for each in principals if isinstance(each, UserPrincipal)]
    things = [each for each in principals if isinstance(each, ThingPrincipal)]
    keyed = [each for each in things if each.token_id is None]
    signed_in = {each.token_id: each for each in things if each.token_id is not None}
    found: dict[Principal, Access] = {}
    if people:
        by_session = await _resolve_sessions(store, list({each.session_id for each in people}))
        for person in people:
            access = by_session.get(person.session_id)
            if access is not None and access.user_id == person.user_id:
                found[person] = replace(access, principal=person)
    if keyed:
        statement = select(THING.c.id, THING.c.key_digest).where(
            _among(THING.c.id, list({each.thing_id for each in keyed}))
        )
        async with store.read() as connection:
            rows = (await connection.execute(statement)).all()
        digests = {row.id: row.key_digest for row in rows}
        found |= {each: Access(each) for each in keyed if digests.get(each.thing_id) == each.digest}
    if signed_in:
        good = await _resolve_tokens(store, list(signed_in))
        found |= {
            each: Access(each)
            for key, each in signed_in.items()
            if good.get(key) == (each.thing_id, each.organization_id)
        }
    return found


async def _resolve_tokens(store: Store, tokens: Sequence[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Thing and organization of each of these tokens that is good now.

    It is kept and not over, was given for an auth set that is accepted, to a thing in use, in an organization that may
    act (mender.identity.verify-device-token).
    """
    statement = (
        select(THING_TOKEN.c.id, THING.c.id, THING.c.organization_id)
        .select_from(THING_TOKEN)
        .join(AUTH_SET, and_(AUTH_SET.c.id == THING_TOKEN.c.auth_set_id, AUTH_SET.c.status == AuthSetStatus.ACCEPTED))
        .join(THING, and_(THING.c.id == THING_TOKEN.c.thing_id, THING.c.decommissioned_at.is_(None)))
        .join(
            ORGANIZATION,
            and_(ORGANIZATION.c.id == THING.c.organization_id, ORGANIZATION.c.status == OrganizationStatus.ACTIVE),
        )
        .where(_among(THING_TOKEN.c.id, tokens), THING_TOKEN.c.expires_at > now())
    )
    async with store.read() as connection:
        rows = (await connection.execute(statement)).all()
    return {token: (thing, organization) for token, thing, organization in rows}


async def _resolve_sessions(store: Store, sessions: Sequence[UUID]) -> dict[UUID, Access]:
    """The access of the people whose sessions these are, by session; it names a principal without an end."""
    statement = (
        select(
            SESSION.c.id,
            SESSION.c.user_id,
            USER.c.is_platform_admin,
            MEMBERSHIP.c.role,
            ORGANIZATION_ANCESTOR.c.organization_id,
            SESSION.c.expires_at,
            WITNESS,
        )
        .select_from(SESSION)
        .join(USER, and_(USER.c.id == SESSION.c.user_id, USER.c.status == UserStatus.ACTIVE))
        .outerjoin(MEMBERSHIP, MEMBERSHIP.c.user_id == USER.c.id)
        .outerjoin(ORGANIZATION_ANCESTOR, ORGANIZATION_ANCESTOR.c.ancestor_id == MEMBERSHIP.c.organization_id)
        .where(_among(SESSION.c.id, sessions), SESSION.c.revoked_at.is_(None), SESSION.c.expires_at > now())
    )
    async with store.read() as connection:
        rows = (await connection.execute(statement)).all()
    found: dict[UUID, Access] = {}
    roles: defaultdict[UUID, dict[UUID, Role]] = defaultdict(dict)
    for session_id, user_id, is_platform_admin, role, organization_id, ends_at, stamp in rows:
        mine = roles[session_id]
        if session_id not in found:
            principal = UserPrincipal(user_id, session_id, ends_at.timestamp())
            found[session_id] = Access(principal, mine, bool(is_platform_admin), stamp, ends_at)
        if organization_id is not None and (organization_id not in mine or RANK[role] > RANK[mine[organization_id]]):
            mine[organization_id] = role
    return found


def _among(column: ColumnElement[UUID], keys: Sequence[UUID]) -> ColumnElement[bool]:
    return column == keys[0] if len(keys) == 1 else member_of(column, keys)
