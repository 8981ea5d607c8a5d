"""Reads of the courses domain: functions that take a connection and answer rows of columns, never entities."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.access import access_columns
from lms_core.courses.freezing import IN_DRAFT, LESSON_FACTS, MODULE_FACTS, columns
from lms_core.courses.models import (
    METHOD_SETTINGS,
    Course,
    Lesson,
    LessonRevision,
    Module,
    VersionLesson,
    VersionModule,
)
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.security import CALLER
from lms_core.kernel.traversal import parse_uuid

PERSON = (
    User.id.label("instructor_id"),
    User.full_name.label("instructor_name"),
    User.avatar_url.label("instructor_avatar_url"),
)
_MINUTES = case((Course.is_published, Course.published_minutes), else_=Course.duration_minutes).label(
    "duration_minutes"
)
"""What is published is as long as its version, whatever becomes of the draft."""
CARD = (
    Course.id, Course.code, Course.title, Course.slug, Course.category, Course.sub_category, Course.level,
    Course.language, Course.thumbnail_url, _MINUTES, Course.price, Course.currency, Course.is_free,
    Course.enrollment_type, Course.tags, Course.rating_average, Course.rating_count, Course.enrolled_count,
    Course.is_published, Course.published_at, Course.archived_at,
)  # fmt: skip
# A cover that was drawn is nobody's choice.
_CHOSEN = case((Course.thumbnail_chosen, Course.thumbnail_file_id)).label("thumbnail_file_id")
ENROLLMENT_SETTINGS = func.coalesce(
    Course.settings[METHOD_SETTINGS][Course.enrollment_type], func.jsonb_build_object(), type_=JSONB()
).label("enrollment_settings")
"""What the author chose for the way that people join the course by."""
DETAIL = (
    *CARD, ENROLLMENT_SETTINGS, Course.enrollment_opens_at, Course.enrollment_closes_at, Course.waiting_list,
    Course.prerequisites,
    Course.description, Course.syllabus, Course.intro_video_url, Course.max_students, Course.learning_outcomes,
    Course.requirements, Course.target_audience, Course.completion_certificate, Course.certificate_months,
    Course.allow_discussion, Course.allow_download, Course.completed_count, Course.created_at, Course.updated_at,
    Course.deleted_at, Course.duration_minutes.label("draft_duration_minutes"), _CHOSEN,
)  # fmt: skip


def course_by(registry: Any, key: uuid.UUID | str) -> AnySelect:
    """The statement of a course by id or slug, with the caller's part. Deleted ones are found by id only."""
    which = Course.id == key if isinstance(key, uuid.UUID) else and_(Course.slug == key, Course.deleted_at.is_(None))
    return (
        select(*DETAIL, *PERSON, *access_columns(registry))
        .join_from(Course, User, User.id == Course.instructor_id)
        .where(which)
    )


def detail(connection: Connection | Session, course_id: uuid.UUID) -> AnyRow | None:
    """What a course says of itself, whoever asks; None where it is not there or deleted."""
    return connection.execute(select(*DETAIL).where(Course.id == course_id, Course.deleted_at.is_(None))).first()


def hold_course(db: Session, course_id: uuid.UUID) -> None:
    """Lock a course until the transaction ends: before any enrollment in it, since triggers count these in the course.

    So nobody waits for who waits for them.
    """
    db.execute(select(Course.id).where(Course.id == course_id).with_for_update(key_share=True))


IN_CATALOG: ColumnElement[bool] = and_(Course.is_published, Course.deleted_at.is_(None), Course.archived_at.is_(None))
"""``Course.in_catalog``, in SQL."""


def is_called(code: str) -> ColumnElement[bool]:
    """Whether a course has this code; nobody is held to capitals."""
    return func.lower(Course.code) == code.lower()


def course_named(connection: Connection | Session, name: str) -> uuid.UUID | None:
    """The course that somebody calls by its id, its slug or its code, the first of these that fits; or None."""
    key = parse_uuid(name)
    fits = [*([Course.id == key] if key is not None else []), Course.slug == name, is_called(name)]
    wanted = select(Course.id).where(or_(*fits), Course.deleted_at.is_(None))
    ranked = wanted.order_by(*(fit.desc().nulls_last() for fit in fits)).limit(1)
    return connection.execute(ranked).scalar_one_or_none()


def module_by(registry: Any, module_id: uuid.UUID) -> AnySelect:
    """The statement that says where a module stands: in the draft, in what students see, in which course."""
    return (
        select(
            Module.id, Module.updated_at, Module.deleted_at.is_(None).label("in_draft"),
            VersionModule.module_id.is_not(None).label("in_version"), *access_columns(registry),
        )
        .join_from(Module, Course, Course.id == Module.course_id)
        .outerjoin(
            VersionModule, and_(VersionModule.version_id == Course.version_id, VersionModule.module_id == Module.id)
        )
        .where(Module.id == module_id, Course.deleted_at.is_(None))
    )  # fmt: skip


