"""The context of one operation: who asks, what they may see, and the ways to read and to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, RowMapping, Table

from engine.errors import ClientError
from engine.loaders import Loaders
from engine.plans.values import raw_key
from models.store import Store
from resolvers.guard import PROVING, check
from resolvers.mutation import Need
from services.access import (
    ANONYMOUS,
    WITNESS,
    Access,
    AccessCache,
    Principal,
    ThingPrincipal,
    read_epoch,
    resolve_access,
)
from services.errors import FleetError, Unauthenticated
from services.events import Position, latest_position
from services.hearing import Hearing
from services.key_vault import KeyVault
from services.offers import Installed, Offer, Offers
from services.passwords import Passwords
from services.presence import Presence
from services.reports import Reports
from services.scope import visible
from services.settings import Settings
from services.sign_ins import SignIns
from services.signed_addresses import SignedAddress, SignedAddresses
from services.spool import Spool
from services.storage import Storage
from services.submissions import Outcome, Report
from services.tail import Tail
from services.tokens import TokenKeys
from services.unit_of_work import UnitOfWork, unit_of_work
from services.uploads import Files


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway process is made of; made once by the composition root.

    `needs` says what each root field needs (`resolvers.guard.root_needs`), `accesses` what callers could do lately.
    """

    settings: Settings
    store: Store
    keys: TokenKeys
    vault: KeyVault
    passwords: Passwords
    storage: Storage
    spool: Spool
    files: Files
    tail: Tail
    presence: Presence
    reports: Reports
    offers: Offers
    sign_ins: SignIns
    hearing: Hearing
    needs: Mapping[str, Need] = field(default_factory=dict)
    accesses: AccessCache = field(default_factory=AccessCache)

    @property
    def addresses(self) -> SignedAddresses:
        """Makes the addresses that files go over."""
        settings = self.settings
        return SignedAddresses(
            self.keys, settings.base_url, settings.signed_url_seconds, settings.upload_url_seconds, self.storage
        )


