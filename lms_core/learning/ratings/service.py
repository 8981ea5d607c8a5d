"""Commands on ratings. Each runs in the caller's transaction; raising rolls it back.

Stars reach the course, and votes the rating, by triggers, so that no way to change them leaves a sum behind.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseStaff
from lms_core.courses.queries import hold_course
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.models import KEPT, Payment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Forbidden, NotFound
from lms_core.kernel.i18n import _
from lms_core.learning.models import CourseRating, RatingVote


def rate(db: Session, core: Core, user_id: uuid.UUID, course_id: uuid.UUID, values: Mapping[str, Any]) -> uuid.UUID:
    """Rate a course that one takes or took; answers the rating's id.

    Raises 403 ``enrollment_needed``, ``own_course``; 409 ``progress_needed``, ``already_rated``.
    """
    hold_course(db, course_id)  # Its stars are counted in the course.
    enrollment = _enrollment(db, user_id, course_id)
    if enrollment is None:
        raise Forbidden("enrollment_needed", _("Who rates a course has to take it."))
    if enrollment.runs_course:
        raise Forbidden("own_course", _("Who teaches a course does not rate it."))
    minimum = core.settings.integer("lms.ratings.min_progress")
    if enrollment.status != "completed" and enrollment.progress_percentage < minimum:
        message = _("Complete ${minimum} percent of the course before you rate it.", mapping={"minimum": minimum})
        raise Conflict("progress_needed", message)
    facts = {"enrollment_id": enrollment.id, "is_verified_purchase": enrollment.paid, **values}
    added = insert(CourseRating).values(course_id=course_id, user_id=user_id, **facts)
    rating_id: uuid.UUID | None = db.scalar(added.on_conflict_do_nothing().returning(CourseRating.id))
    if rating_id is None:
        raise Conflict("already_rated", _("You have rated this course already; change that rating."))
    return rating_id


def _enrollment(db: Session, user_id: uuid.UUID, course_id: uuid.UUID) -> Any:
    """The enrollment that lets somebody rate, held as it is until the end; that its time is over takes nothing away."""
    runs_course = or_(
        Course.instructor_id == user_id,
        exists().where(CourseStaff.course_id == Course.id, CourseStaff.user_id == user_id),
    )
    paid = exists().where(Payment.enrollment_id == Enrollment.id, Payment.status.in_(KEPT), Payment.amount > 0)
    known = (Enrollment.id, Enrollment.status, Enrollment.progress_percentage)
    statement = (
        select(*known, runs_course.label("runs_course"), paid.label("paid"))
        .join(Course, Course.id == Enrollment.course_id)
        .where(Enrollment.user_id == user_id, Enrollment.course_id == course_id, Enrollment.status.in_(TAKING))
        .where(or_(Enrollment.starts_at.is_(None), Enrollment.starts_at <= func.now()))
    )
    return db.execute(statement.with_for_update(of=Enrollment, read=True)).first()


def update_rating(db: Session, rating_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Change the fields given. Raises 404."""
    rating = _locked(db, rating_id)
    for name, value in values.items():
        setattr(rating, name, value)
    db.flush()


def delete_rating(db: Session, rating_id: uuid.UUID) -> None:
    """Delete a rating with the votes on it; its author may rate anew. Raises 404."""
    if db.execute(delete(CourseRating).where(CourseRating.id == rating_id).returning(CourseRating.id)).first() is None:
        raise NotFound()


def respond(db: Session, core: Core, rating_id: uuid.UUID, response: str | None) -> None:
    """Answer a review, or take the answer back with None. Raises 404."""
    rating = _locked(db, rating_id)
    rating.instructor_response = response
    rating.instructor_response_at = core.clock() if response is not None else None
    db.flush()


def _locked(db: Session, rating_id: uuid.UUID) -> CourseRating:
    rating = db.get(CourseRating, rating_id, with_for_update={"key_share": True})
    if rating is None:
        raise NotFound()
    return rating


def vote(db: Session, rating_id: uuid.UUID, user_id: uuid.UUID, *, helpful: bool) -> None:
    """Say whether a review helped, or change one's mind. Raises 404; 403 ``own_rating``."""
    # Locked before the vote refers to it: a rating that is deleted meanwhile is no error of the caller.
    rated = select(CourseRating.user_id).where(CourseRating.id == rating_id)
    author_id = db.scalar(rated.with_for_update(read=True, key_share=True))
    if author_id is None:
        raise NotFound()
    if author_id == user_id:
        raise Forbidden("own_rating", _("Your own review is for others to judge."))
    added = insert(RatingVote).values(rating_id=rating_id, user_id=user_id, is_helpful=helpful)
    db.execute(
        added.on_conflict_do_update(
            index_elements=["rating_id", "user_id"],
            set_={"is_helpful": added.excluded.is_helpful},
            where=RatingVote.is_helpful != added.excluded.is_helpful,
        )
    )


def withdraw_vote(db: Session, rating_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take one's vote back; where there is none, nothing changes."""
    db.execute(delete(RatingVote).where(RatingVote.rating_id == rating_id, RatingVote.user_id == user_id))
