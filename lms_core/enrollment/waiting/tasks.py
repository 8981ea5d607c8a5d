"""Moving up: as soon as something is heard of that may have freed a place, and now and then in case nothing was."""

from lms_core.courses.events import CoursePublished, PlacesChanged
from lms_core.enrollment.events import EnrollmentDropped, EnrollmentExpired, WaitingListJoined
from lms_core.enrollment.waiting.queries import courses_away, courses_of_deleted, courses_with_room
from lms_core.enrollment.waiting.service import forget_deleted, move_up, withdraw_offers
from lms_core.kernel.events import Delivery, publish
from lms_core.kernel.tasks import TaskContext

COURSES_AT_ONCE = 100


def follow(
    delivery: Delivery,
    event: EnrollmentDropped | EnrollmentExpired | PlacesChanged | CoursePublished | WaitingListJoined,
) -> None:
    """Let the next ones in; whom there is still room for then, another delivery does."""
    if move_up(delivery.db, delivery.core, event.course_id):
        publish(delivery.db, PlacesChanged(event.course_id))


def move_everybody_up(context: TaskContext) -> None:
    """Whatever has freed a place, an account that was deleted or a hand in the database, it is given to who waits.

    No offer runs out while the course is away, in which it could not be taken.
    """
    with context.core.reader() as db:
        forgotten = courses_of_deleted(db, COURSES_AT_ONCE)
    for course_id in forgotten:
        with context.core.transaction() as db:
            forget_deleted(db, context.core, course_id)
    with context.core.reader() as db:
        away = courses_away(db, COURSES_AT_ONCE)
    for course_id in away:
        with context.core.transaction() as db:
            withdraw_offers(db, course_id)
    with context.core.reader() as db:
        courses = courses_with_room(db, context.core, COURSES_AT_ONCE)
    for course_id in courses:
        with context.core.transaction() as db:
            if move_up(db, context.core, course_id):
                publish(db, PlacesChanged(course_id))
