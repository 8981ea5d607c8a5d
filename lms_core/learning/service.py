"""Commands on progress. Each runs in the caller's transaction; raising rolls it back.

Every command locks the student's enrollment first: what one student does in one course happens one after another,
so the last two lessons completed at once still add up to a completed course, once.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, LessonRevision, VersionLesson
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _
from lms_core.learning.events import CourseCompleted
from lms_core.learning.models import LessonProgress, ModuleProgress


@dataclass(frozen=True, slots=True)
class LessonState:
    """What starting or completing a lesson answers; ``progress_percentage`` is the course's."""

    lesson_id: uuid.UUID
    status: str
    started_at: dt.datetime | None
    completed_at: dt.datetime | None
    progress_percentage: Decimal
    course_completed: bool


def start_lesson(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonState:
    """Begin a lesson, or come back to it: the first start stays. Raises 404 where the caller takes no such course."""
    now = core.clock()
    enrollment, _module_id, _minimum = _place(db, user_id, lesson_id)
    enrollment.started_at = enrollment.started_at or now
    enrollment.last_accessed_at = now
    begun = insert(LessonProgress).values(
        user_id=user_id, lesson_id=lesson_id, enrollment_id=enrollment.id, status="in_progress", started_at=now
    )
    db.execute(
        begun.on_conflict_do_update(
            index_elements=["user_id", "lesson_id"],
            set_={"status": "in_progress", "started_at": begun.excluded.started_at},
            where=LessonProgress.status == "not_started",
        )
    )
    return _state(db, enrollment, user_id, lesson_id)


def complete_lesson(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonState:
    """Complete a lesson that was started; a second time changes nothing.

    Raises 404 as for :func:`start_lesson`; 409 ``lesson_not_started``, ``minimum_time_not_reached`` (with
    ``Retry-After``: the seconds that are left).
    """
    now = core.clock()
    enrollment, module_id, minimum = _place(db, user_id, lesson_id)
    progress = _progress(db, user_id, lesson_id)
    if progress is None or progress.started_at is None:
        raise Conflict("lesson_not_started", _("Start the lesson before you complete it."))
    if progress.status == "completed":
        return _state(db, enrollment, user_id, lesson_id)
    left = minimum - (now - progress.started_at).total_seconds()
    if left > 0:
        raise Conflict("minimum_time_not_reached", _("Take some more time for this lesson."), retry_after=left)
    progress.status, progress.completed_at, progress.completion_percentage = "completed", now, Decimal(100)
    enrollment.last_accessed_at = now
    db.flush()
    _advance_module(db, enrollment, module_id, now)
    _advance_course(db, enrollment, now)
    return _state(db, enrollment, user_id, lesson_id)


def _place(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> tuple[Enrollment, uuid.UUID, int]:
    """The locked enrollment that a lesson belongs to, its module, and its minimum time in seconds."""
    row = db.execute(
        select(Enrollment, VersionLesson.module_id, LessonRevision.min_seconds)
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .join(VersionLesson, VersionLesson.version_id == Course.version_id)
        .join(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .where(VersionLesson.lesson_id == lesson_id, Enrollment.user_id == user_id, Enrollment.status.in_(TAKING))
        .with_for_update(of=Enrollment)
    ).first()
    if row is None:
        raise NotFound()
    return row[0], row[1], row[2]


def _progress(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonProgress | None:
    mine = (LessonProgress.user_id == user_id, LessonProgress.lesson_id == lesson_id)
    return db.scalar(select(LessonProgress).where(*mine).execution_options(populate_existing=True))


def _counted(enrollment: Enrollment) -> Any:
    """Select ``(total, done)`` of the published lessons of the course, for this student."""
    return (
        select(func.count().label("total"), func.count(LessonProgress.id).label("done"))
        .select_from(Course)
        .join(VersionLesson, VersionLesson.version_id == Course.version_id)
        .outerjoin(
            LessonProgress,
            (LessonProgress.lesson_id == VersionLesson.lesson_id)
            & (LessonProgress.user_id == enrollment.user_id)
            & (LessonProgress.status == "completed"),
        )
        .where(Course.id == enrollment.course_id)
    )


def _percentage(done: int, total: int) -> Decimal:
    """Rounded down to hundredths, so that only everything is 100."""
    return Decimal(done * 10_000 // total) / 100 if total else Decimal(0)


def _advance_module(db: Session, enrollment: Enrollment, module_id: uuid.UUID, now: dt.datetime) -> None:
    total, done = db.execute(_counted(enrollment).where(VersionLesson.module_id == module_id)).one()
    completed_at = now if total and done == total else None
    counted = insert(ModuleProgress).values(
        user_id=enrollment.user_id, module_id=module_id, enrollment_id=enrollment.id, lessons_total=total,
        lessons_completed=done, completion_percentage=_percentage(done, total), started_at=now,
        completed_at=completed_at,
    )  # fmt: skip
    db.execute(
        counted.on_conflict_do_update(
            index_elements=["user_id", "module_id"],
            set_={
                "lessons_total": counted.excluded.lessons_total,
                "lessons_completed": counted.excluded.lessons_completed,
                "completion_percentage": counted.excluded.completion_percentage,
                "completed_at": func.coalesce(ModuleProgress.completed_at, counted.excluded.completed_at),
            },
        )
    )


def _advance_course(db: Session, enrollment: Enrollment, now: dt.datetime) -> None:
    total, done = db.execute(_counted(enrollment)).one()
    enrollment.lessons_total, enrollment.lessons_completed = total, done
    if enrollment.status == "completed":
        db.flush()
        return
    enrollment.progress_percentage = _percentage(done, total)
    if total and done == total:
        enrollment.status, enrollment.completed_at = "completed", now
        title = db.scalar(select(Course.title).where(Course.id == enrollment.course_id)) or ""
        completed = CourseCompleted(enrollment.user_id, enrollment.course_id, enrollment.id, title)
        publish(db, completed, actor_id=enrollment.user_id)
    db.flush()


def _state(db: Session, enrollment: Enrollment, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonState:
    row = db.execute(
        select(LessonProgress.status, LessonProgress.started_at, LessonProgress.completed_at).where(
            LessonProgress.user_id == user_id, LessonProgress.lesson_id == lesson_id
        )
    ).one()
    return LessonState(
        lesson_id=lesson_id,
        status=row.status,
        started_at=row.started_at,
        completed_at=row.completed_at,
        progress_percentage=enrollment.progress_percentage,
        course_completed=enrollment.completed_at is not None,
    )
