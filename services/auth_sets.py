"""Auth sets: what is decided of one identity with one key, and what the sets of a thing come to.

Whoever adds, decides on or removes a set of a thing, or gives a token for one, locks the thing first. What follows from
the sets is written with them: the status of the thing, its mirror among the attributes, the number of accepted things.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select

from models import AuthSetRow, OrganizationRow, ThingRow
from models.enums import AuthSetStatus, EventKind, Permission, ThingAuthStatus, ThingType
from models.ids import new_id
from models.tables import AUTH_SET, THING, THING_TOKEN
from services import accepted_things, thing_parts
from services.errors import Conflict, LimitReached, NotFound, WrongState
from services.identities import Identity
from services.identity_keys import IdentityKey
from services.lookups import look_up
from services.thing_drafts import ThingDraft, check_limit, insert_things
from services.thing_events import Place, record_thing
from services.thing_parts import AttributeDraft
from services.things import remove
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_name
from sql.sets import member_of

MAX_SETS: Final = 20
"""Auth sets of one thing; a key more is not recorded before one of them is deleted."""
_STRONGEST_FIRST: Final = (
    AuthSetStatus.ACCEPTED,
    AuthSetStatus.PREAUTHORIZED,
    AuthSetStatus.PENDING,
    AuthSetStatus.REJECTED,
)
MOVES: Final[Mapping[AuthSetStatus, frozenset[AuthSetStatus]]] = {
    AuthSetStatus.PENDING: frozenset({AuthSetStatus.ACCEPTED, AuthSetStatus.REJECTED}),
    AuthSetStatus.ACCEPTED: frozenset({AuthSetStatus.REJECTED}),
    AuthSetStatus.REJECTED: frozenset({AuthSetStatus.ACCEPTED}),
    AuthSetStatus.PREAUTHORIZED: frozenset(),
}
"""What people may decide: nobody but the thing itself, by its first request, ends a preauthorization."""


class IdentityTaken(Conflict):
    """The organization has a thing with this identity already: `thing_id`."""

    def __init__(self, thing_id: UUID, path: Path) -> None:
        """It is a conflict like any other, with the thing that is in the way."""
        super().__init__("the organization has a thing with this identity already", path)
        self.thing_id = thing_id


def derive(statuses: Collection[AuthSetStatus]) -> ThingAuthStatus:
    """What sets come to: the strongest of them, or NOAUTH for none (mender.thing.derive-device-status)."""
    strongest = next((each for each in _STRONGEST_FIRST if each in statuses), None)
    return ThingAuthStatus.NOAUTH if strongest is None else ThingAuthStatus[strongest.name]


def draft(identity: Identity, status: AuthSetStatus, name: str | None = None) -> ThingDraft:
    """A new thing with one set of this status: its identity and its status are among its attributes from the start.

    (mender.thing.initialize-device-inventory)
    """
    auth_status = derive([status])
    return ThingDraft(
        name=identity.name if name is None else name,
        type=ThingType.DEVICE,
        identity=identity,
        auth_status=auth_status,
        attributes=[*identity.attributes, _mirror(auth_status)],
    )


async def preauthorize(
    work: UnitOfWork, organization_id: UUID, identity: Identity, key: IdentityKey, name: str | None = None
) -> tuple[UUID, UUID]:
    """Create a thing that is accepted when it first signs in with this identity and key; gives its id and the set's.

    Raises IdentityTaken for an identity that the organization has, NotFound and Forbidden for the organization,
    LimitReached when it may not have one thing more, InvalidInput for the name (mender.thing.preauthorize-device).
    """
    chosen = None if name is None else check_name(name, ("name",))
    organization = await work.fetch(OrganizationRow, organization_id, Permission.THING_AUTHORIZE, ("organizationId",))
    same = (THING.c.organization_id == organization_id, THING.c.identity_digest == identity.digest)
    existing = (await work.session.execute(select(THING.c.id).where(*same))).scalar_one_or_none()
    if existing is not None:
        raise IdentityTaken(existing, ("identity",))
    await check_limit(work, organization, 1, ("organizationId",))
    draft_of_it = draft(identity, AuthSetStatus.PREAUTHORIZED, chosen)
    (created,) = await insert_things(work, organization_id, [draft_of_it], ("identity",))
    set_id = await add(work, organization_id, created.id, identity, key, AuthSetStatus.PREAUTHORIZED)
    return created.id, set_id


async def add(
    work: UnitOfWork,
    organization_id: UUID,
    thing_id: UUID,
    identity: Identity,
    key: IdentityKey,
    status: AuthSetStatus,
) -> UUID:
    """Write the row of a new set, and nothing that follows from it; returns its id."""
    set_id = new_id()
    values = {
        "id": set_id,
        "organization_id": organization_id,
        "thing_id": thing_id,
        "identity": dict(identity.values),
        "identity_digest": identity.digest,
        "public_key": key.pem,
        "key_digest": key.digest,
        "status": status,
        "version": 1,
        "created_at": work.moment,
        "updated_at": work.moment,
    }
    await work.session.execute(insert(AUTH_SET).values(values))
    return set_id


async def decide(work: UnitOfWork, set_id: UUID, status: AuthSetStatus) -> UUID:
    """Accept or reject a set; returns the thing. The status that it has already changes nothing.

    Raises NotFound, Forbidden, WrongState for a step that `MOVES` lacks, LimitReached when the organization may not
    have one accepted thing more (mender.thing.set-auth-set-status).
    """
    thing, sets = await _open(work, set_id)
    chosen = next(each for each in sets if each.id == set_id)
    if chosen.status is status:
        return thing.id
    if status not in MOVES[chosen.status]:
        raise WrongState(f"an auth set cannot go from {chosen.status} to {status}", ("id",))
    if status is AuthSetStatus.ACCEPTED:
        await accept(work, thing, chosen, sets, ("id",))
        return thing.id
    chosen.status = status
    _touch(work, chosen)
    await _end_tokens(work, [chosen.id])
    await settle(work, thing)
    return thing.id


async def accept(
    work: UnitOfWork, thing: ThingRow, chosen: AuthSetRow, sets: Sequence[AuthSetRow], path: Path = ()
) -> None:
    """Accept one of the sets of a locked thing, and it alone: what was accepted or preauthorized is rejected.

    Raises LimitReached as `decide` does (mender.identity.rotate-device-key).
    """
    others = [
        each
        for each in sets
        if each.id != chosen.id and each.status in {AuthSetStatus.ACCEPTED, AuthSetStatus.PREAUTHORIZED}
    ]
    for each in others:
        each.status = AuthSetStatus.REJECTED
        _touch(work, each)
    chosen.status = AuthSetStatus.ACCEPTED
    _touch(work, chosen)
    await _end_tokens(work, [each.id for each in others])
    await settle(work, thing, path)


async def remove_set(work: UnitOfWork, set_id: UUID) -> tuple[UUID, bool]:
    """Delete a set with its tokens; returns the thing, and whether it has gone with its only set, a preauthorized one.

    Raises NotFound and Forbidden (mender.thing.delete-auth-set).
    """
    thing, sets = await _open(work, set_id)
    if len(sets) == 1 and sets[0].status is AuthSetStatus.PREAUTHORIZED:
        await remove(work, [thing.id], Permission.THING_AUTHORIZE)
        return thing.id, True
    await work.session.execute(delete(AUTH_SET).where(AUTH_SET.c.id == set_id))
    await settle(work, thing)
    return thing.id, False


async def settle(work: UnitOfWork, thing: ThingRow, path: Path = ()) -> None:
    """Write what the sets of a locked thing come to, now that one of them has changed, and note that it was changed.

    Raises LimitReached for one accepted thing too many; then nothing may be kept.
    """
    await work.session.flush()
    statuses = select(AUTH_SET.c.status).where(AUTH_SET.c.thing_id == thing.id).distinct()
    before, after = thing.auth_status, derive(set((await work.session.execute(statuses)).scalars()))
    thing.auth_status = after
    thing.version += 1
    thing.updated_at = work.moment
    await work.session.flush()
    await thing_parts.write_attributes(work, thing.id, [_mirror(after)], path)
    record_thing(work, EventKind.THING_UPDATED, thing.id, Place(thing.organization_id, thing.home_group_id))
    if before is after:
        return
    if after is ThingAuthStatus.ACCEPTED:
        await accepted_things.claim(work, thing.organization_id, path)
    elif before is ThingAuthStatus.ACCEPTED:
        await accepted_things.release(work, [thing.organization_id])


async def lock_thing(work: UnitOfWork, *conditions: Any) -> ThingRow | None:
    """Lock and load the one thing that meets the conditions; access is the caller's business."""
    statement = select(ThingRow).where(*conditions).with_for_update(of=THING).execution_options(populate_existing=True)
    return (await work.session.execute(statement)).scalars().one_or_none()


