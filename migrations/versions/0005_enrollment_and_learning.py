"""Enrollments, progress, ratings and certificates."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import LIST, MOMENT, NEW_ID, NOW, OBJECT, TRUE, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0005_enrollment_and_learning"
down_revision = "0004_courses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_enrollments()
    index_enrollments()
    create_enrollment_requests()
    create_access_codes()
    create_lesson_progress()
    create_module_progress()
    create_course_ratings()
    create_certificates()


def downgrade() -> None:
    for table in (
        "certificates",
        "course_ratings",
        "module_progress",
        "lesson_progress",
        "access_codes",
        "enrollment_requests",
        "enrollments",
    ):
        op.drop_table(table)


def create_enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("enrollment_type", sa.Text, nullable=False, server_default="self"),
        sa.Column("enrolled_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("starts_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.Column("suspended_at", MOMENT),
        sa.Column("suspended_reason", sa.Text),
        sa.Column("dropped_at", MOMENT),
        sa.Column("dropped_reason", sa.Text),
        sa.Column("lessons_completed", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("lessons_total", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("progress_percentage", sa.Numeric(5, 2), nullable=False, server_default=ZERO),
        sa.Column("grade", sa.Text),
        sa.Column("grade_points", sa.Numeric(5, 2)),
        sa.Column(
            "certificate_issued",
            sa.Boolean,
            sa.Computed("certificate_issued_at IS NOT NULL", persisted=True),
            nullable=False,
        ),
        sa.Column("certificate_issued_at", MOMENT),
        sa.Column("certificate_url", sa.Text),
        sa.Column("last_accessed_at", MOMENT),
        sa.Column("time_spent_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("notes", sa.Text),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.CheckConstraint("status IN ('active', 'completed', 'suspended', 'dropped', 'expired')", name="status"),
        sa.CheckConstraint("expires_at > starts_at", name="expires_at"),
        sa.CheckConstraint("lessons_completed >= 0", name="lessons_completed"),
        sa.CheckConstraint("lessons_total >= 0", name="lessons_total"),
        sa.CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="progress_percentage"),
        sa.CheckConstraint("time_spent_seconds >= 0", name="time_spent_seconds"),
        sa.UniqueConstraint("user_id", "course_id"),
    )


def index_enrollments() -> None:
    op.create_index(
        "ix_enrollments_completed_at",
        "enrollments",
        ["completed_at"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index("ix_enrollments_course_id_enrolled_at_id", "enrollments", ["course_id", "enrolled_at", "id"])
    op.create_index("ix_enrollments_course_id_status", "enrollments", ["course_id", "status"])
    op.create_index(
        "ix_enrollments_expires_at",
        "enrollments",
        ["expires_at"],
        postgresql_where=sa.text("status = 'active' AND expires_at IS NOT NULL"),
    )


def create_enrollment_requests() -> None:
    op.create_table(
        "enrollment_requests",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("reason_for_joining", sa.Text),
        sa.Column("reviewed_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("reviewed_at", MOMENT),
        sa.Column("review_notes", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("status IN ('pending', 'approved', 'rejected')", name="status"),
        sa.UniqueConstraint("user_id", "course_id"),
    )
    op.create_index(
        "ix_enrollment_requests_course_id_status_created_at",
        "enrollment_requests",
        ["course_id", "status", "created_at"],
    )
    op.create_index(
        "ix_enrollment_requests_reviewed_by",
        "enrollment_requests",
        ["reviewed_by"],
        postgresql_where=sa.text("reviewed_by IS NOT NULL"),
    )


def create_access_codes() -> None:
    op.create_table(
        "access_codes",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("max_uses", sa.Integer),
        sa.Column("used_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("valid_from", MOMENT, nullable=False, server_default=NOW),
        sa.Column("valid_until", MOMENT),
        sa.Column("created_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("max_uses >= 1", name="max_uses"),
        sa.CheckConstraint("used_count >= 0 AND (max_uses IS NULL OR used_count <= max_uses)", name="used_count"),
        sa.CheckConstraint("valid_until > valid_from", name="valid_until"),
        sa.UniqueConstraint("code"),
    )
    op.create_index("ix_access_codes_course_id", "access_codes", ["course_id"])
    op.create_index(
        "ix_access_codes_created_by", "access_codes", ["created_by"], postgresql_where=sa.text("created_by IS NOT NULL")
    )


def create_lesson_progress() -> None:
    op.create_table(
        "lesson_progress",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("lesson_id", sa.Uuid, sa.ForeignKey("lessons.id", ondelete="CASCADE"), nullable=False),
        sa.Column("enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="not_started"),
        sa.Column("started_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.Column("last_position", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("time_spent_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completion_percentage", sa.Numeric(5, 2), nullable=False, server_default=ZERO),
        sa.Column("notes", sa.Text),
        sa.Column("bookmarks", pg.JSONB, nullable=False, server_default=LIST),
        sa.CheckConstraint("status IN ('not_started', 'in_progress', 'completed')", name="status"),
        sa.CheckConstraint("last_position >= 0", name="last_position"),
        sa.CheckConstraint("time_spent_seconds >= 0", name="time_spent_seconds"),
        sa.CheckConstraint("completion_percentage BETWEEN 0 AND 100", name="completion_percentage"),
        sa.UniqueConstraint("user_id", "lesson_id"),
    )
    op.create_index("ix_lesson_progress_enrollment_id_status", "lesson_progress", ["enrollment_id", "status"])
    op.create_index("ix_lesson_progress_lesson_id", "lesson_progress", ["lesson_id"])


def create_module_progress() -> None:
    op.create_table(
        "module_progress",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("lessons_completed", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("lessons_total", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("quizzes_completed", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("quizzes_total", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("average_quiz_score", sa.Numeric(5, 2)),
        sa.Column("time_spent_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completion_percentage", sa.Numeric(5, 2), nullable=False, server_default=ZERO),
        sa.Column("unlocked_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.CheckConstraint("lessons_completed >= 0", name="lessons_completed"),
        sa.CheckConstraint("lessons_total >= 0", name="lessons_total"),
        sa.CheckConstraint("quizzes_completed >= 0", name="quizzes_completed"),
        sa.CheckConstraint("quizzes_total >= 0", name="quizzes_total"),
        sa.CheckConstraint("average_quiz_score BETWEEN 0 AND 100", name="average_quiz_score"),
        sa.CheckConstraint("time_spent_seconds >= 0", name="time_spent_seconds"),
        sa.CheckConstraint("completion_percentage BETWEEN 0 AND 100", name="completion_percentage"),
        sa.UniqueConstraint("user_id", "module_id"),
    )
    op.create_index("ix_module_progress_enrollment_id", "module_progress", ["enrollment_id"])
    op.create_index("ix_module_progress_module_id", "module_progress", ["module_id"])


def create_course_ratings() -> None:
    op.create_table(
        "course_ratings",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("rating", sa.SmallInteger, nullable=False),
        sa.Column("review_title", sa.Text),
        sa.Column("review_content", sa.Text),
        sa.Column("is_verified_purchase", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("helpful_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("unhelpful_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("instructor_response", sa.Text),
        sa.Column("instructor_response_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        sa.CheckConstraint("helpful_count >= 0", name="helpful_count"),
        sa.CheckConstraint("unhelpful_count >= 0", name="unhelpful_count"),
        sa.UniqueConstraint("course_id", "user_id"),
    )
    op.create_index("ix_course_ratings_course_id_rating", "course_ratings", ["course_id", "rating"])
    op.create_index("ix_course_ratings_enrollment_id", "course_ratings", ["enrollment_id"])
    op.create_index("ix_course_ratings_user_id", "course_ratings", ["user_id"])


def create_certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("certificate_number", sa.Text, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("expires_at", MOMENT),
        sa.Column("template_id", sa.Text),
        sa.Column("verification_url", sa.Text),
        sa.Column("pdf_url", sa.Text),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("revoked", sa.Boolean, sa.Computed("revoked_at IS NOT NULL", persisted=True), nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_reason", sa.Text),
        sa.CheckConstraint("expires_at > issued_at", name="expires_at"),
        sa.UniqueConstraint("certificate_number"),
    )
    op.create_index("ix_certificates_enrollment_id", "certificates", ["enrollment_id"])
