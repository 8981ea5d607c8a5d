"""Letting people into a course: the one place where its places are given out, whoever has decided it."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, CourseVersion
from lms_core.enrollment.events import UserEnrolled
from lms_core.enrollment.lifecycle.service import acting
from lms_core.enrollment.models import Enrollment, EnrollmentRequest
from lms_core.enrollment.places import kept_for, release
from lms_core.enrollment.queries import TAKING, missing_prerequisites
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, LMSError, NotFound
from lms_core.kernel.events import publish_all
from lms_core.kernel.i18n import _

_NOTHING: Mapping[uuid.UUID, str | None] = MappingProxyType({})
_NOBODY: Mapping[uuid.UUID, Sequence[Any]] = MappingProxyType({})


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
    waives_prerequisites: bool = False
    """Whether they are let in whatever of the course's prerequisites they lack."""
    via: str = ""
    """What came before: ``request`` or ``waiting_list``."""
    pays: bool = False
    """Of who waits for a place: whether they are asked to pay then, and not let in."""
    spent: Mapping[str, str] = field(default_factory=dict)
    """Of who waits for a place: what the method gives back should they never get one."""
    starts_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    dates: Mapping[uuid.UUID, tuple[dt.datetime | None, dt.datetime | None]] = field(default_factory=dict)
    """From when and until when, of who is to have other dates than the rest."""

    def dates_of(self, user_id: uuid.UUID) -> tuple[dt.datetime | None, dt.datetime | None]:
        """From when and until when somebody is to be let in."""
        return self.dates.get(user_id, (self.starts_at, self.expires_at))

    @property
    def by_staff(self) -> bool:
        """Whether the staff enroll somebody of their own accord, and so say from when and until when."""
        return self.type in ("admin", "instructor")

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it beside the columns; an end there is one that the method has set, and not the staff."""
        said = {
            "method": self.method,
            "decidedBy": str(self.decided_by) if self.decided_by else None,
            "overCapacity": self.over_capacity or None,
            "expiresAt": self.expires_at.isoformat() if self.expires_at and not self.by_staff else None,
        }
        return {key: value for key, value in said.items() if value}


def lock_open_course(db: Session, course_id: uuid.UUID) -> Course:
    """A course of the catalog, locked until the transaction ends, so that its places are given out one at a time.

    Raises 404 ``course_not_found``.
    """
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None or not course.in_catalog:
        raise NotFound("course_not_found", _("No such course."))
    return course


def check_window(core: Core, course: Course) -> None:
    """Raises 409 ``enrollment_not_open`` and ``enrollment_closed``, which say since when or until when."""
    opens, closes, now = course.enrollment_opens_at, course.enrollment_closes_at, core.clock()
    if opens is not None and now < opens:
        extra = {"opensAt": opens.astimezone(dt.UTC)}
        raise Conflict("enrollment_not_open", _("This course cannot be joined yet."), extra=extra)
    if closes is not None and now >= closes:
        extra = {"closedAt": closes.astimezone(dt.UTC)}
        raise Conflict("enrollment_closed", _("This course cannot be joined any more."), extra=extra)


def check_prerequisites(db: Session, course: Course, user_id: uuid.UUID) -> None:
    """Raises 409 ``prerequisites_missing``, whose ``missing`` are the courses: code, title and id."""
    missing = missing_prerequisites(db, course, [user_id]).get(user_id)
    if missing:
        raise lacks(missing)


def lacks(missing: Sequence[Any]) -> Conflict:
    """409 ``prerequisites_missing`` for these rows of :func:`missing_prerequisites`."""
    named = ", ".join(row.title or row.code for row in missing)
    return Conflict(
        "prerequisites_missing",
        _("Complete these courses first: ${courses}.", mapping={"courses": named}),
        extra={"missing": [{"id": row.id, "code": row.code, "title": row.title} for row in missing]},
    )


def course_full() -> Conflict:
    return Conflict("course_full", _("Every place in this course is taken."))


def standing(core: Core, enrollment: Enrollment | None) -> LMSError | None:
    """Why somebody with this enrollment cannot be enrolled: 409 ``already_enrolled`` or ``enrollment_suspended``."""
    if enrollment is None:
        return None
    if enrollment.status == "suspended":
        return Conflict("enrollment_suspended", _("Your enrollment in this course is suspended."))
    if enrollment.status in TAKING and not enrollment.is_over(core.clock()):
        return Conflict("already_enrolled", _("You are enrolled in this course already."))
    return None


def enrollment_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> Enrollment | None:
    """Somebody's enrollment in a locked course, whatever became of it."""
    return db.scalar(select(Enrollment).where(Enrollment.user_id == user_id, Enrollment.course_id == course_id))


