"""what an event concerns

A move between organizations is one event that people of both see, and an event about a person is seen by that person:
the organization that was left, and the person, are columns that access can be asked of.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("event", sa.Column("previous_organization_id", sa.Uuid(), nullable=True))
    op.add_column("event", sa.Column("user_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("event", "user_id")
    op.drop_column("event", "previous_organization_id")