async def sets_of(work: UnitOfWork, thing_id: UUID) -> Sequence[AuthSetRow]:
    """The sets of a locked thing, oldest first."""
    statement = select(AuthSetRow).where(AUTH_SET.c.thing_id == thing_id).order_by(AUTH_SET.c.id)
    return (await work.session.execute(statement.execution_options(populate_existing=True))).scalars().all()


def require_room(sets: Sequence[AuthSetRow]) -> None:
    """Raise LimitReached when a thing has as many sets as it may have."""
    if len(sets) >= MAX_SETS:
        raise LimitReached(f"a thing has at most {MAX_SETS} auth sets")


async def _open(work: UnitOfWork, set_id: UUID) -> tuple[ThingRow, Sequence[AuthSetRow]]:
    """The thing of a set, locked, and all of its sets; raises NotFound and Forbidden."""
    found = await look_up(work, AuthSetRow, set_id, Permission.THING_AUTHORIZE, ("id",))
    thing = await lock_thing(work, THING.c.id == found["thing_id"])
    sets = [] if thing is None else await sets_of(work, thing.id)
    if thing is None or all(each.id != set_id for each in sets):
        raise NotFound("there is no auth set with this id", ("id",))
    return thing, sets


async def _end_tokens(work: UnitOfWork, sets: Sequence[UUID]) -> None:
    if sets:
        await work.session.execute(delete(THING_TOKEN).where(member_of(THING_TOKEN.c.auth_set_id, sets)))


def _mirror(status: ThingAuthStatus) -> AttributeDraft:
    return AttributeDraft(*thing_parts.STATUS, status.value)


def _touch(work: UnitOfWork, row: AuthSetRow) -> None:
    row.version += 1
    row.updated_at = work.moment