def admit(
    db: Session,
    core: Core,
    course: Course,
    people: Iterable[uuid.UUID],
    how: Admission,
    *,
    places: int | None,
    notes: Mapping[uuid.UUID, str | None] = _NOTHING,
    missing: Mapping[uuid.UUID, Sequence[Any]] = _NOBODY,
) -> dict[uuid.UUID, Enrollment | LMSError]:
    """Enroll people in a locked course in the order given, as many as there are ``places`` (None: for all of them).

    Who has a place kept for them takes that one, and none of these; so does who is counted still, in an enrollment that
    is over. They are told the ``notes``, and nobody has to decide about a request of theirs any more. Who lacks
    prerequisites (``missing``, as ``missing_prerequisites`` finds them) is refused, unless ``how`` waives that: then it
    is kept with the enrollment. Answers for each the enrollment or why there is none: 409 ``already_enrolled``,
    ``enrollment_suspended``, ``prerequisites_missing``, ``course_full``. In a dozen statements, however many they are.
    """
    wanted = list(dict.fromkeys(people))
    known = select(Enrollment).where(Enrollment.course_id == course.id, Enrollment.user_id.in_(wanted))
    earlier = {each.user_id: each for each in db.scalars(known, execution_options={"populate_existing": True})}
    placed = kept_for(db, core, course.id, wanted) if places is not None else set()
    placed |= {user_id for user_id, enrollment in earlier.items() if enrollment.holds_place}
    refused: dict[uuid.UUID, Enrollment | LMSError] = {}
    let_in: list[uuid.UUID] = []
    for user_id in wanted:
        refusal = standing(core, earlier.get(user_id))
        if refusal is None and user_id in missing and not how.waives_prerequisites:
            refusal = lacks(missing[user_id])
        if refusal is None and places is not None and user_id not in placed:
            refusal = course_full() if places == 0 else None
            places = max(0, places - 1)
        if refusal is None:
            let_in.append(user_id)
        else:
            refused[user_id] = refusal
    if not let_in:
        return refused
    if how.decided_by is not None:
        acting(db, how.decided_by)
    admitted = _begin(db, core, course, let_in, earlier, how, missing)
    _close(db, core, course, let_in, how)
    told = (
        UserEnrolled(each.user_id, course.id, each.id, course.title, how.via, notes.get(each.user_id), each.starts_at)
        for each in admitted
    )
    publish_all(db, told, actor_id=how.decided_by)
    outcomes = {**refused, **{each.user_id: each for each in admitted}}
    return {user_id: outcomes[user_id] for user_id in wanted}


def admit_one(
    db: Session, core: Core, course: Course, user_id: uuid.UUID, how: Admission, *, places: int | None
) -> Enrollment:
    """:func:`admit` for one person; raises what keeps them out."""
    [outcome] = admit(db, core, course, [user_id], how, places=places).values()
    if isinstance(outcome, LMSError):
        raise outcome
    return outcome


def _begin(
    db: Session,
    core: Core,
    course: Course,
    people: Sequence[uuid.UUID],
    earlier: Mapping[uuid.UUID, Enrollment],
    how: Admission,
    missing: Mapping[uuid.UUID, Sequence[Any]],
) -> list[Enrollment]:
    """Enrollments from now on. Who comes back finds all that was done; ``enrollment_changes`` knows of the rest."""
    now = core.clock()
    kept = {user_id: {"admission": how.record} for user_id in people}
    for user_id, rows in missing.items():
        if user_id in kept:
            kept[user_id]["admission"]["waived"] = [row.code for row in rows]
    begun = {"enrollment_type": how.type, "enrolled_at": now, "lessons_total": _lessons_total(db, course)}
    back = [earlier[user_id] for user_id in people if user_id in earlier]
    for enrollment in back:
        enrollment.starts_at, enrollment.expires_at = _dates(enrollment, how, now)
        for name, value in begun.items():
            setattr(enrollment, name, value)
        enrollment.status = "completed" if enrollment.completed_at is not None else "active"
        enrollment.dropped_at = enrollment.dropped_reason = enrollment.place_freed_at = None
        enrollment.extra = {**enrollment.extra, **kept[enrollment.user_id]}
    db.flush()
    rows = [
        {
            "user_id": user_id, "course_id": course.id, "extra": kept[user_id], **begun,
            **dict(zip(("starts_at", "expires_at"), how.dates_of(user_id), strict=True)),
        }
        for user_id in people if user_id not in earlier
    ]  # fmt: skip
    # Not one by one, as the session would add them.
    new = db.scalars(insert(Enrollment).returning(Enrollment), rows).all() if rows else []
    return [*back, *new]


def _dates(enrollment: Enrollment, how: Admission, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From when and until when the enrollment of somebody who comes back lets them in.

    Who leaves does not shake off what the staff had set: it stays, unless it is over by now or the staff themselves
    enroll them anew. An end that came of a method's decision, a method decides anew.
    """
    if how.by_staff or enrollment.is_over(now):
        return how.dates_of(enrollment.user_id)
    decided = enrollment.extra.get("admission", {}).get("expiresAt")
    starts, expires = enrollment.starts_at, enrollment.expires_at
    if expires is not None and (decided is None or dt.datetime.fromisoformat(decided) != expires):
        return starts, expires
    starts, expires = starts or how.starts_at, how.expires_at
    if starts is not None and expires is not None and expires <= starts:
        expires = starts + max(expires - now, dt.timedelta(seconds=1))  # Counted from now, it counts from the start.
    return starts, expires


def _lessons_total(db: Session, course: Course) -> int:
    """The lessons that the course shows its students: what there is to complete."""
    return db.scalar(select(CourseVersion.lessons_total).where(CourseVersion.id == course.version_id)) or 0


def _close(db: Session, core: Core, course: Course, people: Sequence[uuid.UUID], how: Admission) -> None:
    """Of those who are in, nobody has to decide about a request, and for none of them a place is waited for or kept."""
    release(db, course.id, people)
    theirs = EnrollmentRequest.user_id.in_(people)
    closed = update(EnrollmentRequest).where(EnrollmentRequest.course_id == course.id, theirs)
    db.execute(
        closed.where(EnrollmentRequest.status == "pending").values(
            status="approved", reviewed_by=how.decided_by, reviewed_at=core.clock()
        ),
        execution_options={"synchronize_session": False},
    )
