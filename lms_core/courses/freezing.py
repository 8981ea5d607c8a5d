"""Freezing the draft of a course, in statements over all of it: as many for five hundred lessons as for one."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Update,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from lms_core.courses.models import (
    Course,
    CourseVersion,
    Lesson,
    LessonFacts,
    LessonRevision,
    Module,
    ModuleFacts,
    VersionLesson,
    VersionModule,
)
from lms_core.kernel.db import Base


def _facts(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name in vars(kind)["__annotations__"])


LESSON_FACTS = _facts(LessonFacts)
MODULE_FACTS = _facts(ModuleFacts)
MODULE_WORDS = tuple(name for name in MODULE_FACTS if name != "estimated_duration_minutes")
"""What an author says of a module: its duration follows from its lessons, and is no change of its own."""


def columns(model: Any, names: Sequence[str]) -> list[Any]:
    """The model's columns of these names."""
    return [getattr(model, name) for name in names]


def digest(model: Any, names: Sequence[str]) -> ColumnElement[str]:
    """SHA-256 over the columns, in lower-case hex: equal where they are, whichever table they stand in."""
    written = cast(func.jsonb_build_array(*columns(model, names)), Text)
    return func.encode(func.sha256(func.convert_to(written, literal("UTF8"))), literal("hex"))


IN_DRAFT = and_(Module.deleted_at.is_(None), Lesson.deleted_at.is_(None))
OFFERED = and_(IN_DRAFT, Module.is_published, Lesson.is_published)
"""What of the draft the next version has."""


def filled(model: type[Base], names: Sequence[str], source: Select[Any]) -> Insert:
    """The statement that inserts what another selects; ids are the database's, one for each row."""
    table: Any = model.__table__  # A Table, though the class says no more than that it selects.
    return insert(table).from_select(list(names), source, include_defaults=False)


def freeze(db: Session, version_ids: Sequence[uuid.UUID]) -> None:
    """Fill versions that were just made with what their courses' drafts offer, for students to see.

    The courses have to be locked.
    """
    wanted = CourseVersion.id == any_(bindparam("versions", type_=ARRAY(Uuid)))
    chosen = {"versions": list(version_ids)}
    lessons = select(func.count()).where(Lesson.module_id == Module.id, OFFERED).correlate(Module).scalar_subquery()
    modules = (
        select(CourseVersion.id, Module.id, Module.order_index, lessons, *columns(Module, MODULE_FACTS))
        .join_from(CourseVersion, Module, Module.course_id == CourseVersion.course_id)
        .where(wanted, Module.deleted_at.is_(None), Module.is_published)
    )
    db.execute(
        filled(VersionModule, ["version_id", "module_id", "place", "lessons_total", *MODULE_FACTS], modules), chosen
    )
    offered = (
        select()
        .select_from(CourseVersion)
        .join(Module, Module.course_id == CourseVersion.course_id)
        .join(Lesson, Lesson.module_id == Module.id)
        .where(wanted, OFFERED)
    )
    states = offered.add_columns(Lesson.id, digest(Lesson, LESSON_FACTS), *columns(Lesson, LESSON_FACTS))
    kept = filled(LessonRevision, ["lesson_id", "digest", *LESSON_FACTS], states)
    db.execute(kept.on_conflict_do_nothing(), chosen)
    places = offered.join(
        LessonRevision,
        and_(LessonRevision.lesson_id == Lesson.id, LessonRevision.digest == digest(Lesson, LESSON_FACTS)),
    ).add_columns(CourseVersion.id, Lesson.id, Lesson.module_id, Lesson.order_index, LessonRevision.id)
    db.execute(filled(VersionLesson, ["version_id", "lesson_id", "module_id", "place", "revision_id"], places), chosen)
    counted = select(func.count()).where(VersionLesson.version_id == CourseVersion.id).scalar_subquery()
    db.execute(
        update(CourseVersion).where(wanted).values(lessons_total=counted),
        chosen,
        execution_options={"synchronize_session": False},
    )
    db.execute(_sum_minutes().where(wanted), chosen, execution_options={"synchronize_session": False})


def _sum_minutes() -> Update:
    """The statement that says at courses how long their versions are; which versions, is to be added."""
    minutes = select(func.coalesce(func.sum(VersionModule.estimated_duration_minutes), 0))
    of_version = minutes.where(VersionModule.version_id == CourseVersion.id).scalar_subquery()
    changed = (CourseVersion.course_id == Course.id, Course.published_minutes != of_version)
    return update(Course).where(*changed).values(published_minutes=of_version)


def follow(db: Session, revision_ids: Sequence[uuid.UUID]) -> None:
    """What was found out about lessons once they were frozen has been put into their revisions: the rest follows.

    The course has to be locked. Of states of a lesson that are equal by now, one stands for the others from here on.
    """
    revision_ids = _merged(db, revision_ids)
    silently = {"synchronize_session": False}
    db.execute(
        update(LessonRevision)
        .where(LessonRevision.id.in_(revision_ids))
        .values(digest=digest(LessonRevision, LESSON_FACTS)),
        execution_options=silently,
    )
    amended = select(VersionLesson.version_id).where(VersionLesson.revision_id.in_(revision_ids))
    db.execute(
        update(CourseVersion).where(CourseVersion.id.in_(amended)).values(amendments=CourseVersion.amendments + 1),
        execution_options=silently,
    )
    of_module = and_(
        VersionLesson.version_id == VersionModule.version_id, VersionLesson.module_id == VersionModule.module_id
    )
    minutes = (
        select(func.coalesce(func.sum(LessonRevision.duration_minutes), 0))
        .join_from(VersionLesson, LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .where(of_module)
        .correlate(VersionModule)
        .scalar_subquery()
    )
    concerned = exists().where(of_module, VersionLesson.revision_id.in_(revision_ids)).correlate(VersionModule)
    db.execute(
        update(VersionModule).where(concerned).values(estimated_duration_minutes=minutes), execution_options=silently
    )
    shown = (CourseVersion.id == Course.version_id, CourseVersion.id.in_(amended))
    db.execute(_sum_minutes().where(*shown), execution_options=silently)


def _merged(db: Session, revision_ids: Sequence[uuid.UUID]) -> Sequence[uuid.UUID]:
    """The revisions that stand for these; whichever is equal to another goes, and its versions have that one."""
    mine = LessonRevision.id.in_(revision_ids)
    facts = case((mine, digest(LessonRevision, LESSON_FACTS)), else_=LessonRevision.digest)
    first = func.first_value(LessonRevision.id).over(
        partition_by=(LessonRevision.lesson_id, facts), order_by=(mine, LessonRevision.id)
    )
    of_lessons = LessonRevision.lesson_id.in_(select(LessonRevision.lesson_id).where(mine))
    found = select(LessonRevision.id, first.label("kept")).where(of_lessons).subquery()
    stand_ins = {row.id: row.kept for row in db.execute(select(found).where(found.c.id.in_(revision_ids)))}
    for revision_id, kept in stand_ins.items():
        if kept != revision_id:
            of_versions = update(VersionLesson).where(VersionLesson.revision_id == revision_id)
            db.execute(of_versions.values(revision_id=kept), execution_options={"synchronize_session": False})
            gone = delete(LessonRevision).where(LessonRevision.id == revision_id)
            db.execute(gone, execution_options={"synchronize_session": False})
    return list(set(stand_ins.values()))
