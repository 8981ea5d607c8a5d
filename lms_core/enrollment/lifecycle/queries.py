"""Reads of what became of an enrollment."""

import uuid
from typing import Any

from sqlalchemy import Connection, case, null, select

from lms_core.accounts.models import User
from lms_core.enrollment.models import Enrollment, EnrollmentChange
from lms_core.kernel.pagination import CursorPage, cursor_page


def changes(
    connection: Connection, enrollment_id: uuid.UUID, *, staff: bool, cursor: str | None, limit: int
) -> CursorPage:
    """What became of an enrollment, the latest first; which of the staff did it, only staff learn."""
    by_student = EnrollmentChange.changed_by == Enrollment.user_id
    person = (
        User.id.label("person_id"),
        User.full_name.label("person_name"),
        User.avatar_url.label("person_avatar_url"),
    )
    statement = (
        select(
            EnrollmentChange.id,
            EnrollmentChange.from_status,
            EnrollmentChange.to_status,
            EnrollmentChange.reason,
            EnrollmentChange.created_at,
            case((EnrollmentChange.changed_by.is_(None), null()), (by_student, "student"), else_="staff").label("by"),
            *(person if staff else [null().label(column.key) for column in person]),
        )
        .join(Enrollment, Enrollment.id == EnrollmentChange.enrollment_id)
        .outerjoin(User, User.id == EnrollmentChange.changed_by)
        .where(EnrollmentChange.enrollment_id == enrollment_id)
    )
    order: list[Any] = [EnrollmentChange.created_at, EnrollmentChange.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)


def notes(connection: Connection, enrollment_id: uuid.UUID) -> str | None:
    """What the staff have noted about an enrollment."""
    return connection.execute(select(Enrollment.notes).where(Enrollment.id == enrollment_id)).scalar()
