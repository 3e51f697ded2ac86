"""Sessions of people: sign-in, refresh tokens that are good for one use, sign-out; and who a request comes from.

An access token lives for minutes and names its session. Whether that still lasts is part of the access that every
operation goes by (`services.access`), so a revoked session ends its tokens at once. A refresh token is stored as its
digest and is good for one use; when it comes a second time, somebody has stolen it, so the whole session ends
(mainflux.identity.create-token, rainmaker.identity.extend-session).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from models.enums import UserStatus
from models.ids import new_id
from models.store import Store
from models.tables import REFRESH_TOKEN, SESSION, THING, USER
from services.access import Access, Principal, ThingPrincipal, UserPrincipal, resolve_accesses
from services.batches import Batches
from services.errors import Forbidden, InvalidInput, TokenExpired, Unauthenticated
from services.passwords import MAX_LENGTH, Passwords
from services.tokens import MAX_TOKEN_LENGTH, Audience, TokenKeys, digest, is_for, lasts, new_secret
from services.unit_of_work import UnitOfWork
from services.validation import check_email, check_text

SESSIONS_PER_USER: Final = 50
"""Active at once; one more ends the oldest."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""How long a session is kept when its time is over: to remove it then changes nobody's access (migration 0002)."""
REFRESH_TOKENS_PER_SESSION: Final = 1_000
"""Kept to recognise the second use of one; the session of an older one stays, but it opens nothing."""
REMEMBERED_TOKENS: Final = 10_000
TOGETHER: Final = 100
"""Keys or tokens of things that are looked up with one statement."""

_AUTHORIZATION: Final = re.compile(r"([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*) *")
_BEARER: Final = re.compile(r"(?i:bearer) +[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+ *")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What signs access tokens, and how long they and their sessions last (seconds)."""

    keys: TokenKeys
    access_token_seconds: int
    session_seconds: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """A person whose password has been verified against this hash."""

    user_id: UUID
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a sign-in or a refresh gives: `expires_at` is the access token's end, `session_expires_at` the session's."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    session_expires_at: datetime


class Authenticator:
    """Says who an Authorization header stands for, and remembers the tokens that it has verified.

    What is remembered is bounded, the longest unused leaves first, and it holds for the keys of this authenticator
    alone: one with other keys has verified nothing yet. Only the signature and the claims of a token are remembered.
    Its end is looked at each time, and whether it still opens anything is seen by `resolve_access`.
    """

    def __init__(self, store: Store, keys: TokenKeys, *, size: int = REMEMBERED_TOKENS) -> None:
        """Look things up in `store`, and verify tokens with `keys`."""
        self._things = ThingKeys(store)
        self._standing: Batches[Principal, Access] = Batches(
            partial(resolve_accesses, store), most=TOGETHER, name="tokens of things"
        )
        self._keys = keys
        self._size = size
        self._verified: OrderedDict[str, UserPrincipal | ThingPrincipal] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Principal | None:
        """Who the header stands for; None without a header.

        `Bearer <access token>` is a person or a thing that has signed in by a key pair, `Thing <secret key>` a thing;
        none is taken for another (mainflux.identity.authenticate-request). Raises Unauthenticated for everything else.
        """
        if authorization is None:
            return None
        known = self._verified.get(authorization)
        if known is not None:
            return self._again(authorization, known)
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None or len(match[2]) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("the authorization is not `Bearer <access token>` or `Thing <secret key>`")
        scheme, credentials = match[1].lower(), match[2]
        if scheme == "bearer":
            read = _thing_of if is_for(Audience.THING, credentials) else _user_of
            return self._remember(authorization, read(self._keys, credentials))
        if scheme == "thing":
            return await self._things.owner(credentials)
        raise Unauthenticated("the authorization is not `Bearer <access token>` or `Thing <secret key>`")

    async def authenticate_thing(self, authorization: str | None) -> ThingPrincipal:
        """The thing whose token the header holds, which may act now: nothing is left to be asked of it.

        Raises InvalidInput without a header and for one that is no bearer token, TokenExpired for a token whose time is
        over, and Unauthenticated for a token that is forged or a person's, that was revoked, or whose thing or
        organization may not act any more (mender.identity.verify-device-token).
        """
        if _BEARER.fullmatch(authorization or "") is None:
            raise InvalidInput("the authorization is not `Bearer <token of a thing>`")
        principal = await self.authenticate(authorization)
        if not isinstance(principal, ThingPrincipal) or await self._standing.get(principal) is None:
            raise Unauthenticated("the token is not valid")
        return principal

    def _again(self, authorization: str, principal: UserPrincipal | ThingPrincipal) -> Principal:
        if principal.expires_at is not None and not lasts(principal.expires_at):
            del self._verified[authorization]
            raise TokenExpired("the time of the token is over")
        self._verified.move_to_end(authorization)
        return principal

    def _remember(self, authorization: str, principal: UserPrincipal | ThingPrincipal) -> Principal:
        self._verified[authorization] = principal
        if len(self._verified) > self._size:
            self._verified.popitem(last=False)
        return principal


def _user_of(keys: TokenKeys, token: str) -> UserPrincipal:
    claims = keys.verify(Audience.ACCESS, token)
    try:
        return UserPrincipal(UUID(hex=claims["sub"]), UUID(hex=claims["sid"]), float(claims["exp"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unauthenticated("the token is not valid") from error


def _thing_of(keys: TokenKeys, token: str) -> ThingPrincipal:
    claims = keys.verify(Audience.THING, token)
    try:
        return ThingPrincipal(
            UUID(hex=claims["sub"]),
            UUID(hex=claims["org"]),
            expires_at=float(claims["exp"]),
            token_id=UUID(hex=claims["jti"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unauthenticated("the token is not valid") from error


class ThingKeys:
    """Says whose a thing's key is; keys that come while others are looked up share the next statement."""

    def __init__(self, store: Store) -> None:
        """Look keys up in `store`."""
        self._store = store
        self._batches = Batches(self._owners, most=TOGETHER, name="keys of things")

    async def owner(self, key: str) -> ThingPrincipal:
        """The thing that has this key; raises Unauthenticated when there is none."""
        found = await self._batches.get(digest(key))
        if found is None:
            raise Unauthenticated("the thing's key is not valid")
        return found

    async def _owners(self, digests: Iterable[bytes]) -> dict[bytes, ThingPrincipal]:
        columns = (THING.c.key_digest, THING.c.id, THING.c.organization_id)
        async with self._store.read() as connection:
            rows = await connection.execute(select(*columns).where(THING.c.key_digest.in_(digests)))
            return {stored: ThingPrincipal(key, organization, stored) for stored, key, organization in rows}


