"""Quizzes, questions, attempts and answers."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NO_TEXTS, NO_UUIDS, NOW, OBJECT, ONE, TEXTS, TRUE, UUIDS, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0006_assessment"
down_revision = "0005_enrollment_and_learning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_quizzes()
    create_question_bank()
    create_quiz_questions()
    create_answer_options()
    create_quiz_attempts()
    create_student_answers()


def downgrade() -> None:
    for table in (
        "student_answers",
        "quiz_attempts",
        "answer_options",
        "quiz_questions",
        "question_bank",
        "quizzes",
    ):
        op.drop_table(table)


def create_quizzes() -> None:
    op.create_table(
        "quizzes",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("instructions", sa.Text),
        sa.Column("quiz_type", sa.Text, nullable=False, server_default="graded"),
        sa.Column("order_index", sa.Integer, nullable=False),
        sa.Column("is_published", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("available_from", MOMENT),
        sa.Column("available_until", MOMENT),
        sa.Column("time_limit_minutes", sa.Integer),
        sa.Column("attempt_limit", sa.Integer, server_default=ONE),
        sa.Column("passing_score", sa.Numeric(5, 2), nullable=False, server_default=sa.text("70")),
        sa.Column("total_points", sa.Numeric(10, 2), nullable=False, server_default=ZERO),
        sa.Column("randomize_questions", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("randomize_answers", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("questions_per_page", sa.Integer, nullable=False, server_default=ONE),
        sa.Column("show_correct_answers", sa.Text, nullable=False, server_default="after_submission"),
        sa.Column("allow_back_navigation", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("required_for_completion", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("weight_percentage", sa.Numeric(5, 2)),
        sa.Column("settings", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("quiz_type IN ('graded', 'practice', 'survey')", name="quiz_type"),
        sa.CheckConstraint("order_index >= 0", name="order_index"),
        sa.CheckConstraint("available_until > available_from", name="available_until"),
        sa.CheckConstraint("time_limit_minutes >= 1", name="time_limit_minutes"),
        sa.CheckConstraint("attempt_limit >= 1", name="attempt_limit"),
        sa.CheckConstraint("passing_score BETWEEN 0 AND 100", name="passing_score"),
        sa.CheckConstraint("total_points >= 0", name="total_points"),
        sa.CheckConstraint("questions_per_page >= 1", name="questions_per_page"),
        sa.CheckConstraint(
            "show_correct_answers IN ('never', 'after_submission', 'after_deadline')", name="show_correct_answers"
        ),
        sa.CheckConstraint("weight_percentage BETWEEN 0 AND 100", name="weight_percentage"),
        sa.UniqueConstraint("module_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


def create_question_bank() -> None:
    op.create_table(
        "question_bank",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("created_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("tags", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("difficulty", sa.Text),
        sa.Column("question_text", sa.Text, nullable=False),
        sa.Column("question_type", sa.Text, nullable=False),
        sa.Column("explanation", sa.Text),
        sa.Column("hints", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("points", sa.Numeric(10, 2), nullable=False, server_default=ONE),
        sa.Column("time_estimate_seconds", sa.Integer),
        sa.Column("usage_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("difficulty IN ('easy', 'medium', 'hard')", name="difficulty"),
        sa.CheckConstraint("points >= 0", name="points"),
        sa.CheckConstraint("time_estimate_seconds >= 0", name="time_estimate_seconds"),
        sa.CheckConstraint("usage_count >= 0", name="usage_count"),
    )
    op.create_index("ix_question_bank_category", "question_bank", ["category"])
    op.create_index("ix_question_bank_created_by", "question_bank", ["created_by"])
    op.create_index("ix_question_bank_question_type", "question_bank", ["question_type"])
    op.create_index("ix_question_bank_tags", "question_bank", ["tags"], postgresql_using="gin")


def create_quiz_questions() -> None:
    op.create_table(
        "quiz_questions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("quiz_id", sa.Uuid, sa.ForeignKey("quizzes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("question_bank_id", sa.Uuid, sa.ForeignKey("question_bank.id", ondelete="SET NULL")),
        sa.Column("order_index", sa.Integer, nullable=False),
        sa.Column("question_text", sa.Text, nullable=False),
        sa.Column("question_type", sa.Text, nullable=False),
        sa.Column("required", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("points", sa.Numeric(10, 2), nullable=False, server_default=ONE),
        sa.Column("negative_points", sa.Numeric(10, 2), nullable=False, server_default=ZERO),
        sa.Column("explanation", sa.Text),
        sa.Column("hints", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("time_limit_seconds", sa.Integer),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("order_index >= 0", name="order_index"),
        sa.CheckConstraint("points >= 0", name="points"),
        sa.CheckConstraint("negative_points >= 0", name="negative_points"),
        sa.CheckConstraint("time_limit_seconds >= 1", name="time_limit_seconds"),
        sa.UniqueConstraint("quiz_id", "order_index", deferrable=True, initially="DEFERRED"),
    )
    op.create_index(
        "ix_quiz_questions_question_bank_id",
        "quiz_questions",
        ["question_bank_id"],
        postgresql_where=sa.text("question_bank_id IS NOT NULL"),
    )


def create_answer_options() -> None:
    op.create_table(
        "answer_options",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("question_id", sa.Uuid, sa.ForeignKey("quiz_questions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("option_text", sa.Text, nullable=False),
        sa.Column("option_value", sa.Text),
        sa.Column("is_correct", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("explanation", sa.Text),
        sa.Column("order_index", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("order_index >= 0", name="order_index"),
        sa.UniqueConstraint("question_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


def create_quiz_attempts() -> None:
    op.create_table(
        "quiz_attempts",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("quiz_id", sa.Uuid, sa.ForeignKey("quizzes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt_number", sa.Integer, nullable=False, server_default=ONE),
        sa.Column("status", sa.Text, nullable=False, server_default="in_progress"),
        sa.Column("started_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("submitted_at", MOMENT),
        sa.Column("graded_at", MOMENT),
        sa.Column("time_spent_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("score", sa.Numeric(5, 2)),
        sa.Column("points_earned", sa.Numeric(10, 2), nullable=False, server_default=ZERO),
        sa.Column("passed", sa.Boolean),
        sa.Column("ip_address", pg.INET),
        sa.Column("browser_info", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("flagged_for_review", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("review_notes", sa.Text),
        sa.Column("graded_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.CheckConstraint("attempt_number >= 1", name="attempt_number"),
        sa.CheckConstraint("status IN ('in_progress', 'submitted', 'graded', 'abandoned')", name="status"),
        sa.CheckConstraint("time_spent_seconds >= 0", name="time_spent_seconds"),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        sa.UniqueConstraint("user_id", "quiz_id", "attempt_number"),
    )
    op.create_index(
        "ix_quiz_attempts_graded_by", "quiz_attempts", ["graded_by"], postgresql_where=sa.text("graded_by IS NOT NULL")
    )
    op.create_index("ix_quiz_attempts_quiz_id_status", "quiz_attempts", ["quiz_id", "status"])
    op.create_index(
        "ix_quiz_attempts_started_at",
        "quiz_attempts",
        ["started_at"],
        postgresql_where=sa.text("status = 'in_progress'"),
    )


def create_student_answers() -> None:
    op.create_table(
        "student_answers",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("attempt_id", sa.Uuid, sa.ForeignKey("quiz_attempts.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "question_id",
            sa.Uuid,
            sa.ForeignKey("quiz_questions.id", deferrable=True, initially="DEFERRED"),
            nullable=False,
        ),
        sa.Column("answer_text", sa.Text),
        sa.Column("selected_options", UUIDS, nullable=False, server_default=NO_UUIDS),
        sa.Column("is_correct", sa.Boolean),
        sa.Column("points_earned", sa.Numeric(10, 2), nullable=False, server_default=ZERO),
        sa.Column("time_spent_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("marked_for_review", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("feedback", sa.Text),
        sa.Column("graded_at", MOMENT),
        sa.Column("graded_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("time_spent_seconds >= 0", name="time_spent_seconds"),
        sa.UniqueConstraint("attempt_id", "question_id"),
    )
    op.create_index(
        "ix_student_answers_graded_by",
        "student_answers",
        ["graded_by"],
        postgresql_where=sa.text("graded_by IS NOT NULL"),
    )
    op.create_index("ix_student_answers_question_id", "student_answers", ["question_id"])
