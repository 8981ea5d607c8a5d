"""Commands on enrollments. Each runs in the caller's transaction; raising rolls it back."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion
from lms_core.enrollment.events import UserEnrolled
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _


def enroll(db: Session, core: Core, user_id: uuid.UUID, course_id: uuid.UUID) -> Enrollment:
    """Enroll somebody in an open course.

    The course's row stays locked until the transaction ends, so that its places are given out one at a time.
    Raises 404 for a course that is not in the catalog; 409 ``already_enrolled``, ``enrollment_suspended``,
    ``enrollment_closed`` (not an open course), ``payment_required``, ``course_full``.
    """
    course = db.scalar(
        select(Course).where(Course.id == course_id, Course.deleted_at.is_(None)).with_for_update(key_share=True)
    )
    if course is None or not course.is_published or course.archived_at is not None:
        raise NotFound("course_not_found", _("No such course."))
    enrollment = db.scalar(
        select(Enrollment).where(Enrollment.user_id == user_id, Enrollment.course_id == course_id).with_for_update()
    )
    _check_admission(course, enrollment)
    enrollment = _admit(db, core, user_id, course_id, enrollment)
    publish(db, UserEnrolled(user_id, course_id, enrollment.id, course.title), actor_id=user_id)
    return enrollment


def _check_admission(course: Course, enrollment: Enrollment | None) -> None:
    if enrollment is not None and enrollment.status in TAKING:
        raise Conflict("already_enrolled", _("You are enrolled in this course already."))
    if enrollment is not None and enrollment.status == "suspended":
        raise Conflict("enrollment_suspended", _("Your enrollment in this course is suspended."))
    if course.enrollment_type != "open":
        raise Conflict("enrollment_closed", _("This course cannot be joined freely."))
    if course.price > 0:
        raise Conflict("payment_required", _("This course has to be paid for."))
    if course.max_students is not None and course.enrolled_count >= course.max_students:
        raise Conflict("course_full", _("Every place in this course is taken."))


def _admit(
    db: Session, core: Core, user_id: uuid.UUID, course_id: uuid.UUID, enrollment: Enrollment | None
) -> Enrollment:
    """A new enrollment, or the one that was dropped or ran out, with all that was done in it."""
    if enrollment is None:
        enrollment = Enrollment(user_id=user_id, course_id=course_id, lessons_total=_lessons_total(db, course_id))
        db.add(enrollment)
    else:
        enrollment.status = "completed" if enrollment.completed_at is not None else "active"
        enrollment.dropped_at = enrollment.dropped_reason = enrollment.expires_at = None
        enrollment.enrolled_at = core.clock()
        enrollment.lessons_total = _lessons_total(db, course_id)
    db.flush()
    db.refresh(enrollment)
    return enrollment


def _lessons_total(db: Session, course_id: uuid.UUID) -> int:
    """The lessons that the course shows its students: what there is to complete."""
    shown = select(CourseVersion.lessons_total).join(Course, Course.version_id == CourseVersion.id)
    return db.scalar(shown.where(Course.id == course_id)) or 0
