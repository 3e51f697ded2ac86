"""Who keeps which sockets: gateway processes with their leases, and the sockets that things opened."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import SQLModel

from models.columns import identifier, moment, reference


class GatewayProcessRow(SQLModel, table=True):
    """A process that keeps sockets of things; it counts until `lease_until`, by the clock of the database.

    `seen_at` is its last heartbeat. Whose lease is over never comes back: it takes another id.
    """

    __tablename__ = "gateway_process"

    id: UUID = identifier()
    started_at: datetime = moment()
    seen_at: datetime = moment()
    lease_until: datetime = moment(index=True)


class ThingSocketRow(SQLModel, table=True):
    """A socket that a thing has opened, at the process that keeps it."""

    __tablename__ = "thing_socket"
    __table_args__ = (Index(None, "process_id", "thing_id"),)

    id: UUID = identifier()
    thing_id: UUID = reference("thing.id", index=True)
    process_id: UUID = reference("gateway_process.id")
