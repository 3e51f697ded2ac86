"""Signing in by a key pair: a signed request becomes a token, or an auth set that waits for a decision.

It runs for every thing every few minutes, so that what is known costs one statement, and a token one short transaction.
Nothing is read of the database before the signature holds, and nothing is written for who was refused before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, func, select

from models import OrganizationRow
from models.enums import AuthSetStatus, OrganizationStatus, ThingAuthStatus
from models.store import Store
from models.tables import AUTH_SET, ORGANIZATION, TENANT_TOKEN, THING
from services import auth_sets
from services.access import ANONYMOUS
from services.errors import Conflict, InvalidInput, LimitReached, Unauthenticated
from services.identities import Identity
from services.identity_keys import IdentityKey
from services.thing_drafts import check_limit, insert_things
from services.thing_tokens import issue
from services.tokens import TokenKeys, digest
from services.unit_of_work import UnitOfWork, unit_of_work

MAX_BODY: Final = 65_536
MAX_TENANT_TOKEN: Final = 4_096
ATTEMPTS: Final = 5
"""How often a request is begun anew when something that it concerns changes at the same time."""
PENDING_THINGS: Final = 10_000


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What a thing asked for, with a signature that held."""

    identity: Identity
    key: IdentityKey
    tenant_token: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of a request: the organization that it is for, and its auth set, if there is one."""

    organization_id: UUID
    thing_id: UUID | None
    auth_set_id: UUID | None
    status: AuthSetStatus | None


class SignIns:
    """Signs things in."""

    def __init__(
        self,
        store: Store,
        keys: TokenKeys,
        committed: Callable[[], None],
        seconds: int,
        default_organization: UUID | None,
        pending_things: int = PENDING_THINGS,
    ) -> None:
        """Tokens last `seconds` and are signed with `keys`.

        Requests that name no organization, or one that is not there, are for `default_organization` when it is given.
        No more than `pending_things` wait for a decision in one organization. `committed` is called after a commit
        that left events.
        """
        self._store = store
        self._keys = keys
        self._committed = committed
        self._seconds = seconds
        self._default = default_organization
        self._pending_things = pending_things

    async def sign_in(self, body: bytes, signature: str | None, tenant_token: str | None) -> str:
        """A token for a request whose auth set is accepted, or preauthorized and accepted by this request.

        `signature` is over exactly these bytes; `tenant_token` is one that came beside them. Raises InvalidInput for a
        request that says not all that it must, and Unauthenticated for all others: a signature that does not hold, an
        organization that is unknown or may not act, an auth set that waits (and is recorded, once) or was rejected
        (mender.identity.submit-auth-request, mender.identity.renew-device-token).
        """
        request = read_request(body, signature)
        named = request.tenant_token or tenant_token or None
        for _ in range(ATTEMPTS):
            try:
                return await self._answer(request, await self._find(request, named))
            except LimitReached as error:
                raise Unauthenticated(error.message) from error
            except Conflict:
                continue
        raise Unauthenticated("the thing is being changed; try again")

    async def _answer(self, request: SignInRequest, known: _Known) -> str:
        if known.status is AuthSetStatus.PENDING:
            raise _waiting()
        if known.status is AuthSetStatus.REJECTED:
            raise Unauthenticated("the thing was rejected")
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            if known.thing_id is None or known.auth_set_id is None:
                await self._record(work, known.organization_id, request)
                token = None
            elif known.status is AuthSetStatus.PREAUTHORIZED:
                token = await self._admit(work, known.organization_id, known.thing_id, known.auth_set_id)
            else:
                token = await self._give(work, known.organization_id, known.thing_id, known.auth_set_id)
        if token is None:
            raise _waiting()
        return token

    async def _find(self, request: SignInRequest, named: str | None) -> _Known:
        """One statement as a rule; raises Unauthenticated without an organization that may act."""
        for organization in self._organizations(named):
            mine = and_(
                AUTH_SET.c.organization_id == ORGANIZATION.c.id,
                AUTH_SET.c.identity_digest == request.identity.digest,
                AUTH_SET.c.key_digest == request.key.digest,
            )
            statement = (
                select(
                    ORGANIZATION.c.id,
                    ORGANIZATION.c.status.label("standing"),
                    AUTH_SET.c.thing_id,
                    AUTH_SET.c.id.label("auth_set_id"),
                    AUTH_SET.c.status,
                )
                .select_from(ORGANIZATION.outerjoin(AUTH_SET, mine))
                .where(organization)
            )
            async with self._store.read() as connection:
                found = (await connection.execute(statement)).first()
            if found is not None and found.standing is OrganizationStatus.ACTIVE:
                return _Known(found.id, found.thing_id, found.auth_set_id, found.status)
            if found is not None:
                break
        raise Unauthenticated("no organization is named that may act")

    def _organizations(self, named: str | None) -> list[ColumnElement[bool]]:
        """What the request may be for: what it names, then the default (identity.select-organization-by-tenant-token).

        The default also takes requests that name what is not there: an image may have been made for another server.
        """
        found: list[ColumnElement[bool]] = []
        if named is not None and named.isascii() and len(named) <= MAX_TENANT_TOKEN:
            owner = select(TENANT_TOKEN.c.organization_id).where(TENANT_TOKEN.c.digest == digest(named))
            found.append(ORGANIZATION.c.id == owner.scalar_subquery())
        if self._default is not None:
            found.append(ORGANIZATION.c.id == self._default)
        return found

    async def _give(self, work: UnitOfWork, organization_id: UUID, thing_id: UUID, auth_set_id: UUID) -> str:
        """A token for an accepted set. Raises Conflict when it is none any more."""
        # Decisions on the thing wait for this, and this for them; foreign keys of others need not.
        locked = select(THING.c.id).where(THING.c.id == thing_id).with_for_update(key_share=True)
        accepted = select(AUTH_SET.c.id).where(
            AUTH_SET.c.id == auth_set_id, AUTH_SET.c.status == AuthSetStatus.ACCEPTED
        )
        for statement in (locked, accepted):
            if (await work.session.execute(statement)).first() is None:
                raise _changed()
        return await self._issue(work, organization_id, thing_id, auth_set_id)

    async def _admit(self, work: UnitOfWork, organization_id: UUID, thing_id: UUID, auth_set_id: UUID) -> str:
        """Accept a preauthorized set, and give its first token (identity.accept-preauthorized-on-first-contact).

        Raises LimitReached when the organization may not have one accepted thing more: then the set stays as it is.
        """
        thing = await auth_sets.lock_thing(work, THING.c.id == thing_id)
        sets = [] if thing is None else await auth_sets.sets_of(work, thing_id)
        chosen = next((each for each in sets if each.id == auth_set_id), None)
        if thing is None or chosen is None or chosen.status is not AuthSetStatus.PREAUTHORIZED:
            raise _changed()
        await auth_sets.accept(work, thing, chosen, sets)
        return await self._issue(work, organization_id, thing_id, auth_set_id)

    async def _issue(self, work: UnitOfWork, organization_id: UUID, thing_id: UUID, auth_set_id: UUID) -> str:
        return await issue(
            work,
            self._keys,
            self._seconds,
            organization_id=organization_id,
            thing_id=thing_id,
            auth_set_id=auth_set_id,
        )

    async def _record(self, work: UnitOfWork, organization_id: UUID, request: SignInRequest) -> None:
        """Note a pending set: of the thing with this identity, or of a new one (mender.identity.rotate-device-key).

        Raises LimitReached when too many wait already, and Conflict when the set was noted meanwhile.
        """
        identity = request.identity
        same = (THING.c.organization_id == organization_id, THING.c.identity_digest == identity.digest)
        thing = await auth_sets.lock_thing(work, *same)
        if thing is None:
            organization = await self._enter(work, organization_id)
            thing = await auth_sets.lock_thing(work, *same)
            if thing is None:
                await self._require_room(work, organization)
                draft = auth_sets.draft(identity, AuthSetStatus.PENDING)
                (created,) = await insert_things(work, organization_id, [draft], ("id_data",))
                await auth_sets.add(work, organization_id, created.id, identity, request.key, AuthSetStatus.PENDING)
                return
        sets = await auth_sets.sets_of(work, thing.id)
        if any(each.key_digest == request.key.digest for each in sets):
            raise _changed()
        auth_sets.require_room(sets)
        await auth_sets.add(work, organization_id, thing.id, identity, request.key, AuthSetStatus.PENDING)
        await auth_sets.settle(work, thing)

    async def _enter(self, work: UnitOfWork, organization_id: UUID) -> OrganizationRow:
        """Lock the organization, so that things that come for the first time come one after the other."""
        statement = select(OrganizationRow).where(ORGANIZATION.c.id == organization_id)
        locked = (await work.session.execute(statement.with_for_update(key_share=True))).scalars().one_or_none()
        if locked is None:
            raise _changed()
        return locked

    async def _require_room(self, work: UnitOfWork, organization: OrganizationRow) -> None:
        await check_limit(work, organization, 1, ())
        waiting = (THING.c.organization_id == organization.id, THING.c.auth_status == ThingAuthStatus.PENDING)
        first = select(THING.c.id).where(*waiting).limit(self._pending_things).subquery()
        if (await work.session.execute(select(func.count()).select_from(first))).scalar_one() >= self._pending_things:
            raise LimitReached("too many things wait to be accepted in the organization")


def read_request(body: bytes, signature: str | None) -> SignInRequest:
    """What a request says, once its signature holds.

    Raises InvalidInput for what is missing or malformed, Unauthenticated for a signature that does not hold.
    """
    if len(body) > MAX_BODY:
        raise InvalidInput(f"a request has at most {MAX_BODY:,} bytes")
    if not signature:
        raise InvalidInput("the request is not signed: X-MEN-Signature is missing")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("the request is not JSON") from error
    if not isinstance(given, dict):
        raise InvalidInput("the request is not a JSON object")
    key = IdentityKey.of(_text(given, "pubkey"), ("pubkey",))
    identity = Identity.read(_text(given, "id_data"), ("id_data",))
    key.verify(signature, body)
    return SignInRequest(identity, key, _text(given, "tenant_token") if given.get("tenant_token") else None)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} is missing, or not a text", (name,))
    return value


def _waiting() -> Unauthenticated:
    return Unauthenticated("the thing waits to be accepted")


def _changed() -> Conflict:
    return Conflict("the auth set has changed meanwhile")
