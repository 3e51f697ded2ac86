"""Accounts of people: made and ended by platform administrators, described and protected by their owners.

Passwords are hashed before a transaction opens (`new_account`, `new_password`), because that takes a while on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select

from models import UserRow
from models.enums import UserStatus
from models.store import Store
from models.tables import ARTIFACT, SESSION, USER
from services.access import Access, UserPrincipal
from services.errors import Conflict, Forbidden, InvalidInput
from services.memberships import release_user
from services.passwords import MAX_LENGTH, Passwords, check_password
from services.patches import METADATA, Patched, apply_changes
from services.sessions import Credentials, end_sessions
from services.unit_of_work import UnitOfWork, check_version
from services.validation import NAME_LENGTH, Path, check_email, check_object, check_text


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that may be created: every value has been checked, the password is hashed."""

    email: str
    name: str
    metadata: Mapping[str, Any]
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A new password for somebody whose old one has been verified."""

    old: Credentials
    password_hash: str = field(repr=False)


def _check_display_name(value: str, path: Path) -> str:
    return check_text(value, path, limit=NAME_LENGTH).strip()


_OWN_FIELDS: Final = {"name": Patched("name", _check_display_name, empty=""), "metadata": METADATA}
_FIELDS: Final = {**_OWN_FIELDS, "email": Patched("email", check_email)}


async def new_account(
    access: Access,
    passwords: Passwords,
    *,
    email: str,
    password: str,
    name: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> NewAccount:
    """Check what a new account would hold, and hash its password.

    Raises Forbidden unless a platform administrator asks (mainflux.identity.create-user), then InvalidInput.
    """
    access.require_platform_admin()
    address = check_email(email, ("email",))
    check_new_password(password, "password")
    display_name = _check_display_name(name, ("name",))
    checked = check_object({} if metadata is None else metadata, ("metadata",))
    return NewAccount(address, display_name, checked, await passwords.hash(password))


async def create(work: UnitOfWork, account: NewAccount, *, is_platform_admin: bool = False) -> UUID:
    """Create an account that belongs to no organization yet; platform administrators come from the command line alone.

    Raises Forbidden unless a platform administrator asks, Conflict when the e-mail is taken.
    """
    work.access.require_platform_admin()
    await _require_free_email(work, account.email)
    user = UserRow(
        email=account.email,
        name=account.name,
        password_hash=account.password_hash,
        is_platform_admin=is_platform_admin,
        meta=dict(account.metadata),
        created_at=work.moment,
        updated_at=work.moment,
    )
    work.session.add(user)
    await work.session.flush()
    return user.id


async def edit(
    work: UnitOfWork, user_id: UUID | None, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change the own name and metadata, or as a platform administrator anybody's and the e-mail too.

    None stands for the caller (mainflux.identity.update-user-metadata); gives the account's id. Raises NotFound,
    Forbidden, Conflict (version, taken e-mail), InvalidInput.
    """
    own_id = _require_user(work.access).user_id
    user = await work.fetch(UserRow, user_id or own_id, None, ("id",))
    if user.id != own_id:
        work.access.require_platform_admin()
    check_version(user.version, expected_version)
    allowed = _FIELDS if work.access.is_platform_admin else _OWN_FIELDS
    if forbidden := set(changes) - set(allowed):
        raise Forbidden("only a platform administrator may change this", (min(forbidden),))
    before = user.email
    apply_changes(user, changes, allowed, work.moment)
    if user.email != before:
        await _require_free_email(work, user.email)
    return user.id


async def new_password(
    access: Access, store: Store, passwords: Passwords, *, old_password: str, password: str
) -> NewPassword:
    """Verify the caller's old password and hash the new one.

    Raises Forbidden for a thing, InvalidInput for a wrong old password and a new one that breaks the rules
    (mainflux.identity.change-password).
    """
    user_id = _require_user(access).user_id
    check_text(old_password, ("oldPassword",), limit=MAX_LENGTH)
    check_new_password(password, "newPassword")
    async with store.read() as connection:
        stored = (await connection.execute(select(USER.c.password_hash).where(USER.c.id == user_id))).scalar()
    if not await passwords.verify(stored, old_password) or stored is None:
        raise InvalidInput("this is not the present password", ("oldPassword",))
    return NewPassword(Credentials(user_id, stored), await passwords.hash(password))


