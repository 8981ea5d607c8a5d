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
    course_full,
    enrollment_of,
    lock_open_course,
    places_left,
    standing,
)
from lms_core.enrollment.lifecycle.service import acting
from lms_core.enrollment.methods import Admit, Application, Ask, EnrollmentMethod, JoinedCourse, Pay, Refuse, method_of
from lms_core.enrollment.models import Enrollment, EnrollmentRequest
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


Outcome = Enrollment | Requested | Pay
"""What comes of an application: they are in, somebody has to look at it, or there is something to pay."""


def enroll(
    db: Session, core: Core, user_id: uuid.UUID, course_id: uuid.UUID, how: Admission | None = None
) -> Enrollment:
    """Enroll somebody in a course of the catalog by somebody's decision, whatever its enrollment method.

    Raises 404 for a course that is not in the catalog; 409 ``already_enrolled``, ``enrollment_suspended``,
    ``course_full`` unless the decision was to go beyond that.
    """
    how = how or Admission()
    course = lock_open_course(db, course_id)
    return admit_one(db, core, course, user_id, how, places=None if how.over_capacity else places_left(course))


def apply(db: Session, core: Core, request: "Request", course_id: uuid.UUID, sent: Mapping[str, Any]) -> Outcome:
    """Somebody wants to join a course: what the core has to say to it, then what its enrollment method decides.

    The course's row stays locked until the transaction ends, so that its places are given out one at a time.
    Raises 404 for a course that is not in the catalog; 409 ``already_enrolled``, ``enrollment_suspended``,
    ``already_requested``, ``enrollment_method_unavailable``, ``payment_unavailable``, ``course_full``; 422 for what
    the method cannot use, and whatever it refuses by.
    """
    course = lock_open_course(db, course_id)
    user_id = request.caller.user_id
    method = method_of(core, course.enrollment_type)
    refusal = standing(core, enrollment_of(db, course_id, user_id))
    if refusal is not None:
        raise refusal
    data = schemas.load(method.schema(), sent)
    _check_course(course, method)
    requested = _request_of(db, course_id, user_id)
    if requested is not None and requested.status == "pending":
        raise Conflict("already_requested", _("You have asked to join this course already."))
    acting(db, user_id)
    application = _application(db, core, request, course, method, data)
    return _outcome(application, course, method, requested)


def _check_course(course: Course, method: EnrollmentMethod) -> None:
    if course.price > 0 and not method.settles_price:
        raise Conflict("payment_unavailable", _("This course has to be paid for, and there is no way to do so here."))
    if places_left(course) == 0:
        raise course_full()


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


def _outcome(
    application: Application, course: Course, method: EnrollmentMethod, requested: EnrollmentRequest | None
) -> Outcome:
    decision = method.decide(application)
    match decision:
        case Refuse():
            raise decision.error
        case Admit():
            how = Admission(method=method.name, expires_at=decision.expires_at)
            return admit_one(
                application.db, application.core, course, application.user_id, how, places=places_left(course)
            )
        case Ask():
            return Requested(_ask(application, requested, decision.reason))
        case Pay():
            return decision


def _request_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> EnrollmentRequest | None:
    mine = (EnrollmentRequest.user_id == user_id, EnrollmentRequest.course_id == course_id)
    return db.scalar(select(EnrollmentRequest).where(*mine))


def _ask(application: Application, requested: EnrollmentRequest | None, reason: str | None) -> EnrollmentRequest:
    asked = requested or EnrollmentRequest(user_id=application.user_id, course_id=application.course.id)
    asked.status, asked.reason_for_joining = "pending", reason
    application.db.add(asked)
    application.db.flush()
    return asked
