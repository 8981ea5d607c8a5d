"""Uploads that can be resumed, and their parts."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW, ZERO

revision = "0021_uploads"
down_revision = "0020_file_scans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("claim_id", sa.Uuid, sa.ForeignKey("file_claims.id", ondelete="SET NULL")),
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("file_uploads.id", ondelete="SET NULL")),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False, server_default=ZERO),
        sa.Column("locked_by", sa.Uuid),
        sa.Column("locked_until", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("received BETWEEN 0 AND length", name="received"),
    )
    op.create_index("ix_uploads_user_id", "uploads", ["user_id"])
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
    for column in ("claim_id", "file_id"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_uploads_{column}", "uploads", [column], postgresql_where=where)
    whole = sa.text("received = length AND finished_at IS NULL")
    op.create_index("ix_uploads_complete", "uploads", ["id"], postgresql_where=whole)
    op.create_table(
        "upload_parts",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("upload_id", sa.Uuid, sa.ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("storage_provider", sa.Text, nullable=False),
        sa.Column("storage_path", sa.Text, nullable=False),
        sa.CheckConstraint("start >= 0", name="start"),
        sa.CheckConstraint("size >= 1", name="size"),
        sa.UniqueConstraint("upload_id", "start"),
    )
    op.create_index(
        "ix_upload_parts_storage_provider_storage_path", "upload_parts", ["storage_provider", "storage_path"]
    )


def downgrade() -> None:
    op.drop_table("upload_parts")
    op.drop_table("uploads")
