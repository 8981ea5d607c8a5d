"""Quizzes, the questions in them and in the bank, and what students answered."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from lms_core.kernel.columns import (
    Count,
    Document,
    Off,
    On,
    Percent,
    Points,
    Words,
    at_least,
    one_of,
    percent,
    sparse_index,
)
from lms_core.kernel.db import Base, Created, Identified, Timestamped


class Quiz(Identified, Timestamped, Base):
    """A set of questions in a module. ``attempt_limit`` null means without end; ``passing_score`` is a percentage."""

    __tablename__ = "quizzes"

    module_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"))
    title: Mapped[str]
    description: Mapped[str | None]
    instructions: Mapped[str | None]
    quiz_type: Mapped[str] = mapped_column(server_default="graded")
    order_index: Mapped[int]
    is_published: Mapped[On]
    available_from: Mapped[dt.datetime | None]
    available_until: Mapped[dt.datetime | None]
    time_limit_minutes: Mapped[int | None]
    attempt_limit: Mapped[int | None] = mapped_column(server_default=text("1"))
    passing_score: Mapped[Percent] = mapped_column(server_default=text("70"))
    total_points: Mapped[Points] = mapped_column(server_default=text("0"))
    randomize_questions: Mapped[Off]
    randomize_answers: Mapped[Off]
    questions_per_page: Mapped[int] = mapped_column(server_default=text("1"))
    show_correct_answers: Mapped[str] = mapped_column(server_default="after_submission")
    allow_back_navigation: Mapped[On]
    required_for_completion: Mapped[On]
    weight_percentage: Mapped[Percent | None]
    settings: Mapped[Document]

    __table_args__ = (
        one_of("quiz_type", "graded", "practice", "survey"),
        one_of("show_correct_answers", "never", "after_submission", "after_deadline"),
        percent("passing_score"),
        percent("weight_percentage"),
        *at_least(0, "order_index", "total_points"),
        *at_least(1, "time_limit_minutes", "attempt_limit", "questions_per_page"),
        CheckConstraint("available_until > available_from", name="available_until"),
        UniqueConstraint("module_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


class QuestionBankEntry(Identified, Timestamped, Base):
    """A question kept for use in many quizzes; using it copies it."""

    __tablename__ = "question_bank"

    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    title: Mapped[str]
    category: Mapped[str | None]
    tags: Mapped[Words]
    difficulty: Mapped[str | None]
    question_text: Mapped[str]
    question_type: Mapped[str]
    explanation: Mapped[str | None]
    hints: Mapped[Words]
    points: Mapped[Points] = mapped_column(server_default=text("1"))
    time_estimate_seconds: Mapped[int | None]
    usage_count: Mapped[Count]
    extra: Mapped[Document] = mapped_column("metadata")

    __table_args__ = (
        one_of("difficulty", "easy", "medium", "hard"),
        *at_least(0, "points", "time_estimate_seconds", "usage_count"),
        Index(None, "category"),
        Index(None, "question_type"),
        Index(None, "tags", postgresql_using="gin"),
    )


class QuizQuestion(Identified, Timestamped, Base):
    """A question in a quiz. ``negative_points`` is what a wrong answer costs, as a positive number."""

    __tablename__ = "quiz_questions"

    quiz_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quizzes.id", ondelete="CASCADE"))
    question_bank_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("question_bank.id", ondelete="SET NULL"))
    order_index: Mapped[int]
    question_text: Mapped[str]
    question_type: Mapped[str]
    required: Mapped[On]
    points: Mapped[Points] = mapped_column(server_default=text("1"))
    negative_points: Mapped[Points] = mapped_column(server_default=text("0"))
    explanation: Mapped[str | None]
    hints: Mapped[Words]
    time_limit_seconds: Mapped[int | None]
    extra: Mapped[Document] = mapped_column("metadata")

    __table_args__ = (
        *at_least(0, "order_index", "points", "negative_points"),
        *at_least(1, "time_limit_seconds"),
        UniqueConstraint("quiz_id", "order_index", deferrable=True, initially="DEFERRED"),
        sparse_index("question_bank_id"),
    )


class AnswerOption(Identified, Created, Base):
    """One choice of a question; ``option_value`` is its partner in a matching question."""

    __tablename__ = "answer_options"

    question_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quiz_questions.id", ondelete="CASCADE"))
    option_text: Mapped[str]
    option_value: Mapped[str | None]
    is_correct: Mapped[Off]
    explanation: Mapped[str | None]
    order_index: Mapped[int]

    __table_args__ = (
        *at_least(0, "order_index"),
        UniqueConstraint("question_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


class QuizAttempt(Identified, Base):
    """One sitting of a quiz. ``score`` is a percentage; ``points_earned`` falls below zero with negative marking."""

    __tablename__ = "quiz_attempts"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    quiz_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quizzes.id", ondelete="CASCADE"))
    attempt_number: Mapped[int] = mapped_column(server_default=text("1"))
    status: Mapped[str] = mapped_column(server_default="in_progress")
    started_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    submitted_at: Mapped[dt.datetime | None]
    graded_at: Mapped[dt.datetime | None]
    time_spent_seconds: Mapped[Count]
    score: Mapped[Percent | None]
    points_earned: Mapped[Points] = mapped_column(server_default=text("0"))
    passed: Mapped[bool | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    browser_info: Mapped[Document]
    flagged_for_review: Mapped[Off]
    review_notes: Mapped[str | None]
    graded_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        one_of("status", "in_progress", "submitted", "graded", "abandoned"),
        percent("score"),
        *at_least(1, "attempt_number"),
        *at_least(0, "time_spent_seconds"),
        UniqueConstraint("user_id", "quiz_id", "attempt_number"),
        Index(None, "quiz_id", "status"),
        Index(None, "started_at", postgresql_where=text("status = 'in_progress'")),
        sparse_index("graded_by"),
    )


class StudentAnswer(Identified, Timestamped, Base):
    """What was answered to one question in one attempt.

    An answered question cannot be deleted by itself, but goes with its quiz: the reference is checked at commit,
    when the attempts of a deleted quiz are gone as well.
    """

    __tablename__ = "student_answers"

    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quiz_attempts.id", ondelete="CASCADE"))
    question_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("quiz_questions.id", deferrable=True, initially="DEFERRED"), index=True
    )
    answer_text: Mapped[str | None]
    selected_options: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'::uuid[]"))
    is_correct: Mapped[bool | None]
    points_earned: Mapped[Points] = mapped_column(server_default=text("0"))
    time_spent_seconds: Mapped[Count]
    marked_for_review: Mapped[Off]
    feedback: Mapped[str | None]
    graded_at: Mapped[dt.datetime | None]
    graded_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        *at_least(0, "time_spent_seconds"),
        UniqueConstraint("attempt_id", "question_id"),
        sparse_index("graded_by"),
    )
