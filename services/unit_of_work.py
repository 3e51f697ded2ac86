"""The one boundary of a transaction: rows and event rows together, one commit.

Services add and flush through a unit of work; only the block that opened it commits, and only here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypedDict, TypeVar, Unpack
from uuid import UUID

from sqlalchemy import and_, exists, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from models.columns import now
from models.dialects import transaction_id
from models.enums import EventKind, Permission
from models.store import NOTIFY_CHANNEL, Store
from models.tables import EVENT, ORGANIZATION, table_of
from services.access import Access
from services.errors import Conflict, NotFound
from services.scope import visible
from services.validation import Path
from sql.sets import member_of

Row = TypeVar("Row", bound=SQLModel)
_RETRYABLE = {"40001", "40P01", "55P03"}
_AT_ONCE = "another change was made at the same time; try again"
_TAKEN = "another change has taken this name or id, or removed what this refers to"


class Concerned(TypedDict, total=False):
    """What else an event concerns, by columns of the log: see `models.event`."""

    thing_id: UUID | None
    group_id: UUID | None
    previous_organization_id: UUID | None
    user_id: UUID | None


_UNCONCERNED: Final = dict.fromkeys(sorted(Concerned.__optional_keys__))


@dataclass(slots=True)
class UnitOfWork:
    """One write: its session, the access it runs under, its one moment, and the events that it will leave.

    `has_told` says that a statement of its own has written events, too; `telling` writes events behind all others.
    """

    session: AsyncSession
    access: Access
    dialect: str
    moment: datetime = field(default_factory=now)
    events: list[dict[str, Any]] = field(default_factory=list)
    has_told: bool = False
    telling: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def fetch(self, row: type[Row], key: UUID, permission: Permission | None, path: Path = ()) -> Row:
        """Lock and load one row for a change.

        Raises NotFound when it does not exist for the caller, then Forbidden when `permission` is not held in its
        organization (None: being allowed to see it is enough).
        """
        found = await self.find(row, row.id == key)  # type: ignore[attr-defined]
        if found is None:
            raise NotFound(f"there is no {noun(row)} with this id", path)
        if permission is not None:
            table = table_of(row)
            owner = found.id if table is ORGANIZATION else found.organization_id  # type: ignore[attr-defined]
            self.access.require(permission, owner)
        return found

    async def find(self, row: type[Row], *conditions: Any) -> Row | None:
        """Lock and load the one visible row that meets the conditions, or None."""
        statement = select(row).where(*conditions).with_for_update(of=table_of(row))
        scope = visible(self.access, table_of(row))
        if scope is not None:
            statement = statement.where(scope)
        return (await self.session.execute(statement)).scalars().one_or_none()

    async def exists(self, *conditions: Any) -> bool:
        """Whether any row meets the conditions, seen by the caller or not (for names that must be unique)."""
        return (await self.session.execute(select(1).where(*conditions).limit(1))).first() is not None

    def record(
        self,
        kind: EventKind,
        *,
        organization_id: UUID,
        subject_id: UUID,
        detail: dict[str, Any] | None = None,
        **concerned: Unpack[Concerned],
    ) -> None:
        """Note that something happened; the row is written with the commit.

        The organization is the one in which it happened, or in which the subject is since then.
        """
        self.events.append(
            {
                "kind": kind,
                "organization_id": organization_id,
                "subject_id": subject_id,
                "detail": detail or {},
                "occurred_at": self.moment,
                **_UNCONCERNED,
                **concerned,
            }
        )

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail by itself: when it raises, its rows and its events are undone, and the rest stands.

        Raises Conflict when another write got there first.
        """
        kept, telling = len(self.events), len(self.telling)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException as error:
            del self.events[kept:]
            del self.telling[telling:]
            if isinstance(error, IntegrityError):
                raise Conflict(_TAKEN) from error
            raise

    async def finish(self) -> None:
        """Write what is pending, the events last; called once, by the block that opened this."""
        await self.session.flush()
        if self.events:
            await self._keep_order()
            statement = insert(EVENT).values(transaction=transaction_id(self.dialect))
            await self.session.execute(statement, self.events)
        for tell in self.telling:
            await tell()
        if self.leaves_events and self.dialect == "postgresql":
            await self.session.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))

    @property
    def leaves_events(self) -> bool:
        """Whether somebody is to look at the log after the commit."""
        return bool(self.events) or bool(self.telling) or self.has_told

    async def _keep_order(self) -> None:
        """Raise Conflict when another transaction, which began later, has told of one of the things of these events.

        Transactions are ordered by their ids, and may come to change a thing in another order. What would then be told
        before the change that it follows is begun anew.
        """
        things = sorted({event["thing_id"] for event in self.events if event["thing_id"] is not None})
        if not things or self.dialect != "postgresql":
            return
        later = and_(EVENT.c.transaction > transaction_id(self.dialect), member_of(EVENT.c.thing_id, things))
        if (await self.session.execute(select(exists().where(later)))).scalar_one():
            raise Conflict(_AT_ONCE)


@asynccontextmanager
async def unit_of_work(
    store: Store, access: Access, committed: Callable[[], None], clock: Callable[[], datetime] = now
) -> AsyncIterator[UnitOfWork]:
    """Open a transaction; commit when the block ends well, undo everything when it raises.

    `committed` is called after a commit that left events; `clock` says at which moment it all happens. Raises Conflict
    when another write got there first.
    """
    try:
        async with store.write() as session:
            work = UnitOfWork(session=session, access=access, dialect=store.dialect, moment=clock())
            yield work
            await work.finish()
    except IntegrityError as error:
        raise Conflict(_TAKEN) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RETRYABLE:
            raise Conflict(_AT_ONCE) from error
        raise
    if work.leaves_events:
        committed()


def noun(row: type[SQLModel]) -> str:
    """What people call a row of this class."""
    name = row.__name__.removesuffix("Row")
    return {"OtaJob": "OTA job", "OtaExecution": "OTA execution"}.get(name, name.lower())


def check_version(stored: int, expected: int | None, path: Path = ()) -> None:
    """Raise Conflict when the caller edited an older version than the stored one (optimistic concurrency).

    `path` leads to the object that has the field `expectedVersion`.
    """
    if expected is not None and expected != stored:
        raise Conflict(
            f"this has changed meanwhile: the stored version is {stored}, not {expected}", (*path, "expectedVersion")
        )
