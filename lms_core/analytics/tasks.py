"""What becomes of other domains' events in the figures."""

from sqlalchemy.dialects.postgresql import insert

from lms_core.analytics.models import CourseAnalytics
from lms_core.courses.events import CourseCreated
from lms_core.kernel.events import Delivery


def begin_course(delivery: Delivery, event: CourseCreated) -> None:
    """A course has figures from its first day, all of them zero."""
    today = delivery.core.clock().date()
    begun = insert(CourseAnalytics).values(course_id=event.course_id, date=today)
    delivery.db.execute(begun.on_conflict_do_nothing())