def lesson_by(registry: Any, lesson_id: uuid.UUID) -> AnySelect:
    """The statement that says where a lesson stands, as :func:`module_by`, and who may look into it."""
    return (
        select(
            Lesson.id, Lesson.module_id, Lesson.updated_at, IN_DRAFT.label("in_draft"),
            VersionLesson.lesson_id.is_not(None).label("in_version"), LessonRevision.is_preview,
            VersionLesson.module_id.label("version_module_id"), registry.lesson_gate.condition.label("part_open"),
            *access_columns(registry),
        )
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .join(Course, Course.id == Module.course_id)
        .outerjoin(
            VersionLesson, and_(VersionLesson.version_id == Course.version_id, VersionLesson.lesson_id == Lesson.id)
        )
        .outerjoin(
            VersionModule,
            and_(
                VersionModule.version_id == VersionLesson.version_id, VersionModule.module_id == VersionLesson.module_id
            ),
        )
        .outerjoin(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .where(Lesson.id == lesson_id, Course.deleted_at.is_(None))
    )  # fmt: skip


def fetch(connection: Connection | Session, statement: AnySelect, caller: uuid.UUID | None) -> AnyRow | None:
    """The one row of a statement that knows the caller."""
    return connection.execute(statement, {CALLER.key: caller}).first()


# What a course is made of, in one of its states: ``version_id`` names a frozen one, None is the draft.


def _modules(version_id: uuid.UUID | None) -> AnySelect:
    if version_id is None:
        own = (Module.order_index, Module.is_published, *columns(Module, MODULE_FACTS))
        kept = select(Module.id, Module.course_id, *own, Module.created_at, Module.updated_at)
        return kept.where(Module.deleted_at.is_(None)).order_by(Module.order_index)
    frozen = (VersionModule.place.label("order_index"), true().label("is_published"))
    return (
        select(
            Module.id, Module.course_id, *frozen, *columns(VersionModule, MODULE_FACTS), Module.created_at,
            Module.updated_at,
        )
        .join_from(VersionModule, Module, Module.id == VersionModule.module_id)
        .where(VersionModule.version_id == version_id)
        .order_by(VersionModule.place)
    )  # fmt: skip


def _lessons(version_id: uuid.UUID | None, facts: Sequence[str]) -> AnySelect:
    if version_id is None:
        own = (Lesson.module_id, Lesson.order_index, Lesson.is_published, *_shown(Lesson, facts))
        kept = select(Lesson.id, *own, Lesson.created_at, Lesson.updated_at)
        return kept.where(Lesson.deleted_at.is_(None)).order_by(Lesson.order_index)
    frozen = (VersionLesson.module_id, VersionLesson.place.label("order_index"), true().label("is_published"))
    return (
        select(Lesson.id, *frozen, *_shown(LessonRevision, facts), Lesson.created_at, Lesson.updated_at)
        .join_from(VersionLesson, LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .join(Lesson, Lesson.id == VersionLesson.lesson_id)
        .where(VersionLesson.version_id == version_id)
        .order_by(VersionLesson.place)
    )


def _shown(model: type[Lesson] | type[LessonRevision], facts: Sequence[str]) -> list[Any]:
    """The columns; what was found out about the content is shown as part of it, unless it is asked for by itself."""
    if "derived" in facts:
        return columns(model, facts)
    whole = model.content.op("||", return_type=JSONB())(model.derived).label("content")
    return [whole if name == "content" else getattr(model, name) for name in facts]


WHOLE = tuple(name for name in LESSON_FACTS if name not in {"derived", "duration_given"})
LIGHT = tuple(name for name in WHOLE if name not in {"content", "attachments", "transcript"})
"""What a list has of a lesson."""


def module(connection: Connection | Session, module_id: uuid.UUID, version_id: uuid.UUID | None) -> AnyRow | None:
    """A module of the draft or of a version, or None."""
    return connection.execute(_modules(version_id).where(Module.id == module_id)).first()


def lesson(connection: Connection | Session, lesson_id: uuid.UUID, version_id: uuid.UUID | None) -> AnyRow | None:
    """A lesson of the draft or of a version with its content, or None."""
    return connection.execute(_lessons(version_id, WHOLE).where(Lesson.id == lesson_id)).first()


def lessons(connection: Connection | Session, module_id: uuid.UUID, version_id: uuid.UUID | None) -> list[AnyRow]:
    """The lessons of a module in order, without their content."""
    module_of = Lesson.module_id if version_id is None else VersionLesson.module_id
    return list(connection.execute(_lessons(version_id, LIGHT).where(module_of == module_id)).all())


def contents(
    connection: Connection | Session, course_id: uuid.UUID, version_id: uuid.UUID | None
) -> tuple[list[AnyRow], list[AnyRow]]:
    """The modules of a course, and all its lessons with their content, each in order."""
    modules = connection.execute(_modules(version_id).where(Module.course_id == course_id)).all()
    module_of = Lesson.module_id if version_id is None else VersionLesson.module_id
    mine = module_of.in_([module.id for module in modules])
    return list(modules), list(connection.execute(_lessons(version_id, LESSON_FACTS).where(mine)).all())


def outline(connection: Connection | Session, course_id: uuid.UUID, version_id: uuid.UUID | None) -> list[AnyRow]:
    """The modules of a course in order, each with its lessons' titles, in one statement."""
    made = _lessons(version_id, ("title", "content_type", "duration_minutes", "is_preview")).order_by(None).subquery()
    summary = func.json_build_object(
        "id", made.c.id, "title", made.c.title, "contentType", made.c.content_type,
        "durationMinutes", made.c.duration_minutes, "orderIndex", made.c.order_index,
        "isPreview", made.c.is_preview, "isPublished", made.c.is_published,
    )  # fmt: skip
    gathered = (
        select(func.coalesce(func.json_agg(aggregate_order_by(summary, made.c.order_index)), func.json_build_array()))
        .where(made.c.module_id == Module.id)
        .correlate(Module)
        .scalar_subquery()
    )
    statement = _modules(version_id).add_columns(gathered.label("lessons")).where(Module.course_id == course_id)
    return list(connection.execute(statement).all())
