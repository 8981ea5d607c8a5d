"""Letting people into a course: the one place where its places are given out, whoever has decided it."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion
from lms_core.enrollment.events import UserEnrolled
from lms_core.enrollment.lifecycle.service import acting
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, LMSError, NotFound
from lms_core.kernel.events import publish_all
from lms_core.kernel.i18n import _


@dataclass(frozen=True, slots=True)
class Admission:
    """How people come into a course, and who has decided it; it is kept with the enrollment."""

    type: str = "self"
    """``enrollments.enrollment_type``: ``self``, ``admin``, ``instructor`` or ``gift``."""
    method: str | None = None
    """The enrollment method, where they came by one."""
    decided_by: uuid.UUID | None = None
    """Who let them in, where somebody did."""
    over_capacity: bool = False
    """Whether they are let in though every place is taken."""
    starts_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it beside the columns."""
        said = {"method": self.method, "decidedBy": self.decided_by, "overCapacity": self.over_capacity or None}
        return {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in said.items() if value}


def lock_open_course(db: Session, course_id: uuid.UUID) -> Course:
    """A course of the catalog, locked until the transaction ends, so that its places are given out one at a time.

    Raises 404 ``course_not_found``.
    """
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None or course.deleted_at is not None or not course.is_published or course.archived_at is not None:
        raise NotFound("course_not_found", _("No such course."))
    return course


def places_left(course: Course) -> int | None:
    """How many more a locked course takes; None where there is no limit."""
    if course.max_students is None:
        return None
    return max(0, course.max_students - course.enrolled_count)


def course_full() -> Conflict:
    return Conflict("course_full", _("Every place in this course is taken."))


def standing(core: Core, enrollment: Enrollment | None) -> LMSError | None:
    """Why somebody with this enrollment cannot be enrolled: 409 ``already_enrolled`` or ``enrollment_suspended``."""
    if enrollment is None:
        return None
    if enrollment.status == "suspended":
        return Conflict("enrollment_suspended", _("Your enrollment in this course is suspended."))
    over = enrollment.expires_at is not None and enrollment.expires_at <= core.clock()
    if enrollment.status in TAKING and not over:
        return Conflict("already_enrolled", _("You are enrolled in this course already."))
    return None


def enrollment_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> Enrollment | None:
    """Somebody's enrollment in a locked course, whatever became of it."""
    return db.scalar(select(Enrollment).where(Enrollment.user_id == user_id, Enrollment.course_id == course_id))


def admit(
    db: Session, core: Core, course: Course, people: Iterable[uuid.UUID], how: Admission, *, places: int | None
) -> dict[uuid.UUID, Enrollment | LMSError]:
    """Enroll people in a locked course in the order given, as many as there are ``places`` (None: for all of them).

    Answers for each the enrollment or why there is none: 409 ``already_enrolled``, ``enrollment_suspended``,
    ``course_full``. In a dozen statements, however many they are.
    """
    wanted = list(dict.fromkeys(people))
    known = select(Enrollment).where(Enrollment.course_id == course.id, Enrollment.user_id.in_(wanted))
    earlier = {each.user_id: each for each in db.scalars(known, execution_options={"populate_existing": True})}
    total = _lessons_total(db, course)
    if how.decided_by is not None:
        acting(db, how.decided_by)
    outcomes: dict[uuid.UUID, Enrollment | LMSError] = {}
    admitted: list[Enrollment] = []
    for user_id in wanted:
        refusal = standing(core, earlier.get(user_id))
        if refusal is None and places is not None and len(admitted) >= places:
            refusal = course_full()
        if refusal is None:
            enrollment = earlier.get(user_id) or Enrollment(user_id=user_id, course_id=course.id)
            _begin(core, enrollment, how, total)
            admitted.append(enrollment)
        outcomes[user_id] = refusal or admitted[-1]
    db.add_all(admitted)
    db.flush()
    _tell(db, course, admitted)
    return outcomes


def admit_one(
    db: Session, core: Core, course: Course, user_id: uuid.UUID, how: Admission, *, places: int | None
) -> Enrollment:
    """:func:`admit` for one person; raises what keeps them out."""
    [outcome] = admit(db, core, course, [user_id], how, places=places).values()
    if isinstance(outcome, LMSError):
        raise outcome
    return outcome


def _begin(core: Core, enrollment: Enrollment, how: Admission, lessons: int) -> None:
    """The enrollment from now on. Who comes back finds all that was done; ``enrollment_changes`` knows of the rest."""
    enrollment.extra = {**(enrollment.extra or {}), "admission": how.record}
    enrollment.status = "completed" if enrollment.completed_at is not None else "active"
    enrollment.enrollment_type = how.type
    enrollment.enrolled_at = core.clock()
    enrollment.starts_at, enrollment.expires_at = how.starts_at, how.expires_at
    enrollment.dropped_at = enrollment.dropped_reason = None
    enrollment.lessons_total = lessons


def _lessons_total(db: Session, course: Course) -> int:
    """The lessons that the course shows its students: what there is to complete."""
    return db.scalar(select(CourseVersion.lessons_total).where(CourseVersion.id == course.version_id)) or 0


def _tell(db: Session, course: Course, admitted: Iterable[Enrollment]) -> None:
    publish_all(db, [UserEnrolled(each.user_id, course.id, each.id, course.title) for each in admitted])
