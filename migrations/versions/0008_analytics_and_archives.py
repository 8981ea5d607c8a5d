"""Events, daily figures, and archives."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW, OBJECT, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0008_analytics_and_archives"
down_revision = "0007_forum_and_notifications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_analytics_events()
    create_course_analytics()
    create_data_archives()


def downgrade() -> None:
    for table in (
        "data_archives",
        "course_analytics",
        "analytics_events",
    ):
        op.drop_table(table)


def create_analytics_events() -> None:
    op.create_table(
        "analytics_events",
        sa.Column("id", sa.Uuid, nullable=False, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid),
        sa.Column("session_id", sa.Uuid),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("event_category", sa.Text),
        sa.Column("event_action", sa.Text),
        sa.Column("event_label", sa.Text),
        sa.Column("event_value", sa.Integer),
        sa.Column("page_url", sa.Text),
        sa.Column("referrer_url", sa.Text),
        sa.Column("course_id", sa.Uuid),
        sa.Column("module_id", sa.Uuid),
        sa.Column("lesson_id", sa.Uuid),
        sa.Column("quiz_id", sa.Uuid),
        sa.Column("properties", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("user_agent", sa.Text),
        sa.Column("ip_address", pg.INET),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", "created_at"),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("ix_analytics_events_course_id_created_at", "analytics_events", ["course_id", "created_at"])
    op.create_index("ix_analytics_events_created_at", "analytics_events", ["created_at"])
    op.create_index("ix_analytics_events_event_type_created_at", "analytics_events", ["event_type", "created_at"])
    op.create_index("ix_analytics_events_user_id_created_at", "analytics_events", ["user_id", "created_at"])


def create_course_analytics() -> None:
    op.create_table(
        "course_analytics",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("enrolled_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("active_students", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completed_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("dropped_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("average_progress", sa.Numeric(5, 2), nullable=False, server_default=ZERO),
        sa.Column("average_time_spent_minutes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("lesson_views", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("quiz_attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("forum_posts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("average_quiz_score", sa.Numeric(5, 2)),
        sa.Column("completion_rate", sa.Numeric(5, 2)),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("average_progress BETWEEN 0 AND 100", name="average_progress"),
        sa.CheckConstraint("average_quiz_score BETWEEN 0 AND 100", name="average_quiz_score"),
        sa.CheckConstraint("completion_rate BETWEEN 0 AND 100", name="completion_rate"),
        sa.UniqueConstraint("course_id", "date"),
    )
    op.create_index("ix_course_analytics_date", "course_analytics", ["date"])


def create_data_archives() -> None:
    op.create_table(
        "data_archives",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("archive_type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("file_path", sa.Text),
        sa.Column("file_size", sa.BigInteger),
        sa.Column("requested_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("completed_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("download_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("error_message", sa.Text),
        sa.CheckConstraint("archive_type IN ('user_data', 'course_data', 'full_backup')", name="archive_type"),
        sa.CheckConstraint("status IN ('pending', 'processing', 'completed', 'failed')", name="status"),
        sa.CheckConstraint("file_size >= 0", name="file_size"),
        sa.CheckConstraint("download_count >= 0", name="download_count"),
    )
    op.create_index("ix_data_archives_expires_at", "data_archives", ["expires_at"])
    op.create_index("ix_data_archives_user_id_status", "data_archives", ["user_id", "status"])
