"""Reads that authoring content needs."""

import uuid
from collections.abc import Collection

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from lms_core.courses.access import attached
from lms_core.courses.content.types import ContentFile
from lms_core.courses.models import Course, Lesson, LessonRevision, Module
from lms_core.files.models import INFECTED, FileUpload


def usable_files(
    db: Session, author_id: uuid.UUID, course_id: uuid.UUID | None, file_ids: Collection[uuid.UUID]
) -> list[ContentFile]:
    """Those of the files that the author may use in the course: their own, and what it has already; None is a new one.

    So whoever helps to run a course can go on with what another author has begun, and put back what a version has. The
    files stay until the transaction has ended.
    """
    of_course = (Module.course_id == course_id, Lesson.module_id == Module.id)
    here = exists().where(*of_course, attached(Lesson))
    before = exists().where(*of_course, LessonRevision.lesson_id == Lesson.id, attached(LessonRevision))
    picture = exists().where(Course.id == course_id, Course.thumbnail_file_id == FileUpload.id)
    statement = (
        select(
            FileUpload.id, FileUpload.file_name, FileUpload.file_size, FileUpload.mime_type,
            FileUpload.virus_scan_result,
        )
        .where(
            FileUpload.id.in_(file_ids),
            FileUpload.deleted_at.is_(None),
            or_(FileUpload.uploaded_by == author_id, here, before, picture),
        )
        .order_by(FileUpload.id)
        .with_for_update(read=True, key_share=True)
    )  # fmt: skip
    return [
        ContentFile(row.id, row.file_name, row.file_size, row.mime_type or "", row.virus_scan_result == INFECTED)
        for row in db.execute(statement)
    ]


def course_of(db: Session, lesson_id: uuid.UUID) -> uuid.UUID | None:
    """The course of a lesson, unless it is deleted. A lesson that is may still be part of a version."""
    return db.scalar(
        select(Course.id)
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .join(Course, Course.id == Module.course_id)
        .where(Lesson.id == lesson_id, Course.deleted_at.is_(None))
    )


def unseen(db: Session, lesson_id: uuid.UUID) -> list[Lesson | LessonRevision]:
    """The states of a lesson about which nothing was found out yet, as they are now."""
    nothing = func.jsonb_build_object()
    draft = select(Lesson).where(Lesson.id == lesson_id, Lesson.derived == nothing)
    frozen = select(LessonRevision).where(LessonRevision.lesson_id == lesson_id, LessonRevision.derived == nothing)
    fresh = {"populate_existing": True}
    found: list[Lesson | LessonRevision] = [*db.scalars(draft, execution_options=fresh)]
    return [*found, *db.scalars(frozen, execution_options=fresh)]
