"""Commands on a course as a whole. Each locks the course, runs in the caller's transaction, and can be repeated."""

import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.courses.events import PlacesChanged
from lms_core.courses.models import Course
from lms_core.courses.service import check_limit, lock_course, refusal, unique_slug
from lms_core.kernel.core import Core
from lms_core.kernel.errors import NotFound
from lms_core.kernel.events import publish


def unpublish(db: Session, course_id: uuid.UUID) -> None:
    """Take a course out of the catalog, and from its students until it is published again. What they did stays."""
    lock_course(db, course_id, archived=True).is_published = False
    db.flush()


def archive(db: Session, core: Core, course_id: uuid.UUID) -> None:
    """Put a course away: nobody joins it or changes it any more, and its students keep what they have."""
    course = lock_course(db, course_id, archived=True)
    course.archived_at = course.archived_at or core.clock()
    db.flush()


def unarchive(db: Session, course_id: uuid.UUID) -> None:
    """Take a course up again, as it was when it was put away; places that are free go to who waits."""
    lock_course(db, course_id, archived=True).archived_at = None
    db.flush()
    publish(db, PlacesChanged(course_id))


def delete(db: Session, core: Core, course_id: uuid.UUID) -> None:
    """Hide a course from everybody but its owner and administrators, who may bring it back. Nothing of it is lost."""
    lock_course(db, course_id, archived=True).deleted_at = core.clock()
    db.flush()


def restore(db: Session, core: Core, course_id: uuid.UUID) -> None:
    """Bring a deleted course back, under a new slug where another course has taken its own.

    Raises 404; 409 ``code_taken``, ``course_limit_reached``.
    """
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None:
        raise NotFound()
    if course.deleted_at is None:
        return
    check_limit(db, core, course.instructor_id)
    if db.scalar(select(Course.id).where(Course.slug == course.slug, Course.deleted_at.is_(None))):
        course.slug = unique_slug(db, course.title)
    course.deleted_at = None
    try:
        db.flush()
    except IntegrityError as error:
        raise refusal(error) from None
    publish(db, PlacesChanged(course_id))
