"""Commands on an enrollment's state. Each runs in the caller's transaction; raising rolls it back.

Every command locks the course, then the enrollment, as all do that change the state of one: its triggers count it in
the course. Of two at once the second finds what the first has made of it. What became of it is kept by triggers
(``enrollment_changes``); :func:`acting` tells them by whom and why.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from decimal import Decimal
from types import MappingProxyType

from sqlalchemy import and_, case, func, or_, select, text, update
from sqlalchemy.orm import Session

from lms_core.courses.events import PlacesChanged
from lms_core.courses.models import Course
from lms_core.courses.queries import hold_course
from lms_core.enrollment.events import (
    CourseCompleted,
    EnrollmentDropped,
    EnrollmentExpired,
    EnrollmentResumed,
    EnrollmentSuspended,
)
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.places import kept_for, places_left, release
from lms_core.enrollment.queries import OVER, TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound, invalid_fields
from lms_core.kernel.events import publish, publish_all
from lms_core.kernel.i18n import _

FROM: Mapping[str, Collection[str]] = MappingProxyType(
    {
        # Who is suspended does not get round it by leaving and coming back.
        "leave": TAKING,
        "drop": (*TAKING, "suspended"),
        "suspend": TAKING,
        "resume": ("suspended",),
        "complete": ("active",),
        # A dropped enrollment begins anew when its student comes back, and not by a date.
        "date": ("active", "completed", "suspended", "expired"),
    }
)
"""The states from which each step may be taken."""


def acting(db: Session, actor_id: uuid.UUID | None, reason: str | None = None) -> None:
    """Say who changes the states of enrollments from here on to the end of the transaction, and why."""
    told = text("SELECT set_config('lms.actor', :actor, true), set_config('lms.reason', :reason, true)")
    db.execute(told, {"actor": str(actor_id or ""), "reason": reason or ""})


def leave(db: Session, core: Core, enrollment_id: uuid.UUID, reason: str | None) -> None:
    """The student leaves the course; what they did stays, should they come back. Raises 404, 409 as :func:`drop`."""
    enrollment = locked(db, enrollment_id, "leave")
    _drop(db, core, enrollment, enrollment.user_id, reason)


def drop(db: Session, core: Core, enrollment_id: uuid.UUID, actor_id: uuid.UUID | None, reason: str | None) -> None:
    """Take a student off the course. Raises 404; 409 ``enrollment_dropped``, ``enrollment_expired``."""
    _drop(db, core, locked(db, enrollment_id, "drop"), actor_id, reason)


def _drop(db: Session, core: Core, enrollment: Enrollment, actor_id: uuid.UUID | None, reason: str | None) -> None:
    acting(db, actor_id, reason)
    enrollment.status, enrollment.dropped_at, enrollment.dropped_reason = "dropped", core.clock(), reason
    enrollment.suspended_at = enrollment.suspended_reason = None
    db.flush()
    by_staff = actor_id != enrollment.user_id
    publish(db, EnrollmentDropped(*_told(db, enrollment), by_staff, reason), actor_id=actor_id)


def suspend(db: Session, core: Core, enrollment_id: uuid.UUID, actor_id: uuid.UUID | None, reason: str | None) -> None:
    """Keep a student out until the enrollment is resumed; the place stays theirs until its time is over.

    Raises 404; 409 ``enrollment_suspended``, ``enrollment_dropped``, ``enrollment_expired``.
    """
    enrollment = locked(db, enrollment_id, "suspend")
    acting(db, actor_id, reason)
    enrollment.status, enrollment.suspended_at, enrollment.suspended_reason = "suspended", core.clock(), reason
    db.flush()
    publish(db, EnrollmentSuspended(*_told(db, enrollment), reason), actor_id=actor_id)


def resume(db: Session, enrollment_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Let a suspended student in again. Raises 404; 409 named after any other state, such as ``enrollment_active``."""
    enrollment = locked(db, enrollment_id, "resume")
    _take_up(db, enrollment, actor_id)


def _take_up(db: Session, enrollment: Enrollment, actor_id: uuid.UUID | None) -> None:
    acting(db, actor_id)
    enrollment.status = "active" if enrollment.completed_at is None else "completed"
    enrollment.suspended_at = enrollment.suspended_reason = None
    db.flush()
    publish(db, EnrollmentResumed(*_told(db, enrollment)), actor_id=actor_id)


def complete_by_hand(
    db: Session, core: Core, enrollment_id: uuid.UUID, actor_id: uuid.UUID, reason: str | None
) -> None:
    """Let the course count as completed, whatever of it was done.

    Raises 404; 409 ``enrollment_completed``, ``enrollment_suspended``, ``enrollment_dropped``, ``enrollment_expired``.
    """
    enrollment = locked(db, enrollment_id, "complete")
    enrollment.progress_percentage = Decimal(100)
    complete(db, enrollment, core.clock(), actor_id, reason)


def complete(
    db: Session, enrollment: Enrollment, now: dt.datetime, actor_id: uuid.UUID | None = None, reason: str | None = None
) -> None:
    """Complete an active enrollment, locked after its course by the caller: this is the one place that does."""
    acting(db, actor_id or enrollment.user_id, reason)
    enrollment.status, enrollment.completed_at = "completed", now
    db.flush()
    publish(db, CourseCompleted(*_told(db, enrollment)), actor_id=actor_id or enrollment.user_id)


