"""What outlines are read by: how often a version was amended, and the lessons that a student has done."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import ZERO

revision = "0036_outline"
down_revision = "0035_announced_notifications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("course_versions", sa.Column("amendments", sa.Integer, nullable=False, server_default=ZERO))
    op.create_index(
        "ix_lesson_progress_enrollment_id_status_lesson_id", "lesson_progress", ["enrollment_id", "status", "lesson_id"]
    )
    op.drop_index("ix_lesson_progress_enrollment_id_status", "lesson_progress")


def downgrade() -> None:
    op.create_index("ix_lesson_progress_enrollment_id_status", "lesson_progress", ["enrollment_id", "status"])
    op.drop_index("ix_lesson_progress_enrollment_id_status_lesson_id", "lesson_progress")
    op.drop_column("course_versions", "amendments")
