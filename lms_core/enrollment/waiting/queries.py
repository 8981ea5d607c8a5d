"""Reads of waiting lists."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING, USABLE
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.courses.queries import IN_CATALOG
from lms_core.enrollment.models import EnrollmentWait
from lms_core.enrollment.places import kept_places, waits_on
from lms_core.kernel.core import Core
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import Page, page_of

_Ahead, _Person = aliased(EnrollmentWait), aliased(User)
POSITION = (
    select(func.count())
    .join_from(_Ahead, _Person, _Person.id == _Ahead.user_id)
    .where(
        _Person.deleted_at.is_(None),
        _Ahead.course_id == EnrollmentWait.course_id,
        tuple_(_Ahead.since, _Ahead.id) <= tuple_(EnrollmentWait.since, EnrollmentWait.id),
    )
    .correlate(EnrollmentWait)
    .scalar_subquery()
    .label("position")
)
"""On a single wait: how many stand before it, and itself."""
_ORDER = (EnrollmentWait.since, EnrollmentWait.id)
_STATUS = case((EnrollmentWait.offered_until > func.now(), "offered"), else_="waiting").label("status")
COLUMNS = (
    EnrollmentWait.id, EnrollmentWait.user_id, EnrollmentWait.since, _STATUS, EnrollmentWait.offered_until,
    Course.title.label("course_title"), Course.slug.label("course_slug"),
    User.full_name.label("user_name"), User.avatar_url.label("user_avatar_url"),
)  # fmt: skip


def _waits(*more: Any, position: Any = POSITION) -> AnySelect:
    return (
        select(*COLUMNS, position, *more)
        .join_from(EnrollmentWait, Course, Course.id == EnrollmentWait.course_id)
        .join(User, User.id == EnrollmentWait.user_id)
    )


def wait_by(registry: Any, wait_id: uuid.UUID) -> AnySelect:
    """The statement of somebody's place on a list, with its course and the caller's part there."""
    return _waits(*access_columns(registry)).where(EnrollmentWait.id == wait_id)


def wait(connection: Connection | Session, wait_id: uuid.UUID) -> AnyRow | None:
    """Somebody's place on a list."""
    return connection.execute(_waits(Course.id.label("course_id")).where(EnrollmentWait.id == wait_id)).first()


def of_course(connection: Connection, course_id: uuid.UUID, *, page: int, limit: int) -> Page:
    """Who waits for a place in a course, in order."""
    # Numbered on the way to the page: what counts for each row who is before it costs the square of the list.
    position = func.row_number().over(order_by=_ORDER).label("position")
    statement = _waits(Course.id.label("course_id"), position=position)
    statement = statement.where(EnrollmentWait.course_id == course_id, LIVING)
    return page_of(connection, statement.order_by(*_ORDER), page=page, limit=limit)


def of_person(connection: Connection, user_id: uuid.UUID, *, page: int, limit: int) -> Page:
    """Where a person waits, the longest first."""
    statement = _waits(Course.id.label("course_id")).where(
        EnrollmentWait.user_id == user_id, Course.deleted_at.is_(None)
    )
    return page_of(connection, statement.order_by(*_ORDER), page=page, limit=limit)


_WAITING = select(EnrollmentWait).join(User, User.id == EnrollmentWait.user_id)


def anybody_waits(db: Session, core: Core, course_id: uuid.UUID) -> bool:
    """Whether somebody whose account can be used waits for a place."""
    waiting = _WAITING.where(EnrollmentWait.course_id == course_id, waits_on(core.clock()), USABLE)
    return bool(db.scalar(select(waiting.exists())))


def next_waits(db: Session, course_id: uuid.UUID, limit: int) -> Sequence[EnrollmentWait]:
    """Those who are next in a locked course; who is suspended is passed by, and keeps the place on the list."""
    ordered = _WAITING.where(EnrollmentWait.course_id == course_id, EnrollmentWait.offered_until.is_(None), USABLE)
    ordered = ordered.order_by(EnrollmentWait.since, EnrollmentWait.id).limit(limit)
    return db.scalars(ordered.execution_options(populate_existing=True)).all()


def courses_of_deleted(db: Connection, limit: int) -> Sequence[uuid.UUID]:
    """Courses on whose lists there are accounts that were deleted."""
    statement = select(EnrollmentWait.course_id).join(User, User.id == EnrollmentWait.user_id)
    statement = statement.where(User.deleted_at.is_not(None)).distinct().order_by(EnrollmentWait.course_id)
    return db.scalars(statement.limit(limit)).all()


def courses_away(db: Connection, limit: int) -> Sequence[uuid.UUID]:
    """Courses that nobody can join now, and in which places are offered."""
    statement = select(EnrollmentWait.course_id).join(Course, Course.id == EnrollmentWait.course_id)
    statement = statement.where(EnrollmentWait.offered_until.is_not(None), ~IN_CATALOG).distinct()
    return db.scalars(statement.order_by(EnrollmentWait.course_id).limit(limit)).all()


def courses_with_room(db: Connection, core: Core, limit: int) -> Sequence[uuid.UUID]:
    """Courses that could let somebody in who waits, or where a place was kept in vain."""
    now = core.clock()
    in_vain = exists().where(EnrollmentWait.course_id == Course.id, EnrollmentWait.offered_until <= now)
    free = Course.enrolled_count + kept_places(Course.id, now) < Course.max_students
    room = or_(Course.max_students.is_(None), free, in_vain)
    waiting = _WAITING.where(EnrollmentWait.course_id == Course.id, waits_on(now), USABLE)
    # From the list, which is short, and not from the courses.
    listed = exists().where(EnrollmentWait.course_id == Course.id)
    statement = select(Course.id).where(IN_CATALOG, room, listed, waiting.correlate(Course).exists())
    return db.scalars(statement.order_by(Course.id).limit(limit)).all()
