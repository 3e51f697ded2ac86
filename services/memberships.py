"""Members of organizations and their roles.

The rule of rank (graph.md, "Access"; lynx.access.limit-role-assignment-by-priority): nobody gives, takes or changes a
role at or above their own rank in the organization, where the own rank counts roles from above. Owners alone may do so
with their equals, platform administrators with everybody. An organization that has an owner of its own never loses the
last one, whoever asks; an organization below another may have none, since roles reach down. Members may leave by
themselves. All calls are bulk and all or nothing, and name the entry that fails (mainflux.org.add-members).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from models import OrganizationRow
from models.enums import EventKind, Permission, Role
from models.ids import new_id
from models.tables import MEMBERSHIP, ORGANIZATION, ORGANIZATION_ANCESTOR, USER
from services.access import RANK
from services.cascades import Heir
from services.errors import Conflict, Forbidden, InvalidInput, NotFound
from services.scope import visible
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_email
from sql.sets import member_of

MAX_ENTRIES: Final = 1_000
_ABOVE_ALL: Final = len(Role)
_OWNER_RANK: Final = RANK[Role.OWNER]


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """A person, named by e-mail or by id, and the role that they get."""

    role: Role
    email: str | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A stored membership."""

    id: UUID
    user_id: UUID
    role: Role


async def add(work: UnitOfWork, organization_id: UUID, entries: Sequence[MemberEntry]) -> list[UUID]:
    """Make people members without asking them; gives the new memberships' ids in the order of the entries.

    An e-mail names any account; an id only one that the caller may see. Raises NotFound for people who are not there,
    Conflict for those who are members, Forbidden by rank, InvalidInput for no entries, too many, or one person twice.
    """
    await _fetch_organization(work, organization_id)
    users = await _find_users(work, entries)
    present = await _members(work, organization_id, users)
    for index, (entry, user_id) in enumerate(zip(entries, users, strict=True)):
        _require_rank(work, organization_id, entry.role, ("members", index, "role"))
        if user_id in present:
            raise Conflict("this person is a member already", ("members", index))
    members = [Member(new_id(), user_id, entry.role) for entry, user_id in zip(entries, users, strict=True)]
    await _insert(work, organization_id, members)
    return [member.id for member in members]


async def change(work: UnitOfWork, organization_id: UUID, entries: Sequence[MemberEntry]) -> list[UUID]:
    """Give members other roles; gives the memberships' ids in the order of the entries.

    Raises NotFound for people who are not members (nobody is added, mainflux.org.update-members), Forbidden by rank,
    Conflict when no owner would be left, InvalidInput as `add`.
    """
    await _fetch_organization(work, organization_id)
    users = await _find_users(work, entries)
    members = await _require_members(work, organization_id, users)
    for index, (entry, member) in enumerate(zip(entries, members, strict=True)):
        _require_rank(work, organization_id, member.role, ("members", index))
        _require_rank(work, organization_id, entry.role, ("members", index, "role"))
    lost = [member.id for entry, member in zip(entries, members, strict=True) if entry.role is not Role.OWNER]
    gained = any(entry.role is Role.OWNER for entry in entries)
    if not gained:
        await _require_owner_besides(work, organization_id, lost)
    for role in Role:
        changed = [
            member
            for entry, member in zip(entries, members, strict=True)
            if entry.role is role and member.role is not role
        ]
        if changed:
            statement = update(MEMBERSHIP).values(role=role, updated_at=work.moment)
            await work.session.execute(statement.where(member_of(MEMBERSHIP.c.id, [member.id for member in changed])))
        for member in changed:
            _record(work, organization_id, Member(member.id, member.user_id, role), "UPDATED", previous=member.role)
    return [member.id for member in members]


async def remove(work: UnitOfWork, organization_id: UUID, users: Sequence[UUID]) -> list[UUID]:
    """End memberships; the accounts stay (mainflux.org.remove-members). Gives the ids of the memberships that ended.

    Raises NotFound for people who are not members, Forbidden by rank, Conflict when no owner would be left,
    InvalidInput for nobody, too many, or one person twice.
    """
    await _fetch_organization(work, organization_id)
    _check_count(len(users), "userIds")
    _require_each_once(users, "userIds")
    members = await _require_members(work, organization_id, users, "userIds")
    for index, member in enumerate(members):
        if member.user_id != work.access.user_id:
            _require_rank(work, organization_id, member.role, ("userIds", index))
    await _remove(work, organization_id, members)
    return [member.id for member in members]


