"""Reads of annotations: each of one person's own."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, Lesson, LessonRevision, Module, VersionLesson
from lms_core.kernel.db import AnyRow
from lms_core.kernel.pagination import CursorPage, Page, cursor_page, page_of
from lms_core.learning.models import LessonAnnotation

_COLUMNS = (
    LessonAnnotation.id, LessonAnnotation.lesson_id, LessonAnnotation.kind, LessonAnnotation.position,
    LessonAnnotation.text, LessonAnnotation.created_at, LessonAnnotation.updated_at,
)  # fmt: skip


def annotation(connection: Connection | Session, user_id: uuid.UUID, annotation_id: uuid.UUID) -> AnyRow | None:
    """One annotation, None where it is not the person's."""
    mine = (LessonAnnotation.id == annotation_id, LessonAnnotation.user_id == user_id)
    return connection.execute(select(*_COLUMNS).where(*mine)).first()


def of_lesson(
    connection: Connection, user_id: uuid.UUID, lesson_id: uuid.UUID, *, kind: str | None, page: int, limit: int
) -> Page:
    """A person's own in a lesson: those on the whole of it, then by their place."""
    wanted = [LessonAnnotation.user_id == user_id, LessonAnnotation.lesson_id == lesson_id]
    if kind is not None:
        wanted.append(LessonAnnotation.kind == kind)
    order = (LessonAnnotation.position.nulls_first(), LessonAnnotation.created_at, LessonAnnotation.id)
    return page_of(connection, select(*_COLUMNS).where(*wanted).order_by(*order), page=page, limit=limit)


def of_person(
    connection: Connection,
    user_id: uuid.UUID,
    *,
    course_id: uuid.UUID | None,
    lesson_id: uuid.UUID | None,
    kind: str | None,
    search: str | None,
    cursor: str | None,
    limit: int,
) -> CursorPage:
    """A person's own in all lessons, the newest first, whatever became of the lesson and of the enrollment.

    A lesson is called what students see now, or saw last: what its authors write into the draft is not for them.
    """
    wanted = [LessonAnnotation.user_id == user_id]
    if course_id is not None:
        wanted.append(Module.course_id == course_id)
    if lesson_id is not None:
        wanted.append(LessonAnnotation.lesson_id == lesson_id)
    if kind is not None:
        wanted.append(LessonAnnotation.kind == kind)
    if search:
        wanted.append(LessonAnnotation.text.icontains(search, autoescape=True))
    shown = and_(VersionLesson.version_id == Course.version_id, VersionLesson.lesson_id == Lesson.id)
    statement = (
        select(
            *_COLUMNS, func.coalesce(LessonRevision.title, _last_title()).label("lesson_title"),
            Course.id.label("course_id"), Course.title.label("course_title"), Course.slug.label("course_slug"),
        )
        .join_from(LessonAnnotation, Lesson, Lesson.id == LessonAnnotation.lesson_id)
        .join(Module, Module.id == Lesson.module_id)
        .join(Course, Course.id == Module.course_id)
        .outerjoin(VersionLesson, shown)
        .outerjoin(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .where(*wanted)
    )  # fmt: skip
    order: list[Any] = [LessonAnnotation.created_at, LessonAnnotation.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)


def _last_title() -> ColumnElement[str]:
    """What a lesson was called when it was last published."""
    revision = LessonRevision.__table__.alias()
    newest = select(revision.c.title).where(revision.c.lesson_id == Lesson.id).order_by(revision.c.created_at.desc())
    return newest.limit(1).correlate(Lesson).scalar_subquery()
