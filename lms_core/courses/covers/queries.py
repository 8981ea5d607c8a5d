"""Who may see a course's cover."""

from sqlalchemy import ColumnElement, exists, or_

from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.kernel.security import CALLER


def shows_cover() -> ColumnElement[bool]:
    """Whether a file is the cover of a course that the catalog shows, or that the caller owns."""
    return exists().where(
        Course.thumbnail_file_id == FileUpload.id,
        Course.deleted_at.is_(None),
        or_(Course.is_published, Course.instructor_id == CALLER),
    )


def has_cover() -> ColumnElement[bool]:
    """Whether a file is the cover of any course, deleted ones included."""
    return exists().where(Course.thumbnail_file_id == FileUpload.id)