async def check_credentials(store: Store, passwords: Passwords, email: str, password: str) -> Credentials:
    """Verify a password, outside of any transaction since it takes a while on purpose.

    An unknown e-mail, a wrong password and a disabled account answer alike, in like time. Raises Unauthenticated for
    them and InvalidInput for what cannot be an e-mail or a password.
    """
    address = check_email(email, ("email",))
    check_text(password, ("password",), limit=MAX_LENGTH)
    statement = select(USER.c.id, USER.c.password_hash, USER.c.status).where(USER.c.email == address)
    async with store.read() as connection:
        found = (await connection.execute(statement)).first()
    fits = await passwords.verify(found.password_hash if found else None, password)
    if found is None or not fits or found.status is not UserStatus.ACTIVE:
        raise _refusal()
    return Credentials(found.id, found.password_hash)


async def login(work: UnitOfWork, rules: SessionRules, credentials: Credentials) -> SessionTokens:
    """Start a session for verified credentials; the oldest one ends when there are too many.

    Raises Unauthenticated when the account was disabled, or its password changed, since it was verified.
    """
    statement = select(USER.c.id).where(
        USER.c.id == credentials.user_id,
        USER.c.status == UserStatus.ACTIVE,
        USER.c.password_hash == credentials.password_hash,
    )
    # The lock makes sign-ins of one person queue, so that their number is right, and wait for a change of password.
    if (await work.session.execute(statement.with_for_update(key_share=True))).first() is None:
        raise _refusal()
    mine = SESSION.c.user_id == credentials.user_id
    ended = or_(SESSION.c.expires_at <= work.moment - FORGOTTEN_AFTER, SESSION.c.revoked_at.is_not(None))
    await work.session.execute(delete(SESSION).where(mine, ended))
    session_id = new_id()
    expires_at = work.moment.replace(microsecond=0) + timedelta(seconds=rules.session_seconds)
    await work.session.execute(
        insert(SESSION).values(
            id=session_id, user_id=credentials.user_id, created_at=work.moment, expires_at=expires_at
        )
    )
    lasting = SESSION.c.expires_at > work.moment
    newest = (
        select(SESSION.c.id)
        .where(mine, lasting)
        .order_by(SESSION.c.created_at.desc(), SESSION.c.id.desc())
        .limit(SESSIONS_PER_USER)
    )
    await end_sessions(work, credentials.user_id, lasting, SESSION.c.id.not_in(newest))
    return await _issue(work, rules, credentials.user_id, session_id, expires_at)


