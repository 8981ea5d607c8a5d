"""Commands on progress. Each runs in the caller's transaction; raising rolls it back.

Every command locks the student's enrollment first: what one student does in one course happens one after another,
so the last two lessons completed at once still add up to a completed course, once.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import and_, case, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion, LessonRevision, VersionLesson, VersionModule
from lms_core.enrollment.lifecycle.service import complete
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import IN_USE
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.i18n import _
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.queries import done_of, percentage
from lms_core.learning.unlocking.queries import open_lesson
from lms_core.learning.unlocking.service import enter_module, locked, record_unlocked


@dataclass(frozen=True, slots=True)
class LessonState:
    """What starting or completing a lesson answers; ``progress_percentage`` is the course's."""

    lesson_id: uuid.UUID
    status: str
    started_at: dt.datetime | None
    completed_at: dt.datetime | None
    progress_percentage: Decimal
    course_completed: bool
    unlocked: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a lesson stands for a student: the locked enrollment, and what students see of the course."""

    enrollment: Enrollment
    module_id: uuid.UUID
    version_id: uuid.UUID
    min_seconds: int
    module_total: int
    course_total: int
    is_open: bool
    entered_at: dt.datetime | None
    module_completed_at: dt.datetime | None


def start_lesson(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonState:
    """Begin a lesson, or come back to it: the first start stays.

    Raises 404 where the caller takes no such course, 403 ``module_locked``.
    """
    now = core.clock()
    place = _place(db, user_id, lesson_id)
    enrollment = place.enrollment
    if place.entered_at is None:
        enter_module(db, enrollment, place.module_id, place.module_total, now)
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

    Raises 404 and 403 as :func:`start_lesson` does; 409 ``lesson_not_started``, ``minimum_time_not_reached`` (with
    ``Retry-After``: the seconds that are left).
    """
    now = core.clock()
    place = _place(db, user_id, lesson_id)
    progress = _progress(db, user_id, lesson_id)
    if progress is None or progress.started_at is None:
        raise Conflict("lesson_not_started", _("Start the lesson before you complete it."))
    if progress.status == "completed":
        return _state(db, place.enrollment, user_id, lesson_id)
    left = place.min_seconds - (now - progress.started_at).total_seconds()
    if left > 0:
        raise Conflict("minimum_time_not_reached", _("Take some more time for this lesson."), retry_after=left)
    progress.status, progress.completed_at, progress.completion_percentage = "completed", now, Decimal(100)
    place.enrollment.last_accessed_at = now
    db.flush()
    completed = _advance_module(db, place, now)
    _advance_course(db, place, now)
    fresh = completed is not None and place.module_completed_at is None
    unlocked = record_unlocked(db, core, place.enrollment, place.version_id) if fresh else []
    return _state(db, place.enrollment, user_id, lesson_id, unlocked)


def _place(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> _Place:
    row = db.execute(
        select(
            Enrollment,
            VersionLesson.module_id,
            VersionLesson.version_id,
            LessonRevision.min_seconds,
            VersionModule.lessons_total,
            CourseVersion.lessons_total,
            open_lesson(literal(user_id)),
            ModuleProgress.started_at,
            ModuleProgress.completed_at,
        )
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .join(CourseVersion, CourseVersion.id == Course.version_id)
        .join(VersionLesson, VersionLesson.version_id == CourseVersion.id)
        .join(
            VersionModule,
            and_(VersionModule.version_id == CourseVersion.id, VersionModule.module_id == VersionLesson.module_id),
        )
        .join(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .outerjoin(
            ModuleProgress,
            and_(ModuleProgress.user_id == Enrollment.user_id, ModuleProgress.module_id == VersionModule.module_id),
        )
        .where(VersionLesson.lesson_id == lesson_id, Enrollment.user_id == user_id, IN_USE)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound()
    place = _Place(*row)
    if not place.is_open:
        raise locked(place.module_id)
    return place


def _progress(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonProgress | None:
    mine = (LessonProgress.user_id == user_id, LessonProgress.lesson_id == lesson_id)
    return db.scalar(select(LessonProgress).where(*mine).execution_options(populate_existing=True))


def _advance_module(db: Session, place: _Place, now: dt.datetime) -> dt.datetime | None:
    """One lesson more, in one statement: nothing is counted anew. Answers when the module was completed, if it is."""
    mine = insert(ModuleProgress).values(
        user_id=place.enrollment.user_id, module_id=place.module_id, enrollment_id=place.enrollment.id,
        lessons_total=place.module_total, lessons_completed=1, completion_percentage=percentage(1, place.module_total),
        completed_at=now if place.module_total == 1 else None,
    )  # fmt: skip
    done = func.least(ModuleProgress.lessons_completed + 1, place.module_total)
    return db.scalar(
        mine.on_conflict_do_update(
            index_elements=["user_id", "module_id"],
            set_={
                "lessons_total": place.module_total,
                "lessons_completed": done,
                "completion_percentage": percentage(done, place.module_total),
                "completed_at": func.coalesce(
                    ModuleProgress.completed_at, case((done == place.module_total, literal(now)))
                ),
            },
        ).returning(ModuleProgress.completed_at)
    )


def _advance_course(db: Session, place: _Place, now: dt.datetime) -> None:
    """One lesson more. What looks like all of them is counted once, for good: a completion is never taken back."""
    enrollment, total = place.enrollment, place.course_total
    done = min(enrollment.lessons_completed + 1, total)
    if done == total:
        done = db.scalar(done_of(place.version_id).where(LessonProgress.user_id == enrollment.user_id)) or 0
    enrollment.lessons_total, enrollment.lessons_completed = total, done
    if enrollment.completed_at is None:
        enrollment.progress_percentage = Decimal(done * 10_000 // total) / 100
        if done == total:
            complete(db, enrollment, now)
    db.flush()


def _state(
    db: Session,
    enrollment: Enrollment,
    user_id: uuid.UUID,
    lesson_id: uuid.UUID,
    unlocked: Sequence[uuid.UUID] = (),
) -> LessonState:
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
        unlocked=unlocked,
    )
