"""The picture that is drawn for a course without one."""

import sqlalchemy as sa
from alembic import op

revision = "0025_course_covers"
down_revision = "0024_catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "courses", sa.Column("thumbnail_file_id", sa.Uuid, sa.ForeignKey("file_uploads.id", ondelete="SET NULL"))
    )
    op.create_index(
        "ix_courses_thumbnail_file_id",
        "courses",
        ["thumbnail_file_id"],
        postgresql_where=sa.text("thumbnail_file_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("courses", "thumbnail_file_id")
