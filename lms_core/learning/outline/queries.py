"""What an outline needs to know of a student, in one statement, and of a version where it is not known already."""

import uuid
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from lms_core.courses import queries as courses
from lms_core.courses.models import CourseVersion
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.prepared import Prepared
from lms_core.learning.models import LessonProgress
from lms_core.learning.outline.structure import Shelf, Structure, structure_of
from lms_core.learning.unlocking.queries import STANDING

_NOTHING = text("''::bytea")


def _lessons(status: str, between: Any = _NOTHING) -> Any:
    """The ids of a student's lessons in this state, 16 bytes each."""
    mine = (LessonProgress.enrollment_id == Enrollment.id, LessonProgress.status == status)
    gathered = select(func.string_agg(func.uuid_send(LessonProgress.lesson_id), between)).where(*mine)
    return gathered.correlate(Enrollment).scalar_subquery()


_STUDENT = Prepared(
    STANDING.add_columns(
        CourseVersion.number, CourseVersion.amendments, CourseVersion.lessons_total, Enrollment.completed_at,
        Enrollment.progress_percentage, Enrollment.lessons_completed, _lessons("completed").label("done"),
        _lessons("in_progress", aggregate_order_by(_NOTHING, LessonProgress.started_at.desc())).label("begun"),
    )
)  # fmt: skip


def student(connection: Connection, version_id: uuid.UUID, student_id: uuid.UUID | None) -> Any:
    """A version, and what a student has done in it; null where they do not take the course, or nobody asks.

    ``done`` and ``begun`` are the ids of lessons, 16 bytes each; of those begun the last one comes first.
    """
    return _STUDENT.first(connection, version=version_id, student=student_id)


def structure(
    connection: Connection, shelf: Shelf, course_id: uuid.UUID, version_id: uuid.UUID, amendments: int
) -> Structure:
    """What everybody sees of a version: from the shelf, or read and put there."""
    found = shelf.get(version_id, amendments)
    if found is None:
        found = structure_of(courses.outline(connection, course_id, version_id))
        shelf.put(version_id, amendments, found)
    return found


def draft(connection: Connection, course_id: uuid.UUID) -> Structure:
    """The draft as it is now."""
    return structure_of(courses.outline(connection, course_id, None), draft=True)
