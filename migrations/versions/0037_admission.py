"""When a course can be joined, and requests that can be withdrawn, made again, and remember what was said before."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, LIST, MOMENT
from sqlalchemy.dialects import postgresql as pg

revision = "0037_admission"
down_revision = "0036_outline"
branch_labels = None
depends_on = None

BEFORE = "status IN ('pending', 'approved', 'rejected')"
NOW = "status IN ('pending', 'approved', 'rejected', 'withdrawn')"


def upgrade() -> None:
    op.add_column("courses", sa.Column("enrollment_opens_at", MOMENT))
    op.add_column("courses", sa.Column("enrollment_closes_at", MOMENT))
    op.add_column("courses", sa.Column("waiting_list", sa.Boolean, nullable=False, server_default=FALSE))
    op.create_check_constraint("enrollment_closes_at", "courses", "enrollment_closes_at > enrollment_opens_at")
    op.add_column("enrollment_requests", sa.Column("earlier", pg.JSONB, nullable=False, server_default=LIST))
    op.drop_constraint("status", "enrollment_requests", type_="check")
    op.create_check_constraint("status", "enrollment_requests", NOW)
    op.drop_index("ix_enrollment_requests_course_id_status_created_at", "enrollment_requests")
    op.create_index(
        "ix_enrollment_requests_course_id_status_created_at_id",
        "enrollment_requests",
        ["course_id", "status", "created_at", "id"],
    )


def downgrade() -> None:
    op.drop_index("ix_enrollment_requests_course_id_status_created_at_id", "enrollment_requests")
    op.create_index(
        "ix_enrollment_requests_course_id_status_created_at",
        "enrollment_requests",
        ["course_id", "status", "created_at"],
    )
    op.execute("DELETE FROM enrollment_requests WHERE status = 'withdrawn'")
    op.drop_constraint("status", "enrollment_requests", type_="check")
    op.create_check_constraint("status", "enrollment_requests", BEFORE)
    op.drop_column("enrollment_requests", "earlier")
    op.drop_constraint("enrollment_closes_at", "courses", type_="check")
    for column in ("waiting_list", "enrollment_closes_at", "enrollment_opens_at"):
        op.drop_column("courses", column)
