"""updates over the air, to their full width

Rules and progress of campaigns, what is read from artifacts, attachments, signing, logs of updates; how things sign in
by a key pair; limits of accepted things and of storage.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.columns import JSON_COLUMN
from sql.moments import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signing_key",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("spec", sa.String(32), nullable=False),
        sa.Column("description", sa.String(4096), nullable=False),
        sa.Column("tags", JSON_COLUMN, nullable=False),
        sa.Column("public_key", sa.String(2048), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_signing_key_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_signing_key_organization_id_name")),
    )
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_key_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_signing_key_organization_id_id"), ["organization_id", "id"], unique=False)

    op.create_table(
        "tenant_token",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(254), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_tenant_token_created_by_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_tenant_token_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_tenant_token_digest")),
    )
    with op.batch_alter_table("tenant_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tenant_token_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tenant_token_organization_id_id"), ["organization_id", "id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("artifact_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("file_name", sa.String(100), nullable=False),
        sa.Column("description", sa.String(4096), nullable=False),
        sa.Column("metadata", JSON_COLUMN, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("md5", sa.String(32), nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_attachment_artifact_id_artifact"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_attachment_created_by_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_attachment_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_artifact_id_id"), ["artifact_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachment_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachment_organization_id_id"), ["organization_id", "id"], unique=False)

    op.create_table(
        "auth_set",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("identity", JSON_COLUMN, nullable=False),
        sa.Column("identity_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("public_key", sa.String(4096), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_auth_set_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["thing.id"], name=op.f("fk_auth_set_thing_id_thing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_set")),
        sa.UniqueConstraint(
            "organization_id",
            "identity_digest",
            "key_digest",
            name=op.f("uq_auth_set_organization_id_identity_digest_key_digest"),
        ),
    )
    with op.batch_alter_table("auth_set", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_auth_set_organization_id_id"), ["organization_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_auth_set_thing_id_id"), ["thing_id", "id"], unique=False)

    op.create_table(
        "ota_job_key",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ota_job.id"], name=op.f("fk_ota_job_key_job_id_ota_job"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["signing_key.id"], name=op.f("fk_ota_job_key_key_id_signing_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "key_id", name=op.f("pk_ota_job_key")),
    )
    op.create_table(
        "signing_request",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("artifact_id", sa.Uuid(), nullable=True),
        sa.Column("signed_artifact_id", sa.Uuid(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("sign_bootloader", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("description", sa.String(1024), nullable=False),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_signing_request_artifact_id_artifact"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_signing_request_created_by_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ota_job.id"], name=op.f("fk_signing_request_job_id_ota_job"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_signing_request_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["signed_artifact_id"],
            ["artifact.id"],
            name=op.f("fk_signing_request_signed_artifact_id_artifact"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_request")),
    )
    with op.batch_alter_table("signing_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_request_artifact_id"), ["artifact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signing_request_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signing_request_job_id"), ["job_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_signing_request_organization_id_id"), ["organization_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_signing_request_signed_artifact_id"), ["signed_artifact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signing_request_status_id"), ["status", "id"], unique=False)

    op.create_table(
        "thing_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("auth_set_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["auth_set_id"], ["auth_set.id"], name=op.f("fk_thing_token_auth_set_id_auth_set"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_thing_token_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["thing.id"], name=op.f("fk_thing_token_thing_id_thing"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thing_token")),
    )
    with op.batch_alter_table("thing_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_thing_token_auth_set_id"), ["auth_set_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_thing_token_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_thing_token_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_thing_token_thing_id_id"), ["thing_id", "id"], unique=False)

    op.create_table(
        "signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("artifact_id", sa.Uuid(), nullable=True),
        sa.Column("signed_artifact_id", sa.Uuid(), nullable=True),
        sa.Column("attachment_id", sa.Uuid(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("file", sa.String(32), nullable=False),
        sa.Column("key_name", sa.String(256), nullable=False),
        sa.Column("key_digest", sa.String(64), nullable=False),
        sa.Column("artifact_name", sa.String(254), nullable=False),
        sa.Column("file_name", sa.String(254), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_signature_artifact_id_artifact"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.id"],
            name=op.f("fk_signature_attachment_id_attachment"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_signature_created_by_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["signing_key.id"], name=op.f("fk_signature_key_id_signing_key"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_signature_organization_id_organization"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signing_request.id"],
            name=op.f("fk_signature_request_id_signing_request"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["signed_artifact_id"],
            ["artifact.id"],
            name=op.f("fk_signature_signed_artifact_id_artifact"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
    )
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signature_artifact_id_id"), ["artifact_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_attachment_id"), ["attachment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_key_id_id"), ["key_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_organization_id_id"), ["organization_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_signed_artifact_id"), ["signed_artifact_id"], unique=False)

    op.create_table(
        "signing_request_key",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["signing_key.id"], name=op.f("fk_signing_request_key_key_id_signing_key"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signing_request.id"],
            name=op.f("fk_signing_request_key_request_id_signing_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "key_id", name=op.f("pk_signing_request_key")),
    )
    op.create_table(
        "update_log_line",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["ota_execution.id"],
            name=op.f("fk_update_log_line_execution_id_ota_execution"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("execution_id", "number", name=op.f("pk_update_log_line")),
    )
    with op.batch_alter_table("artifact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("created_by_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("private_to_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("signed_from_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("model", sa.String(254), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("md5", sa.String(32), nullable=True))
        batch_op.add_column(sa.Column("signed", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("info", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("updates", JSON_COLUMN, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("problem", sa.String(1024), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("generation", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("claimed_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("archived_at", UtcDateTime(), nullable=True))
        batch_op.alter_column("release_id", existing_type=sa.CHAR(length=32), nullable=True)
        batch_op.alter_column("size", existing_type=sa.BIGINT(), nullable=True)
        batch_op.alter_column("sha256", existing_type=sa.VARCHAR(length=64), nullable=True)
        batch_op.create_index(batch_op.f("ix_artifact_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_artifact_private_to_id"), ["private_to_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_artifact_signed_from_id"), ["signed_from_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_artifact_signed_from_id_artifact"),
            "artifact",
            ["signed_from_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_artifact_created_by_id_user_account"),
            "user_account",
            ["created_by_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_artifact_private_to_id_user_account"),
            "user_account",
            ["private_to_id"],
            ["id"],
            ondelete="NO ACTION",
        )

    with op.batch_alter_table("artifact", schema=None) as batch_op:
        batch_op.alter_column("model", existing_type=sa.String(254), existing_nullable=False, server_default=None)
        batch_op.alter_column("signed", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("info", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column("updates", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column("problem", existing_type=sa.String(1024), existing_nullable=False, server_default=None)
        batch_op.alter_column("generation", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("paused_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("stopped_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("stop_reason", sa.String(254), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("archived_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("asked_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("approval", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("force", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("notify", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("share_file", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("dynamic", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("max_things", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("timeout_seconds", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("window_start", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("window_end", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_failures", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_percent", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_minimum", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("metadata", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("initial_thing_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("retry_of_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_deployment_retry_of_id"), ["retry_of_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_deployment_retry_of_id_deployment"),
            "deployment",
            ["retry_of_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.alter_column("stop_reason", existing_type=sa.String(254), existing_nullable=False, server_default=None)
        batch_op.alter_column("asked_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        batch_op.alter_column("approval", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("force", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("notify", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("share_file", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("dynamic", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("metadata", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column(
            "initial_thing_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None
        )

    with op.batch_alter_table("organization", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accepted_thing_limit", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("accepted_thing_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("storage_limit", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("storage_used", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("time_zone", sa.String(64), nullable=False, server_default="UTC"))

    with op.batch_alter_table("organization", schema=None) as batch_op:
        batch_op.alter_column(
            "accepted_thing_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None
        )
        batch_op.alter_column(
            "storage_used", existing_type=sa.BigInteger(), existing_nullable=False, server_default=None
        )
        batch_op.alter_column("time_zone", existing_type=sa.String(64), existing_nullable=False, server_default=None)

    with op.batch_alter_table("ota_execution", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device_type", sa.String(254), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("offered_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("approved_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("approved_by_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("log_line_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("log_uploaded_at", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_ota_execution_approved_by_id"), ["approved_by_id"], unique=False)
        batch_op.create_index(
            "ix_ota_execution_open",
            ["thing_id", "job_id"],
            unique=False,
            postgresql_where=sa.text("finished_at IS NULL"),
            sqlite_where=sa.text("finished_at IS NULL"),
        )
        for of in ("job", "deployment"):
            batch_op.create_index(
                f"ix_ota_execution_failed_{of}",
                [f"{of}_id", "status", "id"],
                unique=False,
                postgresql_where=sa.text("status = 'FAILURE'"),
                sqlite_where=sa.text("status = 'FAILURE'"),
            )
        batch_op.create_foreign_key(
            batch_op.f("fk_ota_execution_approved_by_id_user_account"),
            "user_account",
            ["approved_by_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("ota_execution", schema=None) as batch_op:
        batch_op.alter_column("device_type", existing_type=sa.String(254), existing_nullable=False, server_default=None)
        batch_op.alter_column(
            "log_line_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None
        )

    with op.batch_alter_table("ota_job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("paused_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("stopped_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("stop_reason", sa.String(254), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("archived_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("asked_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("approval", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("force", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("notify", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("share_file", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("dynamic", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("max_things", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("timeout_seconds", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("window_start", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("window_end", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_failures", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_percent", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stop_minimum", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("metadata", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("created_by_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("description", sa.String(4096), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("phase_percent", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("phase_count", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("after_success_percent", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("planned_count", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("target", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("signing", sa.String(32), nullable=False, server_default="NONE"))
        batch_op.add_column(sa.Column("begun_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("cancelled_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("retry_of_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_ota_job_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ota_job_retry_of_id"), ["retry_of_id"], unique=False)
        for name, column, condition in (
            ("ix_ota_job_waiting", "starts_at", sa.text("begun_at IS NULL")),
            ("ix_ota_job_expiring", "expires_at", sa.text("finished_at IS NULL")),
        ):
            batch_op.create_index(name, [column], unique=False, postgresql_where=condition, sqlite_where=condition)
        batch_op.create_foreign_key(
            batch_op.f("fk_ota_job_created_by_id_user_account"),
            "user_account",
            ["created_by_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_ota_job_retry_of_id_ota_job"), "ota_job", ["retry_of_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("ota_job", schema=None) as batch_op:
        batch_op.alter_column("stop_reason", existing_type=sa.String(254), existing_nullable=False, server_default=None)
        batch_op.alter_column("asked_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        batch_op.alter_column("approval", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("force", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("notify", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("share_file", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("dynamic", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("metadata", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column(
            "description", existing_type=sa.String(4096), existing_nullable=False, server_default=None
        )
        batch_op.alter_column("planned_count", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        batch_op.alter_column("target", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column("signing", existing_type=sa.String(32), existing_nullable=False, server_default=None)

    with op.batch_alter_table("thing", schema=None) as batch_op:
        batch_op.add_column(sa.Column("time_zone", sa.String(64), nullable=True))
        batch_op.add_column(sa.Column("identity", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("identity_digest", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("auth_status", sa.String(32), nullable=False, server_default="NOAUTH"))
        batch_op.add_column(sa.Column("software", JSON_COLUMN, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("boot_key_digests", JSON_COLUMN, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("decommissioned_at", UtcDateTime(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_thing_organization_id_auth_status_id"),
            ["organization_id", "auth_status", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_thing_organization_id_identity_digest"), ["organization_id", "identity_digest"], unique=True
        )

    with op.batch_alter_table("thing", schema=None) as batch_op:
        batch_op.alter_column("identity", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column("auth_status", existing_type=sa.String(32), existing_nullable=False, server_default=None)
        batch_op.alter_column("software", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None)
        batch_op.alter_column(
            "boot_key_digests", existing_type=JSON_COLUMN, existing_nullable=False, server_default=None
        )

    # What is counted from now on starts with what is there.
    op.execute(
        "UPDATE organization SET storage_used = (SELECT COALESCE(SUM(artifact.size), 0) FROM artifact "
        "WHERE artifact.organization_id = organization.id AND artifact.uploaded_at IS NOT NULL)"
    )
    op.execute("UPDATE ota_job SET begun_at = starts_at WHERE status <> 'SCHEDULED'")
    op.execute("UPDATE ota_job SET cancelled_at = finished_at WHERE status = 'CANCELLED'")
    op.execute(
        "UPDATE ota_job SET planned_count = "
        "(SELECT COUNT(*) FROM ota_execution WHERE ota_execution.job_id = ota_job.id)"
    )
    op.execute(
        "UPDATE deployment SET initial_thing_count = "
        "(SELECT COUNT(*) FROM ota_execution WHERE ota_execution.deployment_id = deployment.id)"
    )


def downgrade() -> None:
    """Take back."""

    with op.batch_alter_table("thing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_thing_organization_id_identity_digest"))
        batch_op.drop_index(batch_op.f("ix_thing_organization_id_auth_status_id"))
        batch_op.drop_column("decommissioned_at")
        batch_op.drop_column("boot_key_digests")
        batch_op.drop_column("software")
        batch_op.drop_column("auth_status")
        batch_op.drop_column("identity_digest")
        batch_op.drop_column("identity")
        batch_op.drop_column("time_zone")

    with op.batch_alter_table("ota_job", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_ota_job_retry_of_id_ota_job"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_ota_job_created_by_id_user_account"), type_="foreignkey")
        for name in ("ix_ota_job_waiting", "ix_ota_job_expiring"):
            batch_op.drop_index(name)
        batch_op.drop_index(batch_op.f("ix_ota_job_retry_of_id"))
        batch_op.drop_index(batch_op.f("ix_ota_job_created_by_id"))
        batch_op.drop_column("retry_of_id")
        batch_op.drop_column("cancelled_at")
        batch_op.drop_column("begun_at")
        batch_op.drop_column("signing")
        batch_op.drop_column("target")
        batch_op.drop_column("planned_count")
        batch_op.drop_column("after_success_percent")
        batch_op.drop_column("phase_count")
        batch_op.drop_column("phase_percent")
        batch_op.drop_column("description")
        batch_op.drop_column("created_by_id")
        batch_op.drop_column("metadata")
        batch_op.drop_column("stop_minimum")
        batch_op.drop_column("stop_percent")
        batch_op.drop_column("stop_failures")
        batch_op.drop_column("window_end")
        batch_op.drop_column("window_start")
        batch_op.drop_column("timeout_seconds")
        batch_op.drop_column("max_things")
        batch_op.drop_column("dynamic")
        batch_op.drop_column("share_file")
        batch_op.drop_column("notify")
        batch_op.drop_column("force")
        batch_op.drop_column("approval")
        batch_op.drop_column("asked_count")
        batch_op.drop_column("archived_at")
        batch_op.drop_column("stop_reason")
        batch_op.drop_column("stopped_at")
        batch_op.drop_column("paused_at")
        batch_op.drop_column("expires_at")

    with op.batch_alter_table("ota_execution", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_ota_execution_approved_by_id_user_account"), type_="foreignkey")
        for of in ("job", "deployment"):
            batch_op.drop_index(
                f"ix_ota_execution_failed_{of}",
                postgresql_where=sa.text("status = 'FAILURE'"),
                sqlite_where=sa.text("status = 'FAILURE'"),
            )
        batch_op.drop_index(
            "ix_ota_execution_open",
            postgresql_where=sa.text("finished_at IS NULL"),
            sqlite_where=sa.text("finished_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_ota_execution_approved_by_id"))
        batch_op.drop_column("log_uploaded_at")
        batch_op.drop_column("log_line_count")
        batch_op.drop_column("approved_by_id")
        batch_op.drop_column("approved_at")
        batch_op.drop_column("offered_at")
        batch_op.drop_column("device_type")

    with op.batch_alter_table("organization", schema=None) as batch_op:
        batch_op.drop_column("time_zone")
        batch_op.drop_column("storage_used")
        batch_op.drop_column("storage_limit")
        batch_op.drop_column("accepted_thing_count")
        batch_op.drop_column("accepted_thing_limit")

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_deployment_retry_of_id_deployment"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_deployment_retry_of_id"))
        batch_op.drop_column("retry_of_id")
        batch_op.drop_column("initial_thing_count")
        batch_op.drop_column("metadata")
        batch_op.drop_column("stop_minimum")
        batch_op.drop_column("stop_percent")
        batch_op.drop_column("stop_failures")
        batch_op.drop_column("window_end")
        batch_op.drop_column("window_start")
        batch_op.drop_column("timeout_seconds")
        batch_op.drop_column("max_things")
        batch_op.drop_column("dynamic")
        batch_op.drop_column("share_file")
        batch_op.drop_column("notify")
        batch_op.drop_column("force")
        batch_op.drop_column("approval")
        batch_op.drop_column("asked_count")
        batch_op.drop_column("archived_at")
        batch_op.drop_column("stop_reason")
        batch_op.drop_column("stopped_at")
        batch_op.drop_column("paused_at")
        batch_op.drop_column("expires_at")

    with op.batch_alter_table("artifact", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_artifact_private_to_id_user_account"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_artifact_created_by_id_user_account"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_artifact_signed_from_id_artifact"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_artifact_signed_from_id"))
        batch_op.drop_index(batch_op.f("ix_artifact_private_to_id"))
        batch_op.drop_index(batch_op.f("ix_artifact_created_by_id"))
        batch_op.alter_column("sha256", existing_type=sa.VARCHAR(length=64), nullable=False)
        batch_op.alter_column("size", existing_type=sa.BIGINT(), nullable=False)
        batch_op.alter_column("release_id", existing_type=sa.CHAR(length=32), nullable=False)
        batch_op.drop_column("archived_at")
        batch_op.drop_column("claimed_until")
        batch_op.drop_column("generation")
        batch_op.drop_column("problem")
        batch_op.drop_column("updates")
        batch_op.drop_column("info")
        batch_op.drop_column("signed")
        batch_op.drop_column("md5")
        batch_op.drop_column("model")
        batch_op.drop_column("signed_from_id")
        batch_op.drop_column("private_to_id")
        batch_op.drop_column("created_by_id")

    op.drop_table("update_log_line")
    op.drop_table("signing_request_key")
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signature_signed_artifact_id"))
        batch_op.drop_index(batch_op.f("ix_signature_request_id"))
        batch_op.drop_index(batch_op.f("ix_signature_organization_id_id"))
        batch_op.drop_index(batch_op.f("ix_signature_key_id_id"))
        batch_op.drop_index(batch_op.f("ix_signature_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_signature_attachment_id"))
        batch_op.drop_index(batch_op.f("ix_signature_artifact_id_id"))

    op.drop_table("signature")
    with op.batch_alter_table("thing_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_thing_token_thing_id_id"))
        batch_op.drop_index(batch_op.f("ix_thing_token_organization_id"))
        batch_op.drop_index(batch_op.f("ix_thing_token_expires_at"))
        batch_op.drop_index(batch_op.f("ix_thing_token_auth_set_id"))

    op.drop_table("thing_token")
    with op.batch_alter_table("signing_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_request_status_id"))
        batch_op.drop_index(batch_op.f("ix_signing_request_signed_artifact_id"))
        batch_op.drop_index(batch_op.f("ix_signing_request_organization_id_id"))
        batch_op.drop_index(batch_op.f("ix_signing_request_job_id"))
        batch_op.drop_index(batch_op.f("ix_signing_request_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_signing_request_artifact_id"))

    op.drop_table("signing_request")
    op.drop_table("ota_job_key")
    with op.batch_alter_table("auth_set", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_auth_set_thing_id_id"))
        batch_op.drop_index(batch_op.f("ix_auth_set_organization_id_id"))

    op.drop_table("auth_set")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_organization_id_id"))
        batch_op.drop_index(batch_op.f("ix_attachment_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_attachment_artifact_id_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("tenant_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tenant_token_organization_id_id"))
        batch_op.drop_index(batch_op.f("ix_tenant_token_created_by_id"))

    op.drop_table("tenant_token")
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_key_organization_id_id"))
        batch_op.drop_index(batch_op.f("ix_signing_key_digest"))

    op.drop_table("signing_key")
