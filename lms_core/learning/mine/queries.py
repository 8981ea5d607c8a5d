"""The courses that somebody takes."""

import uuid

from sqlalchemy import Connection, func, select

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.pagination import Page, page_of


def my_courses(connection: Connection, user_id: uuid.UUID, *, page: int, limit: int, status: str | None) -> Page:
    """The courses somebody takes or took, the one used last first."""
    mine = [Enrollment.user_id == user_id, Course.deleted_at.is_(None)]
    mine.append(Enrollment.status == status if status else Enrollment.status != "dropped")
    statement = (
        select(
            Enrollment.id.label("enrollment_id"), Enrollment.status, Enrollment.enrolled_at, Enrollment.completed_at,
            Enrollment.expires_at, Enrollment.last_accessed_at, Enrollment.progress_percentage,
            Enrollment.lessons_completed, Enrollment.lessons_total,
            Course.id.label("course_id"), Course.title.label("course_title"), Course.slug.label("course_slug"),
            Course.thumbnail_url.label("course_thumbnail_url"),
            Course.duration_minutes.label("course_duration_minutes"),
            (User.first_name + " " + User.last_name).label("course_instructor_name"),
        )
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .join(User, User.id == Course.instructor_id)
        .where(*mine)
        .order_by(func.coalesce(Enrollment.last_accessed_at, Enrollment.enrolled_at).desc(), Enrollment.id)
    )  # fmt: skip
    counted = select(Enrollment.id).join(Course, Course.id == Enrollment.course_id).where(*mine)
    return page_of(connection, statement, counted=counted, page=page, limit=limit)
