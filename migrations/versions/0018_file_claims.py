"""Set a person's quota aside for files on their way in, and list files by time, by owner and by kind."""

import sqlalchemy as sa
from alembic import op

revision = "0018_file_claims"
down_revision = "0017_announcements"
branch_labels = None
depends_on = None

FILES = "file_uploads"


def upgrade() -> None:
    op.create_table(
        "file_claims",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint("size >= 0", name="size"),
    )
    op.create_index("ix_file_claims_user_id", "file_claims", ["user_id"])
    op.create_index("ix_file_claims_expires_at", "file_claims", ["expires_at"])
    op.drop_index("ix_file_uploads_uploaded_by", FILES)
    op.drop_index("ix_file_uploads_file_type", FILES)
    op.create_index(
        "ix_file_uploads_uploaded_by_uploaded_at_id",
        FILES,
        ["uploaded_by", "uploaded_at", "id"],
        postgresql_include=["file_size", "deleted_at"],
    )
    op.create_index("ix_file_uploads_uploaded_at_id", FILES, ["uploaded_at", "id"])
    op.create_index("ix_file_uploads_file_type_uploaded_at_id", FILES, ["file_type", "uploaded_at", "id"])
    op.create_index(
        "ix_file_uploads_deleted_at", FILES, ["deleted_at"], postgresql_where=sa.text("deleted_at IS NOT NULL")
    )


def downgrade() -> None:
    for columns in ("deleted_at", "file_type_uploaded_at_id", "uploaded_at_id", "uploaded_by_uploaded_at_id"):
        op.drop_index(f"ix_file_uploads_{columns}", FILES)
    op.create_index("ix_file_uploads_file_type", FILES, ["file_type"])
    op.create_index("ix_file_uploads_uploaded_by", FILES, ["uploaded_by"])
    op.drop_table("file_claims")
