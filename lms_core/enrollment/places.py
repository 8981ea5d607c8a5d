"""How many places a course has left: the one count that everything goes by that lets people in or asks them to pay.

A place is taken by who is enrolled. It is kept for who is about to pay (``payments.place_until``), and for who has
waited for it and is asked to pay now (``enrollment_waits.offered_until``); both may be so of one person, and then it is
one place. The course is locked whenever this is asked, so the answer holds until the transaction ends.
"""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, union, update
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.courses.models import Course
from lms_core.enrollment.models import EnrollmentWait
from lms_core.enrollment.payments.models import Payment
from lms_core.kernel.core import Core


def waits_on(now: dt.datetime) -> ColumnElement[bool]:
    """Whether somebody on a list waits for a place, and is not asked to take the one that is kept for them."""
    return or_(EnrollmentWait.offered_until.is_(None), EnrollmentWait.offered_until <= now)


def _paying(course_id: Any, now: dt.datetime) -> ColumnElement[bool]:
    """Payments that keep a place."""
    return and_(Payment.course_id == course_id, Payment.status == "pending", Payment.place_until > now)


def kept_places(course_id: Any, now: dt.datetime) -> ColumnElement[int]:
    """How many places a course keeps, be it the course of the enclosing statement."""
    paying = select(func.count()).select_from(Payment).where(_paying(course_id, now))
    asked = select(func.count()).select_from(EnrollmentWait).where(
        EnrollmentWait.course_id == course_id, EnrollmentWait.offered_until > now,
        ~exists().where(_paying(course_id, now), Payment.user_id == EnrollmentWait.user_id),
    )  # fmt: skip
    return paying.correlate(Course).scalar_subquery() + asked.correlate(Course).scalar_subquery()


def places_left(db: Session, core: Core, course: Course) -> int | None:
    """How many more a locked course takes; None where there is no limit.

    Who has a place kept for them needs none of these: see :func:`kept_for`.
    """
    if course.max_students is None:
        return None
    kept = db.scalar(select(kept_places(course.id, core.clock()))) or 0
    return max(0, course.max_students - course.enrolled_count - kept)


def room_for_who_comes(db: Session, core: Core, course: Course) -> int | None:
    """:func:`places_left` for those who come by themselves: nobody overtakes who waits."""
    places = places_left(db, core, course)
    if not places:
        return places
    waiting = exists().where(EnrollmentWait.course_id == course.id, waits_on(core.clock()))
    return 0 if db.scalar(select(waiting.where(User.id == EnrollmentWait.user_id, USABLE))) else places


def kept_for(db: Session, core: Core, course_id: uuid.UUID, people: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the people for whom a locked course keeps a place."""
    now = core.clock()
    paying = select(Payment.user_id).where(_paying(course_id, now), Payment.user_id.in_(people))
    asked = select(EnrollmentWait.user_id).where(
        EnrollmentWait.course_id == course_id, EnrollmentWait.offered_until > now, EnrollmentWait.user_id.in_(people)
    )
    return set(db.scalars(union(paying, asked)))


def release(db: Session, course_id: uuid.UUID, people: Collection[uuid.UUID]) -> None:
    """People are in a locked course now: they wait for no place there, and none is kept for them any more."""
    unsynchronized = {"synchronize_session": False}
    waiting = delete(EnrollmentWait).where(EnrollmentWait.course_id == course_id, EnrollmentWait.user_id.in_(people))
    db.execute(waiting, execution_options=unsynchronized)
    paying = update(Payment).where(Payment.course_id == course_id, Payment.user_id.in_(people))
    paying = paying.where(Payment.status == "pending").values(place_until=None)
    db.execute(paying, execution_options=unsynchronized)