async def refresh(work: UnitOfWork, rules: SessionRules, refresh_token: str) -> SessionTokens | None:
    """Spend a refresh token for new tokens of its session.

    None says that the token had been spent before: its session has ended now, which must be committed, and the caller
    must sign in again. Of concurrent calls with one token exactly one is first. Raises Unauthenticated for a token that
    was never given and for a session that has ended.
    """
    stored = digest(check_text(refresh_token, ("refreshToken",), limit=MAX_TOKEN_LENGTH))
    spend = (
        update(REFRESH_TOKEN)
        .where(REFRESH_TOKEN.c.digest == stored, REFRESH_TOKEN.c.used_at.is_(None))
        .values(used_at=work.moment)
        .returning(REFRESH_TOKEN.c.session_id)
    )
    session_id = (await work.session.execute(spend)).scalar_one_or_none()
    if session_id is None:
        await _refuse_reuse(work, stored)
        return None
    live = (
        select(SESSION.c.user_id, SESSION.c.expires_at)
        .join(USER, USER.c.id == SESSION.c.user_id)
        .where(
            SESSION.c.id == session_id,
            SESSION.c.revoked_at.is_(None),
            SESSION.c.expires_at > work.moment,
            USER.c.status == UserStatus.ACTIVE,
        )
    )
    session = (await work.session.execute(live)).first()
    if session is None:
        raise Unauthenticated("the session has ended; sign in again", ("refreshToken",))
    await _forget_oldest(work, session_id)
    return await _issue(work, rules, session.user_id, session_id, session.expires_at)


async def logout(work: UnitOfWork, *, everywhere: bool = False) -> int:
    """End the caller's session, or with `everywhere` all of them (rainmaker.identity.logout-all); says how many ended.

    Raises Forbidden for a thing, which has a key and no session.
    """
    principal = work.access.principal
    if not isinstance(principal, UserPrincipal):
        raise Forbidden("only people have sessions")
    if everywhere:
        return await end_sessions(work, principal.user_id)
    return await end_sessions(work, principal.user_id, SESSION.c.id == principal.session_id)


async def end_sessions(work: UnitOfWork, user_id: UUID, *conditions: ColumnElement[bool]) -> int:
    """Revoke the sessions of a person that meet the conditions; their access tokens end with them."""
    statement = (
        update(SESSION)
        .where(SESSION.c.user_id == user_id, SESSION.c.revoked_at.is_(None), *conditions)
        .values(revoked_at=work.moment)
        .returning(SESSION.c.id)
    )
    return len((await work.session.execute(statement)).all())


async def _refuse_reuse(work: UnitOfWork, stored: bytes) -> None:
    statement = (
        select(SESSION.c.id, SESSION.c.user_id)
        .join(REFRESH_TOKEN, REFRESH_TOKEN.c.session_id == SESSION.c.id)
        .where(REFRESH_TOKEN.c.digest == stored)
    )
    session = (await work.session.execute(statement)).first()
    if session is None:
        raise Unauthenticated("the refresh token is not valid", ("refreshToken",))
    await end_sessions(work, session.user_id, SESSION.c.id == session.id)


async def _forget_oldest(work: UnitOfWork, session_id: UUID) -> None:
    """Keep a bounded number of spent tokens, however often a session is refreshed."""
    mine = REFRESH_TOKEN.c.session_id == session_id
    kept = (
        select(REFRESH_TOKEN.c.id)
        .where(mine)
        .order_by(REFRESH_TOKEN.c.created_at.desc(), REFRESH_TOKEN.c.id.desc())
        .limit(REFRESH_TOKENS_PER_SESSION)
    )
    await work.session.execute(delete(REFRESH_TOKEN).where(mine, REFRESH_TOKEN.c.id.not_in(kept)))


async def _issue(
    work: UnitOfWork, rules: SessionRules, user_id: UUID, session_id: UUID, session_expires_at: datetime
) -> SessionTokens:
    refresh_token = new_secret()
    await work.session.execute(
        insert(REFRESH_TOKEN).values(
            id=new_id(), session_id=session_id, digest=digest(refresh_token), created_at=work.moment
        )
    )
    # Whole seconds, rounded down, so that no token is said to last longer than it does.
    started = work.moment.replace(microsecond=0)
    expires_at = min(started + timedelta(seconds=rules.access_token_seconds), session_expires_at)
    seconds = (expires_at - started).total_seconds()
    claims = {"sub": user_id.hex, "sid": session_id.hex}
    access_token = rules.keys.sign(Audience.ACCESS, claims, seconds=seconds)
    return SessionTokens(access_token, refresh_token, expires_at, session_expires_at)


def _refusal() -> Unauthenticated:
    return Unauthenticated("the e-mail or the password is wrong")
