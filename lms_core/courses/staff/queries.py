"""Reads of a course's staff."""

import uuid
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING, grants
from lms_core.courses.models import CourseStaff
from lms_core.kernel.db import AnyRow
from lms_core.kernel.pagination import Page, page_of


def _staff(course_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            CourseStaff.user_id.label("user_id"),
            User.full_name.label("user_name"),
            User.avatar_url.label("user_avatar_url"),
            CourseStaff.role,
            CourseStaff.permissions,
            CourseStaff.assigned_at,
        )
        .join_from(CourseStaff, User, User.id == CourseStaff.user_id)
        .where(CourseStaff.course_id == course_id, LIVING)
    )


def staff(connection: Connection, course_id: uuid.UUID, *, page: int, limit: int) -> Page:
    """Everybody on the staff of a course, the longest serving first."""
    ordered = _staff(course_id).order_by(CourseStaff.assigned_at, CourseStaff.user_id)
    return page_of(connection, ordered, page=page, limit=limit)


def member(connection: Connection | Session, course_id: uuid.UUID, user_id: uuid.UUID) -> AnyRow | None:
    """One member of the staff with the ``grants`` of their groups, or None."""
    statement = _staff(course_id).add_columns(grants(func.now()).label("grants"))
    return connection.execute(statement.where(CourseStaff.user_id == user_id)).first()