async def change_password(work: UnitOfWork, password: NewPassword, *, everywhere: bool = False) -> int:
    """Store the new password and end the person's other sessions, with `everywhere` the calling one too.

    Says how many sessions ended. Raises Conflict when the password was changed since the old one was verified.
    """
    principal = _require_user(work.access)
    user = await work.fetch(UserRow, password.old.user_id, None)
    if user.password_hash != password.old.password_hash or user.id != principal.user_id:
        raise Conflict("the password was changed meanwhile", ("oldPassword",))
    user.password_hash = password.password_hash
    user.version += 1
    user.updated_at = work.moment
    others = [] if everywhere else [SESSION.c.id != principal.session_id]
    return await end_sessions(work, user.id, *others)


async def set_status(work: UnitOfWork, user_id: UUID, status: UserStatus, expected_version: int | None = None) -> None:
    """Disable an account, which ends its sessions, or enable it again; setting the same status changes nothing.

    Raises NotFound, Forbidden unless a platform administrator asks, Conflict for the last platform administrator.
    """
    user = await _fetch_to_administer(work, user_id, expected_version)
    if user.status is status:
        return
    if status is UserStatus.DISABLED:
        await _require_another_admin(work, user)
        await end_sessions(work, user.id)
    user.status = status
    user.version += 1
    user.updated_at = work.moment


async def remove(work: UnitOfWork, user_id: UUID, expected_version: int | None = None) -> None:
    """Remove an account with its sessions and memberships; what it created stays.

    Raises NotFound, Forbidden unless a platform administrator asks, Conflict for the last platform administrator and
    for the last owner of an organization (mender.identity.delete-user), and while there are artifacts that only this
    person sees: nobody else is to see them when their owner is gone.
    """
    user = await _fetch_to_administer(work, user_id, expected_version)
    await _require_another_admin(work, user)
    if await work.exists(ARTIFACT.c.private_to_id == user.id):
        raise Conflict("this person has private artifacts; delete them first", ("id",))
    await release_user(work, user.id)
    await work.session.execute(delete(USER).where(USER.c.id == user.id))


def check_new_password(password: str, name: str) -> None:
    """Raise InvalidInput, with the path of the input's field `name`, for a password that may not be set."""
    check_text(password, (name,), limit=MAX_LENGTH)
    check_password(password, (name,))


def _require_user(access: Access) -> UserPrincipal:
    if not isinstance(access.principal, UserPrincipal):
        raise Forbidden("only people have accounts")
    return access.principal


async def _fetch_to_administer(work: UnitOfWork, user_id: UUID, expected_version: int | None) -> UserRow:
    user = await work.fetch(UserRow, user_id, None, ("id",))
    work.access.require_platform_admin()
    check_version(user.version, expected_version)
    return user


async def _require_free_email(work: UnitOfWork, email: str) -> None:
    if await work.exists(USER.c.email == email):
        raise Conflict("there is an account with this e-mail", ("email",))


async def _require_another_admin(work: UnitOfWork, user: UserRow) -> None:
    """The platform never loses its last administrator (mainflux.access.root-admin)."""
    if not user.is_platform_admin or user.status is not UserStatus.ACTIVE:
        return
    statement = (
        select(USER.c.id)
        .where(USER.c.is_platform_admin.is_(True), USER.c.status == UserStatus.ACTIVE)
        .order_by(USER.c.id)
        .with_for_update()
    )
    if (await work.session.execute(statement)).scalars().all() == [user.id]:
        raise Conflict("this is the last platform administrator", ("id",))
