"""How far each student has come, and what they think of the course."""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import REAL, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Off, Percent, at_least, one_of, percent
from lms_core.kernel.db import Base, Created, Identified, Timestamped


class LessonProgress(Identified, Base):
    """A student's state in a lesson. ``last_position`` is where they were, in whatever the content type counts.

    ``seen`` are the parts that clients have reported, ``extent`` how many there are and ``pace`` how many of them a
    person can take in a second, as it was when the lesson was last started; null where that is not known, or does not
    matter. ``finished`` and ``best_score`` are what an embedded page has reported.
    """

    __tablename__ = "lesson_progress"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    lesson_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), index=True)
    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(server_default="not_started")
    started_at: Mapped[dt.datetime | None]
    completed_at: Mapped[dt.datetime | None]
    last_position: Mapped[Count]
    position_at: Mapped[dt.datetime | None]
    time_spent_seconds: Mapped[Count]
    seen: Mapped[Sequence[Range[int]]] = mapped_column(INT4MULTIRANGE, server_default=text("'{}'::int4multirange"))
    extent: Mapped[int | None]
    pace: Mapped[float | None] = mapped_column(REAL)
    finished: Mapped[Off]
    best_score: Mapped[Percent | None]
    completion_percentage: Mapped[Percent] = mapped_column(server_default=text("0"))

    __table_args__ = (
        one_of("status", "not_started", "in_progress", "completed"),
        percent("completion_percentage"),
        percent("best_score"),
        *at_least(0, "last_position", "time_spent_seconds", "extent"),
        UniqueConstraint("user_id", "lesson_id"),
        # An outline needs no look at the table.
        Index(None, "enrollment_id", "status", "lesson_id"),
    )


class ModuleProgress(Identified, Base):
    """A student's state in a module, kept beside the lessons so that an outline need not recount them.

    ``started_at`` is when the first lesson was started in it, so that it stays open; a lesson that was done elsewhere
    and moved here does not open it. ``unlocked_at`` is when it opened to this student alone: by what
    they did, or by a date that is theirs.
    """

    __tablename__ = "module_progress"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    module_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"), index=True)
    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), index=True)
    lessons_completed: Mapped[Count]
    lessons_total: Mapped[Count]
    quizzes_completed: Mapped[Count]
    quizzes_total: Mapped[Count]
    average_quiz_score: Mapped[Percent | None]
    time_spent_seconds: Mapped[Count]
    completion_percentage: Mapped[Percent] = mapped_column(server_default=text("0"))
    unlocked_at: Mapped[dt.datetime | None]
    started_at: Mapped[dt.datetime | None]
    completed_at: Mapped[dt.datetime | None]

    __table_args__ = (
        percent("average_quiz_score"),
        percent("completion_percentage"),
        *at_least(0, "lessons_completed", "lessons_total", "quizzes_completed", "quizzes_total", "time_spent_seconds"),
        UniqueConstraint("user_id", "module_id"),
    )


class ModuleOpening(Base):
    """That a module's date has come, and that its students were told so: of this date, and of no other."""

    __tablename__ = "module_openings"

    module_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True)
    unlock_date: Mapped[dt.datetime]


class RelativeOpening(Base):
    """How far the students are looked through, in the order of their first days, to whom a module opens by such a day.

    One row for each number of days after it: the first day and the enrollment that were looked at last.
    """

    __tablename__ = "relative_openings"

    after_days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_day: Mapped[dt.datetime]
    enrollment_id: Mapped[uuid.UUID]


KINDS = ("note", "bookmark")
"""Of an annotation."""


class LessonAnnotation(Identified, Timestamped, Base):
    """What somebody noted in a lesson, or a place there that they marked: theirs alone.

    ``position`` is in the parts of the lesson's content type, as ``lesson_progress.last_position``; null for the whole
    lesson. A bookmark's text is what it is called, and may be empty. It belongs to the lesson and not to an enrollment
    or a version, so that it outlasts these; a trigger deletes it when its owner's account is deleted.
    """

    __tablename__ = "lesson_annotations"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    lesson_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    position: Mapped[int | None]
    text: Mapped[str] = mapped_column(server_default=text("''"))

    __table_args__ = (
        one_of("kind", *KINDS),
        *at_least(0, "position"),
        CheckConstraint("kind = 'bookmark' OR text <> ''", name="text"),
        Index(None, "user_id", "lesson_id"),
        Index(None, "user_id", "created_at", "id"),
    )


class CourseRating(Identified, Timestamped, Base):
    """One to five stars and a review, one per student and course.

    Triggers carry the stars to the course and count the votes.

    ``is_verified_purchase`` says that money was paid for the enrollment, and had not gone back when it was made.
    """

    __tablename__ = "course_ratings"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), index=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
    review_title: Mapped[str | None]
    review_content: Mapped[str | None]
    is_verified_purchase: Mapped[Off]
    helpful_count: Mapped[Count]
    unhelpful_count: Mapped[Count]
    instructor_response: Mapped[str | None]
    instructor_response_at: Mapped[dt.datetime | None]

    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        *at_least(0, "helpful_count", "unhelpful_count"),
        UniqueConstraint("course_id", "user_id"),
        Index(None, "course_id", "created_at", "id"),
        Index(None, "course_id", "rating", "created_at", "id"),
        Index(None, "course_id", "helpful_count", "created_at", "id"),
    )


class RatingVote(Identified, Created, Base):
    """Whether a review was of help to somebody."""

    __tablename__ = "rating_votes"

    rating_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("course_ratings.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    is_helpful: Mapped[bool]

    __table_args__ = (UniqueConstraint("rating_id", "user_id"),)
