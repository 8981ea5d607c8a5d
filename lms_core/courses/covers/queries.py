"""Who may see a course's picture."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_

from lms_core.courses.access import is_staff
from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.kernel.security import CALLER


def shows_picture(registry: Any) -> ColumnElement[bool]:
    """Whether a file is the picture of a course that the caller may see, as a condition on ``file_uploads``.

    The same answers as ``CourseItem.__acl__`` gives, in SQL.
    """
    enrolled: ColumnElement[bool] = registry.course_parts.get("enrolled", false())
    shown = and_(Course.is_published, or_(Course.archived_at.is_(None), enrolled))
    of_course = exists().where(
        Course.thumbnail_file_id == FileUpload.id,
        or_(
            Course.instructor_id == CALLER,
            and_(Course.deleted_at.is_(None), or_(shown, is_staff("courses:read"))),
        ),
    )
    return of_course.correlate(FileUpload)


def has_picture() -> ColumnElement[bool]:
    """Whether a file is the picture of any course, deleted ones included."""
    return exists().where(Course.thumbnail_file_id == FileUpload.id)
