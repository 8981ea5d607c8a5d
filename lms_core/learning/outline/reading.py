"""The outline of a course for whoever asks."""

from typing import Any

from lms_core.courses.resources import CourseItem
from lms_core.kernel.errors import NotFound
from lms_core.kernel.request import Request
from lms_core.kernel.security import caller_id
from lms_core.learning.outline import queries
from lms_core.learning.outline.composing import Json, compose, show


def draft_outline(request: Request, course: CourseItem) -> Json:
    """The draft, for who runs the course."""
    return show(course.row, None, queries.draft(request.reader, course.id))


def published_outline(request: Request, course: CourseItem) -> Json:
    """What students see, for one of them or for anybody else. Raises 404 where nothing was published yet."""
    row: Any = course.row
    if row.course_version_id is None:
        raise NotFound()
    student = queries.student(request.reader, row.course_version_id, caller_id(request))
    structure = queries.structure(
        request.reader, request.registry.outlines, course.id, row.course_version_id, student.amendments
    )
    if course.drafts and student.enrollment_id is None:
        return show(row, student.number, structure)
    return compose(row, student, structure, request.core.clock())
