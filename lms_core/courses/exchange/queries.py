"""Reads of exports and imports."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select, text
from sqlalchemy.orm import Session

from lms_core.courses.access import access_columns
from lms_core.courses.exchange.models import UNFINISHED, CourseExport, CourseImport
from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.kernel.db import AnyRow
from lms_core.kernel.security import CALLER

_JOB = ("id", "requested_by", "status", "error", "detail", "created_at", "started_at", "finished_at", "expires_at")
_EXPORT = (
    *_JOB, "version", "format", "lost", "file_name", "file_size", "mime_type", "checksum", "storage_provider",
    "storage_path",
)  # fmt: skip
_IMPORT = (*_JOB, "file_id", "publish", "course_id", "modules", "lessons", "files", "skipped")


def export(
    registry: Any, connection: Connection | Session, export_id: uuid.UUID, caller: uuid.UUID | None
) -> AnyRow | None:
    """An export, with the caller's part in its course."""
    # Of the names that a stored file goes by elsewhere, it has all but this one.
    uploaded = CourseExport.finished_at.label("uploaded_at")
    own = [getattr(CourseExport, name) for name in _EXPORT]
    statement = (
        select(*own, uploaded, *access_columns(registry))
        .join_from(CourseExport, Course, Course.id == CourseExport.course_id)
        .where(CourseExport.id == export_id)
    )
    return connection.execute(statement, {CALLER.key: caller}).first()


def course_import(connection: Connection | Session, import_id: uuid.UUID) -> AnyRow | None:
    """An import."""
    own = [getattr(CourseImport, name) for name in _IMPORT]
    return connection.execute(select(*own).where(CourseImport.id == import_id)).first()


def awaits_import() -> ColumnElement[bool]:
    """Whether a file is still to be imported, as a condition on ``file_uploads``."""
    waiting = exists().where(CourseImport.file_id == FileUpload.id, text(f"course_imports.{UNFINISHED}"))
    return waiting.correlate(FileUpload)


def ended_export(connection: Connection | Session, export_id: uuid.UUID) -> AnyRow | None:
    """What became of an export, with its course's title; None where it is gone."""
    own = [getattr(CourseExport, name) for name in (*_JOB, "course_id")]
    statement = select(*own, Course.title.label("course_title")).join(Course, Course.id == CourseExport.course_id)
    return connection.execute(statement.where(CourseExport.id == export_id)).first()


def ended_import(connection: Connection | Session, import_id: uuid.UUID) -> AnyRow | None:
    """What became of an import, with the title of the course that it made, and the name of its file; or None."""
    own = [getattr(CourseImport, name) for name in (*_JOB, "course_id", "skipped")]
    statement = (
        select(*own, Course.title.label("course_title"), FileUpload.file_name)
        .outerjoin(Course, Course.id == CourseImport.course_id)
        .outerjoin(FileUpload, FileUpload.id == CourseImport.file_id)
    )
    return connection.execute(statement.where(CourseImport.id == import_id)).first()
