"""Commands on versions: putting an old one back into the draft, and saying what one is about."""

import uuid
from typing import Any

from sqlalchemy import Integer, cast, func, literal, select, update
from sqlalchemy.orm import Session

from lms_core.courses.freezing import LESSON_FACTS, MODULE_FACTS
from lms_core.courses.models import CourseVersion, Lesson, LessonRevision, Module, VersionLesson, VersionModule
from lms_core.courses.service import lock_course, roll_up_durations
from lms_core.kernel.errors import NotFound

_SET_BASED = {"synchronize_session": False}


def annotate(db: Session, course_id: uuid.UUID, number: int, note: str | None) -> None:
    """Say what a version is about. Raises 404."""
    chosen = update(CourseVersion).where(CourseVersion.course_id == course_id, CourseVersion.number == number)
    if db.execute(chosen.values(note=note).returning(CourseVersion.id)).first() is None:
        raise NotFound()


def restore(db: Session, course_id: uuid.UUID, number: int) -> None:
    """Make the draft what a version was; students see it with the next publication.

    Whatever the version does not have is not lost: it stays in the draft behind the rest, unpublished. Raises 404, and
    409 ``course_archived``.
    """
    lock_course(db, course_id)
    wanted = select(CourseVersion.id).where(CourseVersion.course_id == course_id, CourseVersion.number == number)
    version_id = db.scalar(wanted)
    if version_id is None:
        raise NotFound()
    db.flush()
    _restore_modules(db, course_id, version_id)
    _restore_lessons(db, course_id, version_id)
    roll_up_durations(db, course_id)
    db.expire_all()


def _restore_modules(db: Session, course_id: uuid.UUID, version_id: uuid.UUID) -> None:
    mine = Module.course_id == course_id
    kept = select(VersionModule.module_id).where(VersionModule.version_id == version_id)
    behind = select(func.coalesce(func.max(VersionModule.place), literal(-1))).where(
        VersionModule.version_id == version_id
    )
    others = (
        select(Module.id, _rank(behind, Module).label("place"))
        .where(mine, Module.deleted_at.is_(None), Module.id.not_in(kept))
        .subquery()
    )
    _put_aside(db, Module, others)
    db.execute(
        update(Module)
        .where(mine, VersionModule.version_id == version_id, VersionModule.module_id == Module.id)
        .values(
            {name: getattr(VersionModule, name) for name in MODULE_FACTS}
            | {"order_index": VersionModule.place, "is_published": True, "deleted_at": None}
        ),
        execution_options=_SET_BASED,
    )


def _restore_lessons(db: Session, course_id: uuid.UUID, version_id: uuid.UUID) -> None:
    kept = select(VersionLesson.lesson_id).where(VersionLesson.version_id == version_id)
    behind = (
        select(func.coalesce(func.max(VersionLesson.place), literal(-1)))
        .where(VersionLesson.version_id == version_id, VersionLesson.module_id == Lesson.module_id)
        .correlate(Lesson)
    )
    others = (
        select(Lesson.id, _rank(behind, Lesson, Lesson.module_id).label("place"))
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .where(Module.course_id == course_id, Lesson.deleted_at.is_(None), Lesson.id.not_in(kept))
        .subquery()
    )
    _put_aside(db, Lesson, others)
    db.execute(
        update(Lesson)
        .where(
            VersionLesson.version_id == version_id,
            VersionLesson.lesson_id == Lesson.id,
            LessonRevision.id == VersionLesson.revision_id,
        )
        .values(
            {name: getattr(LessonRevision, name) for name in LESSON_FACTS}
            | {"module_id": VersionLesson.module_id, "order_index": VersionLesson.place}
            | {"is_published": True, "deleted_at": None}
        ),
        execution_options=_SET_BASED,
    )


def _rank(behind: Any, model: Any, within: Any = None) -> Any:
    """The places behind the version's own, in the order that there is."""
    number = func.row_number().over(partition_by=within, order_by=model.order_index)
    return cast(behind.scalar_subquery() + number, Integer)


def _put_aside(db: Session, model: Any, others: Any) -> None:
    db.execute(
        update(model).where(model.id == others.c.id).values(order_index=others.c.place, is_published=False),
        execution_options=_SET_BASED,
    )
