"""Commands that bring progress to what a course shows now. Each runs in the caller's transaction."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion, VersionLesson, VersionModule
from lms_core.courses.queries import hold_course
from lms_core.enrollment.lifecycle.service import complete
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.queries import done_of, goes_on, next_unfinished, percentage
from lms_core.learning.unlocking.queries import rules_of
from lms_core.learning.unlocking.service import record_unlocked

ADJUSTED = (*TAKING, "suspended")
"""The states of an enrollment in which progress follows the course."""


def adjust(db: Session, core: Core, course_id: uuid.UUID, *, after: uuid.UUID | None, limit: int) -> uuid.UUID | None:
    """Bring the progress of the next ``limit`` students of a course to what it shows now.

    Answers the last enrollment of a full batch, None where there are no more. A lesson that is gone no longer counts, a
    new one has to be done; a completion stays, and whoever has done all that is left completes the course.
    """
    hold_course(db, course_id)  # Whoever has done all that is left completes it.
    chosen = select(Enrollment).where(Enrollment.course_id == course_id, Enrollment.status.in_(ADJUSTED))
    if after is not None:
        chosen = chosen.where(Enrollment.id > after)
    # Locked before anything is counted: what a student completes meanwhile waits, and is counted on top.
    batch = db.scalars(chosen.order_by(Enrollment.id).limit(limit).with_for_update()).all()
    _adjust(db, core, course_id, batch)
    return batch[-1].id if len(batch) == limit else None


def adjust_one(db: Session, core: Core, enrollment_id: uuid.UUID) -> None:
    """Bring one student's progress to what the course shows now: somebody who comes back to it."""
    course_id = db.scalar(select(Enrollment.course_id).where(Enrollment.id == enrollment_id))
    if course_id is None:
        return
    hold_course(db, course_id)
    chosen = select(Enrollment).where(Enrollment.id == enrollment_id, Enrollment.status.in_(ADJUSTED))
    _adjust(db, core, course_id, db.scalars(chosen.with_for_update()).all())


def _adjust(db: Session, core: Core, course_id: uuid.UUID, batch: Sequence[Enrollment]) -> None:
    version = db.execute(
        select(CourseVersion.id, CourseVersion.lessons_total)
        .join(Course, Course.version_id == CourseVersion.id)
        .where(Course.id == course_id)
    ).one_or_none()
    if version is None:
        return
    mine = Enrollment.id.in_([each.id for each in batch])
    _adjust_courses(db, version, mine)
    completed = _adjust_modules(db, version, mine, core.clock())
    rules = rules_of(db.connection(), version.id) if completed else []
    for enrollment in _read_again(db, mine):
        if enrollment.user_id in completed:
            record_unlocked(db, core.clock(), enrollment, version.id, rules)
        if enrollment.status == "active" and 0 < version.lessons_total == enrollment.lessons_completed:
            complete(db, enrollment, core.clock())
    db.flush()


def _read_again(db: Session, mine: ColumnElement[bool]) -> Sequence[Enrollment]:
    ordered = select(Enrollment).where(mine).order_by(Enrollment.id)
    return db.scalars(ordered, execution_options={"populate_existing": True}).all()


def _adjust_courses(db: Session, version: Any, mine: ColumnElement[bool]) -> None:
    done = (
        done_of(version.id).where(LessonProgress.user_id == Enrollment.user_id).correlate(Enrollment).scalar_subquery()
    )
    share = case(
        (Enrollment.completed_at.is_not(None), Enrollment.progress_percentage),
        else_=percentage(done, version.lessons_total),
    )
    onward = next_unfinished(version.id, Enrollment.user_id).correlate(Enrollment).scalar_subquery()
    db.execute(
        update(Enrollment)
        .where(mine)
        .values(
            lessons_total=version.lessons_total,
            lessons_completed=done,
            progress_percentage=share,
            continue_lesson_id=case((goes_on(version.id), Enrollment.continue_lesson_id), else_=onward),
        ),
        execution_options={"synchronize_session": False},
    )


def _adjust_modules(db: Session, version: Any, mine: ColumnElement[bool], now: dt.datetime) -> set[uuid.UUID]:
    """Answers whose modules are complete by that: what was left of one is gone."""
    table: Any = ModuleProgress.__table__
    names = ("user_id", "enrollment_id", "module_id", "lessons_total", "lessons_completed", "completion_percentage",
             "time_spent_seconds", "completed_at")  # fmt: skip
    fresh = insert(table).from_select(names, _counted_modules(version, mine, now), include_defaults=False)
    kept: dict[str, Any] = {
        name: fresh.excluded[name]
        for name in ("lessons_total", "lessons_completed", "completion_percentage", "time_spent_seconds")
    }
    kept["completed_at"] = func.coalesce(table.c.completed_at, fresh.excluded.completed_at)
    adjusted = fresh.on_conflict_do_update(index_elements=["user_id", "module_id"], set_=kept)
    rows = db.execute(adjusted.returning(table.c.user_id, table.c.completed_at))
    return {row.user_id for row in rows if row.completed_at == now}


def _counted_modules(version: Any, mine: ColumnElement[bool], now: dt.datetime) -> Select[Any]:
    """The modules in which students have begun something, each as its lessons add up now.

    What was begun elsewhere and moved here does not open the module: ``started_at`` is left alone.
    """
    is_done = LessonProgress.status == "completed"
    lessons = (
        select(
            func.count().filter(is_done).label("done"),
            func.coalesce(func.sum(LessonProgress.time_spent_seconds), 0).label("seconds"),
            func.min(LessonProgress.started_at).label("started_at"),
        )
        .join_from(VersionLesson, LessonProgress, LessonProgress.lesson_id == VersionLesson.lesson_id)
        .where(
            VersionLesson.version_id == version.id,
            VersionLesson.module_id == VersionModule.module_id,
            LessonProgress.user_id == Enrollment.user_id,
        )
        .correlate(Enrollment, VersionModule)
        .lateral()
    )
    begun = exists().where(
        ModuleProgress.user_id == Enrollment.user_id, ModuleProgress.module_id == VersionModule.module_id
    )
    total, done = VersionModule.lessons_total, lessons.c.done
    return (
        select(
            Enrollment.user_id, Enrollment.id, VersionModule.module_id, total, done, percentage(done, total),
            lessons.c.seconds, case((done == total, literal(now))),
        )
        .join_from(Enrollment, VersionModule, VersionModule.version_id == version.id)
        .join(lessons, true())
        .where(mine, or_(lessons.c.started_at.is_not(None), done > 0, begun))
    )  # fmt: skip
