"""The one number that changes with everything that changes what anybody may see."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel


class AccessEpochRow(SQLModel, table=True):
    """One row, whose value is never the same again once memberships, the tree, users or sessions have changed.

    Triggers of the database move it (migration 0002), in the transaction of the change, so that whoever sees the one
    sees the other. Nothing else writes it.
    """

    __tablename__ = "access_epoch"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    value: int = Field(sa_type=BigInteger)
