"""The context of one operation: who asks, what they may see, and the ways to read and to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, RowMapping, Table

from engine.loaders import Loaders
from models.store import Store
from services.access import ANONYMOUS, Access, Principal, resolve_access
from services.errors import Unauthenticated
from services.passwords import Passwords
from services.scope import visible
from services.settings import Settings
from services.signed_addresses import SignedAddress, SignedAddresses
from services.storage import Storage
from services.tail import Tail
from services.tokens import TokenKeys
from services.unit_of_work import UnitOfWork, unit_of_work


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway process is made of; made once by the composition root."""

    settings: Settings
    store: Store
    keys: TokenKeys
    passwords: Passwords
    storage: Storage
    tail: Tail


class Context:
    """One operation (or one event of a subscription). Access is read once, when the first root field asks for it."""

    def __init__(self, parts: Parts, principal: Principal | None, request_id: str) -> None:
        """Nothing is read yet."""
        self.parts = parts
        self.principal = principal
        self.request_id = request_id
        self.loaders = Loaders(parts.store.dialect, self.scope, self.fetch)
        self._access: asyncio.Task[Access] | None = None
        self._downloads: dict[UUID, SignedAddress] = {}

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.parts.store.dialect

    @property
    def addresses(self) -> SignedAddresses:
        """Makes the addresses that files go over."""
        settings = self.parts.settings
        return SignedAddresses(self.parts.keys, settings.base_url, settings.signed_url_seconds)

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
        if self._access is None:
            self._access = asyncio.create_task(resolve_access(self.parts.store, self.principal))
        return await asyncio.shield(self._access)

    @property
    def access(self) -> Access:
        """The access that root fields have resolved before anything below them runs."""
        if self._access is None:
            raise RuntimeError("access was asked for before a root field resolved it")
        return self._access.result()

    async def renew_access(self) -> None:
        """Read the access again, after a mutation that changed what its own caller may see.

        The mutation stands, so that a session which has ended meanwhile is no error any more: it sees nothing.
        """
        self._access = asyncio.create_task(self._access_if_any())
        self.loaders.forget()
        await asyncio.shield(self._access)

    async def _access_if_any(self) -> Access:
        try:
            return await resolve_access(self.parts.store, self.principal)
        except Unauthenticated:
            return ANONYMOUS

    def scope(self, table: Table) -> ColumnElement[bool] | None:
        """The condition under which rows of `table` exist for the principal."""
        return visible(self.access, table)

    async def fetch(self, statement: Any) -> Sequence[RowMapping]:
        """Run one statement on a connection of the readers' pool."""
        async with self.parts.store.read() as connection:
            rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all()
        return rows

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """A transaction; what was loaded before it is forgotten, since it may have changed."""
        async with unit_of_work(self.parts.store, self.access, self.parts.tail.wake) as work:
            yield work
        self.loaders.forget()

    def renewed(self) -> Context:
        """A context like this one for the next event, with access and loaders of its own."""
        return Context(self.parts, self.principal, self.request_id)

    async def close(self) -> None:
        """Drop what was loaded, and an access that nobody waits for any more."""
        self.loaders.forget()
        if self._access is not None and not self._access.done():
            self._access.cancel()


Info = strawberry.Info[Context, None]