async def leave(work: UnitOfWork, organization_id: UUID) -> UUID:
    """End the caller's own membership, for which no permission is needed; gives its id.

    Raises NotFound when there is no such organization for the caller, or no membership in it (a role from above cannot
    be left from below), Conflict for the last owner.
    """
    await work.fetch(OrganizationRow, organization_id, None, ("organizationId",))
    user_id = work.access.user_id
    if user_id is None:
        raise Forbidden("only people are members")
    found = await _members(work, organization_id, [user_id])
    if not found:
        raise NotFound("you are not a member of this organization itself", ("organizationId",))
    await _remove(work, organization_id, [found[user_id]])
    return found[user_id].id


async def make_owner(work: UnitOfWork, organization_id: UUID) -> None:
    """Give the person who asks the role of owner, in an organization that the caller of this has checked and locked.

    The gateway itself, which is no person, becomes nobody's owner.
    """
    user_id = work.access.user_id
    if user_id is None:
        return
    found = (await _members(work, organization_id, [user_id])).get(user_id)
    if found is None:
        await _insert(work, organization_id, [Member(new_id(), user_id, Role.OWNER)])
    elif found.role is not Role.OWNER:
        statement = update(MEMBERSHIP).values(role=Role.OWNER, updated_at=work.moment)
        await work.session.execute(statement.where(MEMBERSHIP.c.id == found.id))
        _record(work, organization_id, Member(found.id, user_id, Role.OWNER), "UPDATED", previous=found.role)


async def has_owner(work: UnitOfWork, organization_id: UUID) -> bool:
    """Whether the organization has an owner of its own."""
    return await work.exists(MEMBERSHIP.c.organization_id == organization_id, MEMBERSHIP.c.role == Role.OWNER)


async def release_user(work: UnitOfWork, user_id: UUID) -> None:
    """End all memberships of an account that goes away.

    Raises Conflict, naming the organization, when one would lose its last owner.
    """
    owned = select(MEMBERSHIP.c.organization_id).where(MEMBERSHIP.c.user_id == user_id)
    lock = select(ORGANIZATION.c.id).where(ORGANIZATION.c.id.in_(owned)).order_by(ORGANIZATION.c.id)
    await work.session.execute(lock.with_for_update())
    others = MEMBERSHIP.alias("others")
    sole = (
        select(ORGANIZATION.c.name)
        .join(MEMBERSHIP, MEMBERSHIP.c.organization_id == ORGANIZATION.c.id)
        .where(MEMBERSHIP.c.user_id == user_id, MEMBERSHIP.c.role == Role.OWNER)
        .where(
            ~select(others.c.id)
            .where(others.c.organization_id == ORGANIZATION.c.id, others.c.role == Role.OWNER)
            .where(others.c.user_id != user_id)
            .exists()
        )
        .order_by(ORGANIZATION.c.name)
        .limit(1)
    )
    name = (await work.session.execute(sole)).scalar_one_or_none()
    if name is not None:
        raise Conflict(f"this is the last owner of the organization {name!r}", ("id",))
    gone = delete(MEMBERSHIP).where(MEMBERSHIP.c.user_id == user_id)
    ended = await work.session.execute(gone.returning(MEMBERSHIP.c.id, MEMBERSHIP.c.role, MEMBERSHIP.c.organization_id))
    for row in ended.all():
        _record(work, row.organization_id, Member(row.id, user_id, row.role), "REMOVED")


async def _fetch_organization(work: UnitOfWork, organization_id: UUID) -> OrganizationRow:
    """Lock the organization, so that of two calls the second counts owners after the first."""
    return await work.fetch(OrganizationRow, organization_id, Permission.MEMBERSHIP_WRITE, ("organizationId",))


def _check_count(count: int, name: str) -> None:
    if not 1 <= count <= MAX_ENTRIES:
        raise InvalidInput(f"1 to {MAX_ENTRIES} entries are allowed", (name,))


def _require_rank(work: UnitOfWork, organization_id: UUID, role: Role, path: Path) -> None:
    own = work.access.roles.get(organization_id)
    rank = _ABOVE_ALL if work.access.is_platform_admin else -1 if own is None else RANK[own]
    if RANK[role] >= rank and not rank == _OWNER_RANK == RANK[role]:
        raise Forbidden(f"the role {role.value} is not below your own", path)


