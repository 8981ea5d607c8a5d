"""Avatars, and the pictures that are made of uploaded images."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW

revision = "0023_pictures"
down_revision = "0022_version_totals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "avatars",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "renditions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("file_uploads.id", ondelete="CASCADE")),
        sa.Column("avatar_id", sa.Uuid, sa.ForeignKey("avatars.id", ondelete="CASCADE")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.Text, nullable=False),
        sa.Column("storage_provider", sa.Text, nullable=False),
        sa.Column("storage_path", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("num_nonnulls(file_id, avatar_id) = 1", name="origin"),
        sa.CheckConstraint("width >= 1", name="width"),
        sa.CheckConstraint("height >= 1", name="height"),
        sa.CheckConstraint("file_size >= 1", name="file_size"),
        sa.UniqueConstraint("file_id", "name", "mime_type"),
        sa.UniqueConstraint("avatar_id", "name", "mime_type"),
    )
    op.create_index("ix_renditions_storage_provider_storage_path", "renditions", ["storage_provider", "storage_path"])


def downgrade() -> None:
    op.drop_table("renditions")
    op.drop_table("avatars")
