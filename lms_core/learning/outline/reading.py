"""The outline of a course for whoever asks."""

import uuid
from typing import Any

from lms_core.courses.access import may_in_course
from lms_core.courses.resources import CourseItem
from lms_core.kernel.errors import NotFound
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.security import caller_id
from lms_core.learning.outline import queries
from lms_core.learning.outline.composing import Json, compose, explain, show
from lms_core.learning.outline.structure import Structure


def draft_outline(request: Request, course: CourseItem) -> Json:
    """The draft, for who runs the course."""
    return show(course.row, None, queries.draft(request.reader, course.id))


def published_outline(request: Request, course: CourseItem) -> Json:
    """What students see, for one of them or for anybody else. Raises 404 where nothing was published yet."""
    student, structure = _read(request, course, caller_id(request))
    if course.drafts and student.enrollment_id is None:
        return show(course.row, student.number, structure)
    return compose(course.row, student, structure, request.core.clock())


def explanation(request: Request, course: CourseItem, student_id: uuid.UUID) -> Json:
    """What decides about each module for a student. Raises 404, and ``not_enrolled`` for who never took the course."""
    student, structure = _read(request, course, student_id)
    if student.enrollment_id is None:
        raise NotFound("not_enrolled", _("This person does not take the course."))
    grants = may_in_course(request, course.row, "accommodations:read")
    return explain(course.row, student_id, student, structure, request.core.clock(), grants=grants)


def _read(request: Request, course: CourseItem, student_id: uuid.UUID | None) -> tuple[Any, Structure]:
    version_id = course.row.course_version_id
    if version_id is None:
        raise NotFound()
    student = queries.student(request.reader, version_id, student_id)
    shelf = request.registry.outlines
    return student, queries.structure(request.reader, shelf, course.id, version_id, student.amendments)