async def _find_users(work: UnitOfWork, entries: Sequence[MemberEntry]) -> list[UUID]:
    """The accounts that the entries name, in their order, each once."""
    _check_count(len(entries), "members")
    emails: dict[int, str] = {}
    ids: dict[int, UUID] = {}
    for index, entry in enumerate(entries):
        if (entry.email is None) == (entry.user_id is None):
            raise InvalidInput("either an e-mail or a user's id is expected", ("members", index))
        if entry.email is not None:
            emails[index] = check_email(entry.email, ("members", index, "email"))
        elif entry.user_id is not None:
            ids[index] = entry.user_id
    by_email = select(USER.c.email, USER.c.id).where(member_of(USER.c.email, sorted(set(emails.values()))))
    by_id = select(USER.c.id).where(member_of(USER.c.id, sorted(set(ids.values()))))
    scope = visible(work.access, USER)
    if scope is not None:
        by_id = by_id.where(scope)
    known = {row.email: row.id for row in (await work.session.execute(by_email)).all()} if emails else {}
    seen = set((await work.session.execute(by_id)).scalars()) if ids else set()
    users: list[UUID] = []
    for index in range(len(entries)):
        user_id = known.get(emails[index]) if index in emails else ids[index] if ids[index] in seen else None
        if user_id is None:
            name = "email" if index in emails else "userId"
            raise NotFound("there is no such user", ("members", index, name))
        users.append(user_id)
    _require_each_once(users, "members")
    return users


def _require_each_once(users: Sequence[UUID], name: str) -> None:
    seen: set[UUID] = set()
    for index, user_id in enumerate(users):
        if user_id in seen:
            raise InvalidInput("this person is named twice", (name, index))
        seen.add(user_id)


async def _members(work: UnitOfWork, organization_id: UUID, users: Sequence[UUID]) -> dict[UUID, Member]:
    statement = select(MEMBERSHIP.c.id, MEMBERSHIP.c.user_id, MEMBERSHIP.c.role).where(
        MEMBERSHIP.c.organization_id == organization_id, member_of(MEMBERSHIP.c.user_id, list(users))
    )
    rows = (await work.session.execute(statement)).all()
    return {row.user_id: Member(row.id, row.user_id, row.role) for row in rows}


async def _require_members(
    work: UnitOfWork, organization_id: UUID, users: Sequence[UUID], name: str = "members"
) -> list[Member]:
    found = await _members(work, organization_id, users)
    for index, user_id in enumerate(users):
        if user_id not in found:
            raise NotFound("this person is not a member", (name, index))
    return [found[user_id] for user_id in users]


async def _insert(work: UnitOfWork, organization_id: UUID, members: Sequence[Member]) -> None:
    rows = [
        {
            "id": member.id,
            "organization_id": organization_id,
            "user_id": member.user_id,
            "role": member.role,
            "created_at": work.moment,
            "updated_at": work.moment,
        }
        for member in members
    ]
    await work.session.execute(insert(MEMBERSHIP), rows)
    for member in members:
        _record(work, organization_id, member, "ADDED")


async def _require_owner_besides(work: UnitOfWork, organization_id: UUID, lost: Sequence[UUID]) -> None:
    """Raise Conflict when there are owners now and none but the memberships in `lost`."""
    gone = member_of(MEMBERSHIP.c.id, list(lost))
    owners = select(func.count(), func.count().filter(gone)).where(
        MEMBERSHIP.c.organization_id == organization_id, MEMBERSHIP.c.role == Role.OWNER
    )
    before, less = (await work.session.execute(owners)).one()
    if before and before == less:
        raise Conflict("an organization keeps at least one owner; name another one first")


async def _remove(work: UnitOfWork, organization_id: UUID, members: Sequence[Member]) -> None:
    gone = [member.id for member in members]
    await _require_owner_besides(work, organization_id, gone)
    await work.session.execute(delete(MEMBERSHIP).where(member_of(MEMBERSHIP.c.id, gone)))
    for member in members:
        _record(work, organization_id, member, "REMOVED")


async def release_members(work: UnitOfWork, organization_id: UUID, heir: Heir) -> None:
    """Tell the members of an organization that is about to go with all below it that they are none any more.

    The rows go with the organizations, by foreign key.
    """
    statement = (
        select(MEMBERSHIP.c.id, MEMBERSHIP.c.organization_id, MEMBERSHIP.c.user_id, MEMBERSHIP.c.role)
        .join(ORGANIZATION_ANCESTOR, ORGANIZATION_ANCESTOR.c.organization_id == MEMBERSHIP.c.organization_id)
        .where(ORGANIZATION_ANCESTOR.c.ancestor_id == organization_id)
    )
    for row in (await work.session.execute(statement)).all():
        _record(work, row.organization_id, Member(row.id, row.user_id, row.role), "REMOVED", heir=heir)


def _record(
    work: UnitOfWork,
    organization_id: UUID,
    member: Member,
    change: str,
    *,
    previous: Role | None = None,
    heir: Heir | None = None,
) -> None:
    detail = {"change": change, "userId": member.user_id.hex, "role": member.role, "previousRole": previous}
    if heir is not None:
        detail["organizationId"] = organization_id.hex
    work.record(
        EventKind.MEMBERSHIP_CHANGED,
        organization_id=organization_id if heir is None else heir.organization_id,
        previous_organization_id=None if heir is None else heir.removed_id,
        subject_id=member.id,
        user_id=member.user_id,
        detail=detail,
    )
