"""Commands on requests to join. Each runs in the caller's transaction; raising rolls it back.

Whatever changes a request locks the course first, as giving out places does: of two who decide about it at once, the
second finds what the first has decided.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.models import Course
from lms_core.courses.queries import hold_course
from lms_core.courses.service import lock_course
from lms_core.enrollment.admission import Admission, admit
from lms_core.enrollment.events import EnrollmentRejected, EnrollmentRequested
from lms_core.enrollment.models import Enrollment, EnrollmentRequest, EnrollmentWait
from lms_core.enrollment.places import room_for_who_comes
from lms_core.enrollment.waiting.service import join_list
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, LMSError, NotFound
from lms_core.kernel.events import publish, publish_all
from lms_core.kernel.i18n import _

APPROVE, REJECT = "approve", "reject"


@dataclass(frozen=True, slots=True)
class Review:
    """What one of the staff has decided about a request; the applicant is told the notes."""

    request_id: uuid.UUID
    decision: str
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of it: the request's new status, or why it has none."""

    id: uuid.UUID
    status: str | None = None
    enrollment_id: uuid.UUID | None = None
    wait_id: uuid.UUID | None = None
    error: LMSError | None = None


def request_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> EnrollmentRequest | None:
    """Somebody's request to join a locked course, whatever became of it."""
    mine = (EnrollmentRequest.user_id == user_id, EnrollmentRequest.course_id == course_id)
    return db.scalar(select(EnrollmentRequest).where(*mine).execution_options(populate_existing=True))


def ask(db: Session, core: Core, course: Course, user_id: uuid.UUID, reason: str | None) -> EnrollmentRequest:
    """Somebody asks to join a locked course, for the first time or again. Raises 409 ``already_requested``."""
    asked = request_of(db, course.id, user_id)
    if asked is None:
        asked = EnrollmentRequest(user_id=user_id, course_id=course.id)
        db.add(asked)
    else:
        if asked.status == "pending":
            raise Conflict("already_requested", _("You have asked to join this course already."))
        asked.earlier = [*asked.earlier, *([_past(asked)] if asked.reviewed_at is not None else [])]
    asked.status, asked.reason_for_joining, asked.created_at = "pending", reason, core.clock()
    asked.reviewed_by = asked.reviewed_at = asked.review_notes = None
    db.flush()
    publish(db, EnrollmentRequested(user_id, course.id, asked.id, course.title), actor_id=user_id)
    return asked


def _past(asked: EnrollmentRequest) -> dict[str, Any]:
    names = ("reason_for_joining", "created_at", "status", "reviewed_by", "reviewed_at", "review_notes")
    return {name: _plain(getattr(asked, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, uuid.UUID) else value


def withdraw(db: Session, course_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """The applicant does not want to join any more. Raises 409 ``request_not_pending``."""
    hold_course(db, course_id)
    asked = db.get(EnrollmentRequest, request_id, populate_existing=True)
    if asked is None or asked.status != "pending":
        raise _not_pending()
    asked.status = "withdrawn"
    db.flush()


def _not_pending() -> Conflict:
    return Conflict("request_not_pending", _("This request does not wait for a decision any more."))


def review_one(
    db: Session, core: Core, course_id: uuid.UUID, actor_id: uuid.UUID, review: Review, *, over_capacity: bool = False
) -> Reviewed:
    """:func:`review` for one request; raises what keeps it from being carried out."""
    [reviewed] = review_many(db, core, course_id, actor_id, [review], over_capacity=over_capacity)
    if reviewed.error is not None:
        raise reviewed.error
    return reviewed


def review_many(
    db: Session,
    core: Core,
    course_id: uuid.UUID,
    actor_id: uuid.UUID,
    reviews: Sequence[Review],
    *,
    over_capacity: bool = False,
) -> list[Reviewed]:
    """Carry out what one of the staff has decided, in the order given, as far as places reach.

    Whom there is no place for goes on the waiting list, where the course has one.
    Answers for each what came of it; its error is 404 ``not_found``, or 409 ``request_not_pending``,
    ``enrollment_suspended`` or ``course_full``, with which the request waits on. Raises 404, and 409
    ``course_archived``.
    """
    course = lock_course(db, course_id)
    pending, refused = _pending(db, course_id, reviews)
    approved = [review for review in reviews if review.decision == APPROVE and review.request_id in pending]
    how = Admission(method=course.enrollment_type, decided_by=actor_id, over_capacity=over_capacity, via="request")
    places = None if over_capacity else room_for_who_comes(db, core, course)
    notes = {pending[review.request_id].user_id: review.notes for review in approved}
    outcomes: dict[uuid.UUID, Enrollment | EnrollmentWait | LMSError] = {
        **admit(db, core, course, notes, how, places=places, notes=notes)
    }
    if course.waiting_list:
        for user_id, outcome in outcomes.items():
            if isinstance(outcome, LMSError) and outcome.code == "course_full":
                outcomes[user_id] = join_list(db, course, user_id, how, note=notes[user_id])
    reviewed = [
        refused.get(review.request_id) or _carry_out(core, pending[review.request_id], review, actor_id, outcomes)
        for review in reviews
    ]
    db.flush()
    rejected = (pending[each.id] for each in reviewed if each.status == "rejected")
    publish_all(db, [_rejection(each, course) for each in rejected], actor_id=actor_id)
    return reviewed


def _pending(
    db: Session, course_id: uuid.UUID, reviews: Sequence[Review]
) -> tuple[dict[uuid.UUID, EnrollmentRequest], dict[uuid.UUID, Reviewed]]:
    """The requests that can be decided about, and what is said of the others."""
    ids = [review.request_id for review in reviews]
    statement = (
        select(EnrollmentRequest)
        .join(User, User.id == EnrollmentRequest.user_id)
        .where(EnrollmentRequest.id.in_(ids), EnrollmentRequest.course_id == course_id, LIVING)
    )
    found = {each.id: each for each in db.scalars(statement.execution_options(populate_existing=True))}
    refused = {each: Reviewed(each, error=NotFound()) for each in ids if each not in found}
    for each in found.values():
        if each.status != "pending":
            refused[each.id] = Reviewed(each.id, error=_not_pending())
    return {key: each for key, each in found.items() if key not in refused}, refused


def _carry_out(
    core: Core,
    asked: EnrollmentRequest,
    review: Review,
    actor_id: uuid.UUID,
    outcomes: Mapping[uuid.UUID, Enrollment | EnrollmentWait | LMSError],
) -> Reviewed:
    outcome = outcomes.get(asked.user_id)
    if isinstance(outcome, LMSError) and outcome.code != "already_enrolled":
        return Reviewed(asked.id, error=outcome)
    asked.status = "approved" if review.decision == APPROVE else "rejected"
    asked.reviewed_by, asked.reviewed_at, asked.review_notes = actor_id, core.clock(), review.notes
    enrollment_id = outcome.id if isinstance(outcome, Enrollment) else None
    wait_id = outcome.id if isinstance(outcome, EnrollmentWait) else None
    return Reviewed(asked.id, asked.status, enrollment_id, wait_id)


def _rejection(asked: EnrollmentRequest, course: Course) -> EnrollmentRejected:
    return EnrollmentRejected(asked.user_id, course.id, asked.id, course.title, asked.review_notes)
