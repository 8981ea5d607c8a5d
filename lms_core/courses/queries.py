"""Reads of the courses domain: functions that take a connection and answer rows of columns, never entities."""

import uuid
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course, Lesson, Module
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.security import CALLER

PERSON = (
    User.id.label("instructor_id"),
    (User.first_name + " " + User.last_name).label("instructor_name"),
    User.avatar_url.label("instructor_avatar_url"),
)
CARD = (
    Course.id, Course.code, Course.title, Course.slug, Course.category, Course.sub_category, Course.level,
    Course.language, Course.thumbnail_url, Course.duration_minutes, Course.price, Course.currency, Course.is_free,
    Course.enrollment_type, Course.tags, Course.rating_average, Course.rating_count, Course.enrolled_count,
    Course.is_published, Course.published_at,
)  # fmt: skip
DETAIL = (
    *CARD, Course.description, Course.syllabus, Course.intro_video_url, Course.max_students, Course.learning_outcomes,
    Course.requirements, Course.target_audience, Course.completion_certificate, Course.allow_discussion,
    Course.allow_download, Course.completed_count, Course.created_at, Course.updated_at, Course.archived_at,
)  # fmt: skip


def course_by(registry: Any, key: uuid.UUID | str) -> AnySelect:
    """The statement of a course by id or slug, with the caller's part."""
    which = Course.id == key if isinstance(key, uuid.UUID) else Course.slug == key
    return (
        select(*DETAIL, *PERSON, *access_columns(registry))
        .join_from(Course, User, User.id == Course.instructor_id)
        .where(which, Course.deleted_at.is_(None))
    )


def module_by(registry: Any, module_id: uuid.UUID) -> AnySelect:
    """The statement of a module, with its course and the caller's part."""
    return (
        select(
            Module.id, Module.title, Module.description, Module.order_index, Module.is_published, Module.unlock_type,
            Module.unlock_date, Module.prerequisites, Module.estimated_duration_minutes, Module.created_at,
            Module.updated_at, *access_columns(registry),
        )
        .join_from(Module, Course, Course.id == Module.course_id)
        .where(Module.id == module_id, Course.deleted_at.is_(None))
    )  # fmt: skip


LESSON = (
    Lesson.id, Lesson.module_id, Lesson.title, Lesson.description, Lesson.content_type, Lesson.content,
    Lesson.order_index, Lesson.duration_minutes, Lesson.min_seconds, Lesson.is_preview, Lesson.is_published,
    Lesson.allow_comments, Lesson.attachments, Lesson.transcript, Lesson.created_at, Lesson.updated_at,
)  # fmt: skip


def lesson_by(registry: Any, lesson_id: uuid.UUID) -> AnySelect:
    """The statement of a lesson, with its module, its course and the caller's part."""
    return (
        select(*LESSON, Module.is_published.label("module_is_published"), *access_columns(registry))
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .join(Course, Course.id == Module.course_id)
        .where(Lesson.id == lesson_id, Course.deleted_at.is_(None))
    )


def fetch(connection: Connection | Session, statement: AnySelect, caller: uuid.UUID | None) -> AnyRow | None:
    """The one row of a statement that knows the caller."""
    return connection.execute(statement, {CALLER.key: caller}).first()


def outline(connection: Connection, course_id: uuid.UUID, *, drafts: bool) -> list[AnyRow]:
    """The modules of a course in order, each with its lessons' titles, in one statement."""
    lesson = func.json_build_object(
        "id", Lesson.id, "title", Lesson.title, "contentType", Lesson.content_type,
        "durationMinutes", Lesson.duration_minutes, "orderIndex", Lesson.order_index,
        "isPreview", Lesson.is_preview, "isPublished", Lesson.is_published,
    )  # fmt: skip
    lessons = select(
        func.coalesce(func.json_agg(aggregate_order_by(lesson, Lesson.order_index)), func.json_build_array())
    ).where(Lesson.module_id == Module.id)
    statement = select(
        Module.id, Module.course_id, Module.title, Module.description, Module.order_index, Module.is_published,
        Module.unlock_type, Module.unlock_date, Module.estimated_duration_minutes, Module.created_at, Module.updated_at,
        (lessons if drafts else lessons.where(Lesson.is_published)).scalar_subquery().label("lessons"),
    ).where(Module.course_id == course_id)  # fmt: skip
    if not drafts:
        statement = statement.where(Module.is_published)
    return list(connection.execute(statement.order_by(Module.order_index)).all())


def lessons(connection: Connection, module_id: uuid.UUID, *, drafts: bool) -> list[AnyRow]:
    """The lessons of a module in order, without their content."""
    columns = [column for column in LESSON if column.key not in {"content", "attachments", "transcript"}]
    statement = select(*columns).where(Lesson.module_id == module_id).order_by(Lesson.order_index)
    return list(connection.execute(statement if drafts else statement.where(Lesson.is_published)).all())
