"""presence

How often a thing reports, who keeps its sockets, and an index on the things that are connected, by how long they have
been silent. A connected thing always has a moment at which it was last heard of.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sql.moments import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("thing", sa.Column("report_interval_seconds", sa.Integer(), nullable=True))
    op.execute("UPDATE thing SET last_seen_at = updated_at WHERE connected AND last_seen_at IS NULL")
    op.create_index(
        op.f("ix_thing_report_interval_seconds_last_seen_at_id"),
        "thing",
        ["report_interval_seconds", "last_seen_at", "id"],
        unique=False,
        postgresql_where=sa.text("connected"),
        sqlite_where=sa.text("connected = 1"),
    )
    op.create_table(
        "gateway_process",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_process")),
    )
    op.create_index(op.f("ix_gateway_process_lease_until"), "gateway_process", ["lease_until"], unique=False)
    op.create_table(
        "thing_socket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("process_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["process_id"],
            ["gateway_process.id"],
            name=op.f("fk_thing_socket_process_id_gateway_process"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["thing.id"], name=op.f("fk_thing_socket_thing_id_thing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thing_socket")),
    )
    op.create_index(
        op.f("ix_thing_socket_process_id_thing_id"), "thing_socket", ["process_id", "thing_id"], unique=False
    )
    op.create_index(op.f("ix_thing_socket_thing_id"), "thing_socket", ["thing_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("thing_socket")
    op.drop_table("gateway_process")
    op.drop_index(op.f("ix_thing_report_interval_seconds_last_seen_at_id"), table_name="thing")
    op.drop_column("thing", "report_interval_seconds")
