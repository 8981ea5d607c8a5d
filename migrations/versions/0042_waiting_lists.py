"""Waiting lists: who waits for a place in a course, since when, and how they are let in once there is one."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, OBJECT
from sqlalchemy.dialects import postgresql as pg

revision = "0042_waiting_lists"
down_revision = "0041_heartbeats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrollment_waits",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("since", MOMENT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("admission", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.UniqueConstraint("user_id", "course_id"),
    )
    op.create_index("ix_enrollment_waits_course_id_since_id", "enrollment_waits", ["course_id", "since", "id"])


def downgrade() -> None:
    op.drop_table("enrollment_waits")