class Context:
    """One operation (or one event of a subscription), and its ways to the data.

    Access is resolved once, when the first root field asks for it. The plan executor may go by what was resolved for an
    earlier operation instead (`admit`); it then proves by its own statements that this still holds.
    """

    def __init__(self, parts: Parts, principal: Principal | None, request_id: str) -> None:
        """Nothing is read yet."""
        self.parts = parts
        self.principal = principal
        self.request_id = request_id
        self._loaders: Loaders | None = None
        self._access: Access | None = None
        self._resolving: asyncio.Task[Access] | None = None
        self._remembered = False
        self._downloads: dict[UUID, SignedAddress] = {}
        self._asks_for_position = False
        self._position: asyncio.Task[Position] | None = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.parts.store.dialect

    @property
    def loaders(self) -> Loaders:
        """The loaders of the reference executor."""
        if self._loaders is None:
            self._loaders = Loaders(self.dialect, self.scope, self.fetch)
        return self._loaders

    @property
    def addresses(self) -> SignedAddresses:
        """Makes the addresses that files go over."""
        return self.parts.addresses

    def download_of(self, artifact_id: UUID) -> SignedAddress:
        """Where the file of an artifact can be fetched, the same throughout the operation."""
        made = self._downloads.get(artifact_id)
        if made is None:
            made = self._downloads[artifact_id] = self.addresses.download(artifact_id)
        return made

    async def resolve_access(self) -> Access:
        """What the principal may do; read once, even when several root fields ask at the same time.

        Raises Unauthenticated when the session or the thing is gone.
        """
        if self._remembered:
            self._access, self._remembered = None, False
        if self._access is None:
            if self._resolving is None:
                self._resolving = asyncio.create_task(resolve_access(self.parts.store, self.principal))
            self._access = await asyncio.shield(self._resolving)
            self.parts.accesses.put(self._access)
        return self._access

    def assume(self, access: Access) -> None:
        """Go by an access that is known to be current; who calls this sees to it that it was, in the end."""
        self._access, self._remembered = access, False

    async def presumed_access(self) -> Access:
        """What the principal may do if nothing has changed lately: for whoever proves it, and then says so."""
        if self._access is None:
            presumed = self._presume()
            if presumed is None:
                return await self.resolve_access()
            self._access, self._remembered = presumed, True
        return self._access

    def _presume(self) -> Access | None:
        """What a person could do lately, or what a thing may do if its key is still good; a token is looked up."""
        if isinstance(self.principal, ThingPrincipal):
            return Access(self.principal) if self.principal.token_id is None else None
        return self.parts.accesses.get(self.principal)

    async def report(self, reports: Sequence[Report | FleetError]) -> list[Outcome]:
        """Write reports of the caller, with an access that the transaction proves; see `Reports.take`.

        Raises ClientError for a caller who is not signed in any more, as if the access had been resolved for this.
        """
        try:
            outcomes, access = await self.parts.reports.take(await self.presumed_access(), reports)
        except Unauthenticated as error:
            self.parts.accesses.forget(self.principal)
            raise ClientError(error.message, error.code.value) from error
        self._access, self._remembered = access, False
        self.parts.accesses.put(access)
        self._forget()
        return outcomes

    async def next_update(self, installed: Installed | None) -> Offer | None:
        """What the thing that asks is to take now; see `Offers.next`, whose one statement proves a presumed access.

        Raises ClientError for a thing whose key or token is no longer good.
        """
        access = await (self.presumed_access() if isinstance(self.principal, ThingPrincipal) else self.resolve_access())
        try:
            offer = await self.parts.offers.next(access, installed)
        except Unauthenticated as error:
            raise ClientError(error.message, error.code.value) from error
        except FleetError:
            await self.resolve_access()
            raise
        self._access, self._remembered = access, False
        self._forget()
        return offer

    def ask_for_position(self) -> None:
        """Have the place in the event log read before anything else of the operation."""
        self._asks_for_position = True

    async def position_if_asked(self) -> Position | None:
        """The place in the event log, if the operation has asked for it; read once, by whoever comes first."""
        if not self._asks_for_position:
            return None
        if self._position is None:
            self._position = asyncio.create_task(latest_position(self.parts.store))
        return await asyncio.shield(self._position)

    @property
    def access(self) -> Access:
        """The access that root fields have resolved before anything below them runs."""
        if self._access is None:
            raise RuntimeError("access was asked for before a root field resolved it")
        return self._access

    async def renew_access(self) -> None:
        """Read the access again, after a mutation that changed what its own caller may see.

        The mutation stands, so that a session which has ended meanwhile is no error any more: it sees nothing.
        """
        self._forget()
        self._access = await self._access_if_any()

    async def _access_if_any(self) -> Access:
        try:
            return await resolve_access(self.parts.store, self.principal)
        except Unauthenticated:
            return ANONYMOUS

    async def admit(self, fields: Sequence[str], *, anew: bool) -> None:
        """Find out what the caller may do, and whether that includes these root fields ("Query.things").

        With `anew`, what is remembered of earlier operations does not count. Raises what the guard raises.
        """
        if fields and PROVING.issuperset(fields):
            access = self._presume()
        else:
            access = None if anew else self.parts.accesses.get(self.principal)
        if access is not None:
            self._access, self._remembered = access, True
        else:
            access = await self.resolve_access()
        for name in fields:
            check(access, self.parts.needs[name])

    @property
    def witness(self) -> ColumnElement[int] | None:
        """What a root statement selects besides, to prove the access; None when it was resolved for this operation."""
        return WITNESS if self._remembered else None

    def is_proven_by(self, value: Any) -> bool:
        """Whether this value of the witness says that the access is as it was when it was resolved."""
        if value == self.access.stamp:
            return True
        self.parts.accesses.forget(self.principal)
        return False

    async def prove(self) -> bool:
        """Whether the access is as it was when it was resolved, by a statement of its own."""
        return self.is_proven_by(await read_epoch(self.parts.store))

    @property
    def scope_shape(self) -> str:
        """Principals of one shape have the same scope as SQL text for every table."""
        return self.access.shape

    @property
    def scope_names(self) -> Collection[str]:
        """The names of the parameters in the scope of any table."""
        return self.access.scope_values.keys()

    def scope_parameter(self, name: str, process: Callable[[Any], Any] | None) -> Any:
        """The value of such a parameter as the driver takes it; `process` turns Python's value into that."""
        kept = self.access.driver_values
        found = kept.get((name, process))
        if found is None:
            value = self.access.scope_values[name]
            found = kept[name, process] = raw_key(value if process is None else process(value))
        return found

    def scope(self, table: Table) -> ColumnElement[bool] | None:
        """The condition under which rows of `table` exist for the principal."""
        return visible(self.access, table)

    async def fetch(self, statement: Any) -> Sequence[RowMapping]:
        """Run one statement on a connection of the readers' pool."""
        async with self.parts.store.read() as connection:
            rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all()
        return rows

    async def read(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Sequence[Sequence[Any]]]:
        """Run statements by the driver: texts and parameters; the rows of each as raw values."""
        return await self.parts.store.readers.read(requests)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """A transaction; what was loaded before it is forgotten, since it may have changed."""
        async with unit_of_work(self.parts.store, self.access, self.parts.tail.wake) as work:
            yield work
        self._forget()

    def renewed(self) -> Context:
        """A context like this one for the next event, with access and loaders of its own."""
        return Context(self.parts, self.principal, self.request_id)

    async def close(self) -> None:
        """Drop what was loaded, and an access that nobody waits for any more."""
        self._forget()
        for task in (self._resolving, self._position):
            if task is not None and not task.done():
                task.cancel()

    def _forget(self) -> None:
        if self._loaders is not None:
            self._loaders.forget()


Info = strawberry.Info[Context, None]
