"""the access epoch

One number that moves, by triggers, in every transaction that changes what anybody may see or how long a session lasts.

The number is the time of the change in microseconds, or one more than before if that is later: within one history it
only grows, and a history that goes on from a backup does not repeat the numbers of the one that was lost.

On PostgreSQL the triggers are deferred: they run when the transaction commits, once for all of its changes, so that the
row is the last that any transaction locks. Transactions that change access queue for it only while they commit, and
cannot wait for each other in a circle because of it.

SQLite drops the triggers of a table with the table: a later migration that makes one of the four anew, as
`batch_alter_table` does for most changes, has to make its triggers anew, too. tests/models/test_access_epoch.py looks.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = {
    "membership": ("organization_id", "user_id", "role"),
    "organization_ancestor": ("organization_id", "ancestor_id"),
    "user_account": ("is_platform_admin", "status"),
    "session": ("user_id", "revoked_at", "expires_at"),
}
# Nobody has a session before its row is there, and nobody a session before there is an account.
INSERTS = ("membership", "organization_ancestor")
# A session that was ended, or whose end is so long past that no clock says otherwise, takes nothing away when it goes.
DELETES = {
    "membership": None,
    "organization_ancestor": None,
    "user_account": None,
    "session": "OLD.revoked_at IS NULL AND OLD.expires_at > {yesterday}",
}
YESTERDAY = {
    "postgresql": "CURRENT_TIMESTAMP - INTERVAL '1 day'",
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f', 'now', '-1 day')",
}
MOVE = {
    "postgresql": """
        UPDATE access_epoch
        SET value = greatest(value + 1, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))
        """,
    "sqlite": """
        UPDATE access_epoch
        SET value = max(value + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS integer))
        """,
}
# Written once in a transaction: the name of the one that has done so is kept in a setting that ends with it.
FUNCTION = f"""
    CREATE FUNCTION move_access_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('fleetgraph.moved_access_epoch', true)
            IS DISTINCT FROM CAST(pg_current_xact_id() AS text)
        THEN
            {MOVE["postgresql"]};
            PERFORM set_config('fleetgraph.moved_access_epoch', CAST(pg_current_xact_id() AS text), true);
        END IF;
        RETURN NULL;
    END $$
    """


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "access_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_access_epoch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_epoch")),
    )
    op.execute("INSERT INTO access_epoch (id, value) VALUES (1, 0)")
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(FUNCTION)
    for name, table, event, condition in triggers(dialect):
        when = f"WHEN ({condition})" if condition else ""
        if dialect == "postgresql":
            op.execute(
                f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED "
                f"FOR EACH ROW {when} EXECUTE FUNCTION move_access_epoch()"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {when} BEGIN {MOVE['sqlite']}; END"
            )


def triggers(dialect: str) -> list[tuple[str, str, str, str | None]]:
    """Name, table, event and condition of each trigger."""
    differs = "OLD.{0} IS DISTINCT FROM NEW.{0}" if dialect == "postgresql" else "OLD.{0} IS NOT NEW.{0}"
    made: list[tuple[str, str, str, str | None]] = [
        (f"access_moves_with_new_{table}", table, "INSERT", None) for table in INSERTS
    ]
    for table, columns in COLUMNS.items():
        changed = " OR ".join(differs.format(column) for column in columns)
        made.append((f"access_moves_with_changed_{table}", table, f"UPDATE OF {', '.join(columns)}", changed))
    for table, condition in DELETES.items():
        ended = condition and condition.format(yesterday=YESTERDAY[dialect])
        made.append((f"access_moves_with_deleted_{table}", table, "DELETE", ended))
    return made


def downgrade() -> None:
    """Undo."""
    dialect = op.get_bind().dialect.name
    for name, table, _, _ in triggers(dialect):
        op.execute(f"DROP TRIGGER {name} ON {table}" if dialect == "postgresql" else f"DROP TRIGGER {name}")
    if dialect == "postgresql":
        op.execute("DROP FUNCTION move_access_epoch()")
    op.drop_table("access_epoch")
