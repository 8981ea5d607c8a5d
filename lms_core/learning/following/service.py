"""Commands that bring progress to what a course shows now. Each runs in the caller's transaction."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion, VersionLesson, VersionModule
from lms_core.enrollment.lifecycle.service import complete
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.queries import done_of, percentage

ADJUSTED = (*TAKING, "suspended")
"""The states of an enrollment in which progress follows the course."""


def adjust(db: Session, core: Core, course_id: uuid.UUID, *, after: uuid.UUID | None, limit: int) -> uuid.UUID | None:
    """Bring the progress of the next ``limit`` students of a course to what it shows now.

    Answers the last enrollment of a full batch, None where there are no more. A lesson that is gone no longer counts, a
    new one has to be done; a completion stays, and whoever has done all that is left completes the course.
    """
    chosen = select(Enrollment).where(Enrollment.course_id == course_id, Enrollment.status.in_(ADJUSTED))
    if after is not None:
        chosen = chosen.where(Enrollment.id > after)
    # Locked before anything is counted: what a student completes meanwhile waits, and is counted on top.
    batch = db.scalars(chosen.order_by(Enrollment.id).limit(limit).with_for_update()).all()
    _adjust(db, core, course_id, batch)
    return batch[-1].id if len(batch) == limit else None


def adjust_one(db: Session, core: Core, enrollment_id: uuid.UUID) -> None:
    """Bring one student's progress to what the course shows now: somebody who comes back to it."""
    chosen = select(Enrollment).where(Enrollment.id == enrollment_id, Enrollment.status.in_(ADJUSTED))
    for enrollment in db.scalars(chosen.with_for_update()).all():
        _adjust(db, core, enrollment.course_id, [enrollment])


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
    _adjust_modules(db, version, mine, core.clock())
    for enrollment in batch:
        db.refresh(enrollment)
        if enrollment.status == "active" and 0 < version.lessons_total == enrollment.lessons_completed:
            complete(db, enrollment, core.clock())
    db.flush()


def _adjust_courses(db: Session, version: Any, mine: ColumnElement[bool]) -> None:
    done = (
        done_of(version.id).where(LessonProgress.user_id == Enrollment.user_id).correlate(Enrollment).scalar_subquery()
    )
    share = case(
        (Enrollment.completed_at.is_not(None), Enrollment.progress_percentage),
        else_=percentage(done, version.lessons_total),
    )
    db.execute(
        update(Enrollment)
        .where(mine)
        .values(lessons_total=version.lessons_total, lessons_completed=done, progress_percentage=share),
        execution_options={"synchronize_session": False},
    )


def _adjust_modules(db: Session, version: Any, mine: ColumnElement[bool], now: dt.datetime) -> None:
    of_module = (
        done_of(version.id)
        .where(LessonProgress.user_id == Enrollment.user_id, VersionLesson.module_id == VersionModule.module_id)
        .correlate(Enrollment, VersionModule)
        .scalar_subquery()
    )
    begun = exists().where(
        ModuleProgress.user_id == Enrollment.user_id, ModuleProgress.module_id == VersionModule.module_id
    )
    counted = (
        select(
            Enrollment.user_id, Enrollment.id.label("enrollment_id"), VersionModule.module_id,
            VersionModule.lessons_total, of_module.label("done"), begun.label("begun"),
        )
        .join_from(Enrollment, VersionModule, VersionModule.version_id == version.id)
        .where(mine)
        .subquery()
    )  # fmt: skip
    total, done = counted.c.lessons_total, counted.c.done
    table: Any = ModuleProgress.__table__
    fresh = insert(table).from_select(
        ["user_id", "enrollment_id", "module_id", "lessons_total", "lessons_completed", "completion_percentage",
         "completed_at"],
        select(counted.c.user_id, counted.c.enrollment_id, counted.c.module_id, total, done, percentage(done, total),
               case((done == total, literal(now))))
        .where(or_(done > 0, counted.c.begun)),
        include_defaults=False,
    )  # fmt: skip
    kept: dict[str, Any] = {
        name: fresh.excluded[name] for name in ("lessons_total", "lessons_completed", "completion_percentage")
    }
    kept["completed_at"] = func.coalesce(table.c.completed_at, fresh.excluded.completed_at)
    db.execute(fresh.on_conflict_do_update(index_elements=["user_id", "module_id"], set_=kept))
