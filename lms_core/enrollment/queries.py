"""Reads of the enrollment domain."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Uuid, and_, case, cast, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.security import CALLER

TAKING = ("active", "completed")
"""The states in which somebody may use the course: completing it takes nothing away."""

OVER: ColumnElement[bool] = and_(
    Enrollment.expires_at <= func.now(), func.coalesce(Enrollment.extended_until <= func.now(), true())
)
"""Enrollments whose time is over, for this student too."""
_in_time = and_(
    or_(Enrollment.starts_at.is_(None), Enrollment.starts_at <= func.now()),
    # Of the two the greatest is never null, so that this can be denied, too.
    or_(Enrollment.expires_at.is_(None), func.greatest(Enrollment.expires_at, Enrollment.extended_until) > func.now()),
)
HOLDS_PLACE: ColumnElement[bool] = and_(
    Enrollment.status.not_in(("dropped", "expired")), Enrollment.place_freed_at.is_(None)
)
"""``Enrollment.holds_place``, in SQL."""
ENROLLED: ColumnElement[bool] = or_(
    Enrollment.status == "suspended", and_(Enrollment.status.in_(TAKING), OVER.is_not(true()))
)
"""Whether somebody cannot be enrolled because they are, from a later date on too: ``admission.standing``, in SQL."""
ENDS_AT: ColumnElement[dt.datetime | None] = case(
    (Enrollment.expires_at.is_not(None), func.greatest(Enrollment.expires_at, Enrollment.extended_until))
)
"""``Enrollment.ends_at``, in SQL."""

IN_USE: ColumnElement[bool] = and_(Enrollment.status.in_(TAKING), _in_time)
"""Enrollments that let somebody into the course at this moment."""


def takes_course(person: ColumnElement[Any] = CALLER) -> ColumnElement[bool]:
    """Whether somebody takes the course of the enclosing statement: the part behind the scope ``enrolled``."""
    taken = exists().where(Enrollment.course_id == Course.id, Enrollment.user_id == person, IN_USE)
    # The enclosing statement may be of enrollments itself, and of others'.
    return taken.correlate_except(Enrollment)


def missing_prerequisites(db: Session, course: Course, people: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[AnyRow]]:
    """For each of the people, the courses that they have to complete first: rows of code, and of id and title.

    The latter are null where the course is not in the catalog. A course that is deleted or archived is not asked for,
    because nobody could complete it any more; having completed one of the same code before will do.
    """
    if not course.prerequisites:
        return {}
    codes = [code.lower() for code in course.prerequisites]
    person = func.unnest(cast(list(people), ARRAY(Uuid))).table_valued("id", name="person").render_derived()
    done = aliased(Course)
    completed = (
        exists()
        .where(Enrollment.user_id == cast(person.c.id, Uuid), Enrollment.completed_at.is_not(None))
        .where(done.id == Enrollment.course_id, func.lower(done.code) == func.lower(Course.code))
    )
    shown = [case((Course.is_published, column)).label(column.key) for column in (Course.id, Course.title)]
    rows = db.execute(
        select(person.c.id.label("user_id"), Course.code, *shown)
        .join_from(person, Course, func.lower(Course.code).in_(codes))
        .where(Course.deleted_at.is_(None), Course.archived_at.is_(None), ~completed)
        .order_by(Course.code)
    )
    missing: dict[uuid.UUID, list[AnyRow]] = {}
    for row in rows:
        missing.setdefault(row.user_id, []).append(row)
    return missing


COLUMNS = (
    Enrollment.id, Enrollment.user_id, Enrollment.course_id, Enrollment.status, Enrollment.enrollment_type,
    Enrollment.enrolled_at, Enrollment.starts_at, Enrollment.expires_at, ENDS_AT.label("ends_at"),
    Enrollment.started_at, Enrollment.completed_at, Enrollment.suspended_at, Enrollment.suspended_reason,
    Enrollment.dropped_at, Enrollment.dropped_reason, Enrollment.progress_percentage, Enrollment.lessons_completed,
    Enrollment.lessons_total, Enrollment.grade, Enrollment.grade_points, Enrollment.time_spent_seconds,
    Enrollment.last_accessed_at, Enrollment.updated_at,
)  # fmt: skip


def enrollment(connection: Connection | Session, enrollment_id: uuid.UUID) -> AnyRow | None:
    """One enrollment."""
    return connection.execute(select(*COLUMNS).where(Enrollment.id == enrollment_id)).first()


def enrollment_by(registry: Any, enrollment_id: uuid.UUID) -> AnySelect:
    """The statement of an enrollment, with its course and the caller's part there."""
    own = [column for column in COLUMNS if column is not Enrollment.course_id]
    return (
        select(*own, *access_columns(registry))
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .where(Enrollment.id == enrollment_id)
    )
