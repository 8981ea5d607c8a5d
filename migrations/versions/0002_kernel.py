"""The outbox and its ledger, idempotency keys, settings and logs."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW, OBJECT, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0002_kernel"
down_revision = "0001_text_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox()
    create_event_ledger()
    create_delivery_failures()
    create_dead_letters()
    create_idempotency_keys()
    create_system_settings()
    create_system_logs()
    create_audit_logs()


def downgrade() -> None:
    for table in (
        "audit_logs",
        "system_logs",
        "system_settings",
        "idempotency_keys",
        "dead_letters",
        "delivery_failures",
        "event_ledger",
        "outbox",
    ):
        op.drop_table(table)


def create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False, server_default=NEW_ID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("payload", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("request_id", sa.Text),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("occurred_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("lease_until", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index(
        "ix_outbox_finished_at", "outbox", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )
    op.create_index("ix_outbox_unfinished", "outbox", ["id"], postgresql_where=sa.text("finished_at IS NULL"))


def create_event_ledger() -> None:
    op.create_table(
        "event_ledger",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("event_id", "subscriber"),
    )
    op.create_index("ix_event_ledger_finished_at", "event_ledger", ["finished_at"])


def create_delivery_failures() -> None:
    op.create_table(
        "delivery_failures",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("retry_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "subscriber"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
    )
    op.create_index("ix_delivery_failures_retry_at", "delivery_failures", ["retry_at"])


def create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("payload", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("died_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("replayed_at", MOMENT),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.UniqueConstraint("event_id", "subscriber"),
    )
    op.create_index("ix_dead_letters_died_at_id", "dead_letters", ["died_at", "id"])


def create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("body", sa.LargeBinary),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("scope", "key"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def create_system_settings() -> None:
    op.create_table(
        "system_settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", pg.JSONB, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_by", sa.Uuid),
    )


def create_system_logs() -> None:
    op.create_table(
        "system_logs",
        sa.Column("id", sa.Uuid, nullable=False, server_default=NEW_ID),
        sa.Column("request_id", sa.Text),
        sa.Column("user_id", sa.Uuid),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("resource_type", sa.Text),
        sa.Column("resource_id", sa.Uuid),
        sa.Column("ip_address", pg.INET),
        sa.Column("user_agent", sa.Text),
        sa.Column("request_method", sa.Text),
        sa.Column("request_path", sa.Text),
        sa.Column("request_body", sa.Text),
        sa.Column("response_status", sa.Integer),
        sa.Column("response_time_ms", sa.Integer),
        sa.Column("error_message", sa.Text),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", "created_at"),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("ix_system_logs_action_created_at", "system_logs", ["action", "created_at"])
    op.create_index("ix_system_logs_created_at", "system_logs", ["created_at"])
    op.create_index(
        "ix_system_logs_request_id", "system_logs", ["request_id"], postgresql_where=sa.text("request_id IS NOT NULL")
    )
    op.create_index("ix_system_logs_user_id_created_at", "system_logs", ["user_id", "created_at"])


def create_audit_logs() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("resource_type", sa.Text, nullable=False),
        sa.Column("resource_id", sa.Uuid),
        sa.Column("old_values", pg.JSONB),
        sa.Column("new_values", pg.JSONB),
        sa.Column("ip_address", pg.INET),
        sa.Column("user_agent", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
    )
    op.create_index("ix_audit_logs_created_at_id", "audit_logs", ["created_at", "id"])
    op.create_index(
        "ix_audit_logs_resource_type_resource_id_created_at",
        "audit_logs",
        ["resource_type", "resource_id", "created_at"],
    )
    op.create_index("ix_audit_logs_user_id_created_at", "audit_logs", ["user_id", "created_at"])
