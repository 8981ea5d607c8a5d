"""What becomes of other domains' events in progress."""

import uuid

from lms_core.courses.events import CoursePublished
from lms_core.enrollment.events import EnrollmentResumed, UserEnrolled
from lms_core.kernel.events import Delivery, publish
from lms_core.learning.events import AdjustedInPart
from lms_core.learning.following.service import adjust, adjust_one

AT_ONCE = 500
"""Students whose progress one delivery adjusts, so that none of them waits long for the lock."""


def follow_version(delivery: Delivery, event: CoursePublished) -> None:
    _adjust_next(delivery, event.course_id, after=None)


def follow_version_further(delivery: Delivery, event: AdjustedInPart) -> None:
    _adjust_next(delivery, event.course_id, after=event.last)


def follow_return(delivery: Delivery, event: UserEnrolled | EnrollmentResumed) -> None:
    """Who comes back to a course, left or expired, finds what was done, in the course as it is now."""
    adjust_one(delivery.db, delivery.core, event.enrollment_id)


def _adjust_next(delivery: Delivery, course_id: uuid.UUID, *, after: uuid.UUID | None) -> None:
    last = adjust(delivery.db, delivery.core, course_id, after=after, limit=AT_ONCE)
    if last is not None:
        publish(delivery.db, AdjustedInPart(course_id, last))
