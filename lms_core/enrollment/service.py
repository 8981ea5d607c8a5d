"""Commands on enrollments. Each runs in the caller's transaction; raising rolls it back."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.models import METHOD_SETTINGS, Course
from lms_core.enrollment.admission import (
    Admission,
    admit_one,
    check_prerequisites,
    check_window,
    course_full,
    enrollment_of,
    lock_open_course,
    standing,
)
from lms_core.enrollment.lifecycle.service import acting
from lms_core.enrollment.methods import Admit, Application, Ask, EnrollmentMethod, JoinedCourse, Pay, Refuse, method_of
from lms_core.enrollment.models import Enrollment, EnrollmentRequest, EnrollmentWait
from lms_core.enrollment.places import kept_for, places_left, room_for_who_comes
from lms_core.enrollment.requests.service import ask
from lms_core.enrollment.waiting.service import check_waiting, join_list
from lms_core.kernel import schemas
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _

if TYPE_CHECKING:
    from lms_core.kernel.request import Request


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody has to look at it."""

    request: EnrollmentRequest


@dataclass(frozen=True, slots=True)
class Waiting:
    """Every place is taken."""

    wait: EnrollmentWait


Outcome = Enrollment | Requested | Waiting | Pay
"""What comes of an application: they are in, somebody has to look at it, they wait, or there is something to pay."""


def enroll(
    db: Session, core: Core, user_id: uuid.UUID, course_id: uuid.UUID, how: Admission | None = None
) -> Enrollment:
    """Enroll somebody in a course of the catalog who has met all that was asked of them, be it that they have paid.

    Raises 404 for a course that is not in the catalog; 409 ``already_enrolled``, ``enrollment_suspended``,
    ``course_full`` unless the decision was to go beyond that.
    """
    how = how or Admission()
    course = lock_open_course(db, course_id)
    return admit_one(
        db, core, course, user_id, how, places=None if how.over_capacity else places_left(db, core, course)
    )


def apply(db: Session, core: Core, request: "Request", course_id: uuid.UUID, sent: Mapping[str, Any]) -> Outcome:
    """Somebody wants to join a course: what the core has to say to it, then what its enrollment method decides.

    The course's row stays locked until the transaction ends, so that its places are given out one at a time.
    Raises 404 for a course that is not in the catalog; 409 ``already_enrolled``, ``enrollment_suspended``,
    ``enrollment_method_unavailable``, ``enrollment_not_open``, ``enrollment_closed``, ``payment_unavailable``,
    ``prerequisites_missing``, ``already_waiting``, ``course_full``, ``already_requested``; 422 for what the method
    cannot use, and whatever it refuses by.
    """
    course = lock_open_course(db, course_id)
    user_id = request.caller.user_id
    method = method_of(core, course.enrollment_type)
    earlier = enrollment_of(db, course_id, user_id)
    refusal = standing(core, earlier)
    if refusal is not None:
        raise refusal
    data = schemas.load(method.schema(), sent)
    check_window(core, course)
    if course.price > 0 and not method.settles_price:
        raise Conflict("payment_unavailable", _("This course has to be paid for, and there is no way to do so here."))
    check_prerequisites(db, course, user_id)
    check_waiting(db, core, course_id, user_id)
    places = room_for_who_comes(db, core, course)
    if places == 0 and (kept_for(db, core, course_id, [user_id]) or (earlier is not None and earlier.holds_place)):
        places = 1
    if places == 0 and not course.waiting_list:
        raise course_full()
    acting(db, user_id)
    return _outcome(_application(db, core, request, course, method, data), course, method, places)


def _application(
    db: Session, core: Core, request: "Request", course: Course, method: EnrollmentMethod, data: Mapping[str, Any]
) -> Application:
    user_id = request.caller.user_id
    email, verified = db.execute(select(User.email, User.email_verified).where(User.id == user_id)).one()
    return Application(
        db=db,
        core=core,
        request=request,
        course=JoinedCourse(course.id, course.title, course.price, course.currency),
        user_id=user_id,
        email=email,
        email_verified=verified,
        data=data,
        settings=course.settings.get(METHOD_SETTINGS, {}).get(method.name, {}),
    )


def _outcome(application: Application, course: Course, method: EnrollmentMethod, places: int | None) -> Outcome:
    db, core, user_id = application.db, application.core, application.user_id
    with db.begin_nested() as tried:
        decision = method.decide(application)
        if isinstance(decision, Pay) and places == 0:
            tried.rollback()  # Nobody pays for a place that there is not.
    match decision:
        case Refuse():
            raise decision.error
        case Admit():
            how = Admission(method=method.name, expires_at=decision.expires_at, spent=application.spent)
            if places == 0:
                return Waiting(join_list(db, course, user_id, how))
            return admit_one(db, core, course, user_id, how, places=places)
        case Ask():
            return Requested(ask(db, core, course, user_id, decision.reason))
        case Pay():
            if places == 0:
                return Waiting(join_list(db, course, user_id, Admission(method=method.name, pays=True)))
            return decision
