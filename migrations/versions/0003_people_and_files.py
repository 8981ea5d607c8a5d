"""Accounts, sessions, groups and permissions; uploaded files."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NO_TEXTS, NOW, OBJECT, TEXTS, TRUE, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0003_people_and_files"
down_revision = "0002_kernel"
branch_labels = None
depends_on = None

LIVING = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    create_users()
    index_users()
    create_user_sessions()
    create_password_resets()
    create_groups()
    create_permissions()
    create_group_permissions()
    create_user_groups()
    create_file_uploads()


def downgrade() -> None:
    for table in (
        "file_uploads",
        "user_groups",
        "group_permissions",
        "permissions",
        "groups",
        "password_resets",
        "user_sessions",
        "users",
    ):
        op.drop_table(table)


def create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column(
            "email_verified", sa.Boolean, sa.Computed("email_verified_at IS NOT NULL", persisted=True), nullable=False
        ),
        sa.Column("email_verified_at", MOMENT),
        sa.Column("email_verification_token_hash", sa.Text),
        sa.Column("email_verification_expires_at", MOMENT),
        sa.Column("pending_email", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text),
        sa.Column("avatar_url", sa.Text),
        sa.Column("bio", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("date_of_birth", sa.Date),
        sa.Column("gender", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("timezone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("preferred_language", sa.Text, nullable=False, server_default="en"),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("suspended_at", MOMENT),
        sa.Column("suspended_reason", sa.Text),
        sa.Column("last_login_at", MOMENT),
        sa.Column("login_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("failed_login_attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("failed_login_locked_until", MOMENT),
        sa.Column("password_changed_at", MOMENT),
        sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column(
            "two_factor_enabled",
            sa.Boolean,
            sa.Computed("two_factor_confirmed_at IS NOT NULL", persisted=True),
            nullable=False,
        ),
        sa.Column("two_factor_secret", sa.Text),
        sa.Column("two_factor_confirmed_at", MOMENT),
        sa.Column("backup_codes", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("deleted_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint(r"email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'", name="email"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        sa.CheckConstraint("login_count >= 0", name="login_count"),
        sa.CheckConstraint("failed_login_attempts >= 0", name="failed_login_attempts"),
        sa.CheckConstraint(
            "two_factor_confirmed_at IS NULL OR two_factor_secret IS NOT NULL", name="two_factor_secret"
        ),
    )


def index_users() -> None:
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"], postgresql_where=LIVING)
    op.create_index(
        "ix_users_email_trgm", "users", ["email"], postgresql_using="gin", postgresql_ops={"email": "gin_trgm_ops"}
    )
    op.create_index(
        "ix_users_name_trgm",
        "users",
        [sa.literal_column("((first_name || ' '::text) || last_name)").label("full_name")],
        postgresql_using="gin",
        postgresql_ops={"full_name": "gin_trgm_ops"},
    )
    op.create_index("uq_users_email", "users", [sa.text("lower(email)")], unique=True, postgresql_where=LIVING)
    op.create_index(
        "uq_users_email_verification_token_hash",
        "users",
        ["email_verification_token_hash"],
        unique=True,
        postgresql_where=sa.text("email_verification_token_hash IS NOT NULL"),
    )


def create_user_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("refresh_token_hash", sa.Text, nullable=False),
        sa.Column("previous_token_hash", sa.Text),
        sa.Column("access_token_hash", sa.Text),
        sa.Column("device_name", sa.Text),
        sa.Column("device_type", sa.Text),
        sa.Column("browser", sa.Text),
        sa.Column("browser_version", sa.Text),
        sa.Column("os", sa.Text),
        sa.Column("os_version", sa.Text),
        sa.Column("ip_address", pg.INET),
        sa.Column("location", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("is_active", sa.Boolean, sa.Computed("revoked_at IS NULL", persisted=True), nullable=False),
        sa.Column("last_accessed_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("refresh_token_hash"),
    )
    op.create_index("ix_user_sessions_expires_at", "user_sessions", ["expires_at"])
    op.create_index(
        "ix_user_sessions_previous_token_hash",
        "user_sessions",
        ["previous_token_hash"],
        postgresql_where=sa.text("previous_token_hash IS NOT NULL"),
    )
    op.create_index("ix_user_sessions_user_id_revoked_at", "user_sessions", ["user_id", "revoked_at"])


def create_password_resets() -> None:
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_password_resets_user_id", "password_resets", ["user_id"])


def create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("is_system", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("priority", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("name"),
    )


def create_permissions() -> None:
    op.create_table(
        "permissions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("scope IN ('own', 'assigned', 'enrolled', 'all')", name="scope"),
        sa.UniqueConstraint("resource", "action", "scope"),
    )


def create_group_permissions() -> None:
    op.create_table(
        "group_permissions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("group_id", sa.Uuid, sa.ForeignKey("groups.id", ondelete="CASCADE"), nullable=False),
        sa.Column("permission_id", sa.Uuid, sa.ForeignKey("permissions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("constraints", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("granted_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("granted_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.UniqueConstraint("group_id", "permission_id"),
    )
    op.create_index(
        "ix_group_permissions_granted_by",
        "group_permissions",
        ["granted_by"],
        postgresql_where=sa.text("granted_by IS NOT NULL"),
    )
    op.create_index("ix_group_permissions_permission_id", "group_permissions", ["permission_id"])


def create_user_groups() -> None:
    op.create_table(
        "user_groups",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("group_id", sa.Uuid, sa.ForeignKey("groups.id", ondelete="CASCADE"), nullable=False),
        sa.Column("assigned_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("assigned_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("expires_at", MOMENT),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    op.create_index(
        "ix_user_groups_assigned_by",
        "user_groups",
        ["assigned_by"],
        postgresql_where=sa.text("assigned_by IS NOT NULL"),
    )
    op.create_index("ix_user_groups_group_id", "user_groups", ["group_id"])


def create_file_uploads() -> None:
    op.create_table(
        "file_uploads",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("uploaded_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("file_type", sa.Text, nullable=False),
        sa.Column("mime_type", sa.Text),
        sa.Column("checksum", sa.Text),
        sa.Column("storage_path", sa.Text, nullable=False),
        sa.Column("storage_provider", sa.Text, nullable=False, server_default="local"),
        sa.Column("url", sa.Text),
        sa.Column("thumbnail_url", sa.Text),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("virus_scanned", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("virus_scan_result", sa.Text),
        sa.Column("uploaded_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("deleted_at", MOMENT),
        sa.CheckConstraint("file_size >= 0", name="file_size"),
        sa.CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum"),
    )
    op.create_index("ix_file_uploads_file_type", "file_uploads", ["file_type"])
    op.create_index(
        "ix_file_uploads_storage_provider_storage_path", "file_uploads", ["storage_provider", "storage_path"]
    )
    op.create_index("ix_file_uploads_uploaded_by", "file_uploads", ["uploaded_by"])
