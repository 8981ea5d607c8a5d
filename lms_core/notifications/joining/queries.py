"""Whom of a course's staff a request to join concerns."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, select, union
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.courses.access import holds
from lms_core.courses.models import Course, CourseStaff
from lms_core.notifications.models import Notification


def reviewers(db: Session, registry: Any, course_id: uuid.UUID, notice_type: str) -> Sequence[uuid.UUID]:
    """Who may decide about requests to join a course, and has no line about them unread."""
    staff = select(CourseStaff.user_id).where(CourseStaff.course_id == course_id, holds(registry, "rosters:update"))
    people = union(staff, select(Course.instructor_id).where(Course.id == course_id)).subquery("people")
    unread = exists().where(
        Notification.user_id == User.id,
        Notification.read_at.is_(None),
        Notification.type == notice_type,
        Notification.data["courseId"].astext == str(course_id),
    )
    statement = select(User.id).join(people, people.c[0] == User.id).where(USABLE, ~unread)
    return db.scalars(statement.order_by(User.id)).all()