def change_dates(
    db: Session, core: Core, enrollment_id: uuid.UUID, values: Mapping[str, dt.datetime | None], actor_id: uuid.UUID
) -> None:
    """Change ``starts_at`` and ``expires_at``, as far as given; one that was over goes on where it has time again.

    Raises 404; 409 ``enrollment_dropped``, ``course_full`` (the place was given away); 422 ``invalid``.
    """
    enrollment = locked(db, enrollment_id, "date")
    for name, value in values.items():
        setattr(enrollment, name, value)
    starts, expires = enrollment.starts_at, enrollment.expires_at
    if starts is not None and expires is not None and expires <= starts:
        raise invalid_fields({"expiresAt": [_("Must be later than the start.")]})
    db.flush()
    go_on(db, core, enrollment, actor_id)


def go_on(db: Session, core: Core, enrollment: Enrollment, actor_id: uuid.UUID) -> None:
    """Take up a locked enrollment again that was over, where it has time again: it needs a place again.

    Raises 409 ``course_full``.
    """
    if enrollment.holds_place or enrollment.status == "dropped" or enrollment.is_over(core.clock()):
        return
    _check_room(db, core, enrollment)
    release(db, enrollment.course_id, [enrollment.user_id])
    enrollment.place_freed_at = None
    if enrollment.status == "expired":
        _take_up(db, enrollment, actor_id)
    db.flush()


def _check_room(db: Session, core: Core, enrollment: Enrollment) -> None:
    """The course stays locked, so that its places are given out one at a time."""
    chosen = select(Course).where(Course.id == enrollment.course_id).with_for_update(key_share=True)
    course = db.scalars(chosen.execution_options(populate_existing=True)).one()
    if places_left(db, core, course) == 0 and not kept_for(db, core, course.id, [enrollment.user_id]):
        raise Conflict("course_full", _("Every place in this course is taken."))


def write_notes(db: Session, enrollment_id: uuid.UUID, notes: str | None) -> str | None:
    """Note something for the staff; answers what was noted before. Raises 404."""
    enrollment = locked(db, enrollment_id)
    before, enrollment.notes = enrollment.notes, notes
    db.flush()
    return before


def expire_due(db: Session, *, limit: int) -> int:
    """End the next enrollments whose time is over; answers how many.

    An active one is expired, and its student told, by one event. What is completed or suspended stays so, and gives its
    place back in silence. The courses are locked first, in the order of their ids, and what somebody is at is passed by
    until the next time: so it waits for no enrollment while it holds a course.
    """
    kept = and_(Enrollment.place_freed_at.is_(None), Enrollment.status.in_(("completed", "suspended")))
    due = (OVER, or_(Enrollment.status == "active", kept))
    found = db.execute(select(Enrollment.id, Enrollment.course_id).where(*due).order_by(Enrollment.expires_at)
                       .limit(limit)).all()  # fmt: skip
    if not found:
        return 0
    courses = select(Course.id).where(Course.id.in_({row.course_id for row in found})).order_by(Course.id)
    db.execute(courses.with_for_update(key_share=True))
    mine = select(Enrollment.id).where(Enrollment.id.in_([row.id for row in found]), *due)
    ended = (
        update(Enrollment)
        .where(Enrollment.id.in_(mine.with_for_update(skip_locked=True)), Course.id == Enrollment.course_id)
        .values(
            status=case((Enrollment.status == "active", "expired"), else_=Enrollment.status), place_freed_at=func.now()
        )
        .returning(Enrollment.status, Enrollment.user_id, Enrollment.course_id, Enrollment.id, Course.title)
    )
    rows = db.execute(ended, execution_options={"synchronize_session": False}).all()
    publish_all(db, [EnrollmentExpired(*row[1:]) for row in rows if row.status == "expired"])
    publish_all(db, [PlacesChanged(each) for each in {row.course_id for row in rows if row.status != "expired"}])
    return len(rows)


def locked(db: Session, enrollment_id: uuid.UUID, step: str | None = None) -> Enrollment:
    """The enrollment, held until the end. Raises 404, and 409 where the step leads nowhere from the state it is in."""
    course_id = db.scalar(select(Enrollment.course_id).where(Enrollment.id == enrollment_id))
    if course_id is None:
        raise NotFound()
    hold_course(db, course_id)
    chosen = select(Enrollment).where(Enrollment.id == enrollment_id).with_for_update(key_share=True)
    enrollment = db.scalar(chosen.execution_options(populate_existing=True))
    if enrollment is None:
        raise NotFound()
    if step is not None and enrollment.status not in FROM[step]:
        raise refusal(enrollment.status)
    return enrollment


def refusal(status: str) -> Conflict:
    """Why a step cannot be taken: the state an enrollment is in."""
    refusals = {
        "active": Conflict("enrollment_active", _("The enrollment is active.")),
        "completed": Conflict("enrollment_completed", _("The course is completed.")),
        "suspended": Conflict("enrollment_suspended", _("The enrollment is suspended.")),
        "dropped": Conflict("enrollment_dropped", _("The student has left the course.")),
        "expired": Conflict("enrollment_expired", _("The time of the enrollment is over.")),
    }
    return refusals[status]


def _told(db: Session, enrollment: Enrollment) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID, str]:
    """What each event begins with."""
    title = db.scalar(select(Course.title).where(Course.id == enrollment.course_id)) or ""
    return enrollment.user_id, enrollment.course_id, enrollment.id, title
