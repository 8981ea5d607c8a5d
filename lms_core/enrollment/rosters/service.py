"""Commands on many students of a course at once. Each runs in the caller's transaction; raising rolls it back."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.orm import Session

from lms_core.accounts.fields import normal_address
from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING, USABLE
from lms_core.courses.models import Course
from lms_core.courses.queries import hold_course
from lms_core.enrollment.admission import Admission, admit, lock_open_course
from lms_core.enrollment.events import EnrollmentDropped, EnrollmentResumed, EnrollmentSuspended
from lms_core.enrollment.lifecycle.service import FROM, acting, refusal
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.places import places_left
from lms_core.enrollment.queries import missing_prerequisites
from lms_core.enrollment.rosters.events import StudentsMessaged
from lms_core.enrollment.rosters.queries import AT_ONCE, conditions
from lms_core.kernel.core import Core
from lms_core.kernel.errors import LMSError
from lms_core.kernel.events import Event, publish, publish_all
from lms_core.kernel.i18n import _

_MESSAGED = ("active", "completed", "suspended", "expired")
"""The states in which the staff may write to somebody: who has left the course, has left it."""
_REACHED = and_(Enrollment.status.in_(_MESSAGED), USABLE)
_AS_INTENDED = ("enrolled", "already_enrolled")


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody who is to be enrolled, as the list names them; ``refusal`` where the line cannot be used.

    ``line`` is where a file names them; None where their place in the list is all there is to say.
    """

    named: str
    user_id: uuid.UUID | None = None
    email: str | None = None
    starts_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    refusal: LMSError | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line: ``enrolled``, or the code and the words of what was in the way.

    ``missing_prerequisites`` are codes of courses: why somebody was refused, or what was waived.
    """

    line: int
    named: str
    outcome: str
    detail: str | None = None
    enrollment_id: uuid.UUID | None = None
    missing_prerequisites: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a list; where it was not ``applied``, what would have."""

    applied: bool
    results: Sequence[Result]

    @property
    def enrolled(self) -> int:
        return sum(result.outcome == "enrolled" for result in self.results)

    @property
    def refused(self) -> int:
        return sum(result.outcome not in _AS_INTENDED for result in self.results)


def enroll_many(
    db: Session,
    core: Core,
    course_id: uuid.UUID,
    wishes: Sequence[Wish],
    how: Admission,
    *,
    dry_run: bool = False,
    all_or_nothing: bool = False,
) -> Report:
    """Enroll a list of people in a course of the catalog, as far as its places go, in the order of the list.

    Who takes the course already stays as they are, so that a list can be sent again. Who lacks prerequisites is
    refused, unless ``how`` waives that. What is not to be applied is done
    all the same, and taken back. Raises 404 ``course_not_found``.
    """
    course = lock_open_course(db, course_id)
    people = _people(db, wishes)
    wanted = list(dict.fromkeys(each for each in people if each is not None))
    how = replace(how, dates=_dates(wishes, people))
    with db.begin_nested() as tried:
        missing = missing_prerequisites(db, course, wanted)
        outcomes = admit(db, core, course, wanted, how, places=places_left(db, core, course), missing=missing)
        results = _results(wishes, people, outcomes, missing)
        applied = not dry_run and not (all_or_nothing and any(each.outcome not in _AS_INTENDED for each in results))
        if not applied:
            tried.rollback()
    if not applied:
        results = [replace(each, enrollment_id=None) for each in results]
    return Report(applied, results)


def _people(db: Session, wishes: Sequence[Wish]) -> list[uuid.UUID | None]:
    """Whom each line means; None where nobody can be found, or where an earlier line meant the same."""
    ids = {wish.user_id for wish in wishes if wish.user_id is not None}
    written = [normal_address(wish.email).lower() if wish.email is not None else "" for wish in wishes]
    addresses = set(written) - {""}
    known = set(db.scalars(select(User.id).where(User.id.in_(ids), USABLE))) if ids else set()
    by_address: dict[str, uuid.UUID] = {}
    if addresses:
        lowered = func.lower(User.email)
        found = db.execute(select(lowered, User.id).where(lowered.in_(addresses), USABLE))
        by_address = {row[0]: row[1] for row in found}
    return [
        (wish.user_id if wish.user_id in known else None) if wish.user_id is not None else by_address.get(address)
        for wish, address in zip(wishes, written, strict=True)
    ]


def _dates(wishes: Sequence[Wish], people: Sequence[uuid.UUID | None]) -> dict[uuid.UUID, Any]:
    """The dates of those who are to have some; a second line about somebody changes nothing."""
    first: dict[uuid.UUID, Any] = {}
    for wish, user_id in zip(wishes, people, strict=True):
        if user_id is not None:
            first.setdefault(user_id, (wish.starts_at, wish.expires_at))
    return {user_id: dates for user_id, dates in first.items() if dates != (None, None)}


def _results(
    wishes: Sequence[Wish],
    people: Sequence[uuid.UUID | None],
    outcomes: Mapping[uuid.UUID, Enrollment | LMSError],
    missing: Mapping[uuid.UUID, Sequence[Any]],
) -> list[Result]:
    results, seen = list[Result](), set[uuid.UUID]()
    for place, (wish, user_id) in enumerate(zip(wishes, people, strict=True), 1):
        line = wish.line or place
        if wish.refusal is not None:
            results.append(Result(line, wish.named, wish.refusal.code, wish.refusal.detail))
        elif user_id is None:
            results.append(Result(line, wish.named, "user_unknown", _("There is no such person.")))
        elif user_id in seen:
            results.append(Result(line, wish.named, "named_twice", _("The list has named this person already.")))
        else:
            seen.add(user_id)
            outcome = outcomes[user_id]
            codes = [row.code for row in missing.get(user_id, ())]
            if isinstance(outcome, Enrollment):
                results.append(Result(line, wish.named, "enrolled", None, outcome.id, codes))
            else:
                told = codes if outcome.code == "prerequisites_missing" else []
                results.append(Result(line, wish.named, outcome.code, outcome.detail, None, told))
    return results


@dataclass(frozen=True, slots=True)
class Chosen:
    """Students of a course: by the ids of their enrollments, or by filters; addresses count only with ``contact``."""

    ids: Sequence[uuid.UUID] | None
    filters: Mapping[str, Any]
    contact: bool

    def conditions(self) -> list[Any]:
        if self.ids is not None:
            return [Enrollment.id.in_(self.ids)]
        return conditions(self.filters, contact=self.contact)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of the chosen; where there may be ``more``, the same can be asked again."""

    changed: Sequence[uuid.UUID]
    skipped: Mapping[uuid.UUID, str]
    """Why nothing was changed, as a code."""
    more: bool


def change_many(
    db: Session,
    core: Core,
    course_id: uuid.UUID,
    step: str,
    chosen: Chosen,
    actor_id: uuid.UUID,
    reason: str | None = None,
) -> Changed:
    """``suspend``, ``resume`` or ``drop`` the chosen, :data:`AT_ONCE` at most, with one event each.

    Of those chosen by id, who cannot be changed is skipped, with why; filters choose only those who can.
    """
    rows = _locked(db, course_id, step, chosen)
    able = [row for row in rows if row.status in FROM[step]]
    if able:
        acting(db, actor_id, reason)
        changes = update(Enrollment).where(Enrollment.id.in_([row.id for row in able]))
        db.execute(changes.values(_values(core, step, reason)), execution_options={"synchronize_session": False})
        publish_all(db, [_event(step, row, reason) for row in able], actor_id=actor_id)
    changed = [row.id for row in able]
    skipped = {row.id: refusal(row.status).code for row in rows if row.status not in FROM[step]}
    if chosen.ids is not None:
        found = {row.id for row in rows}
        skipped |= {each: "enrollment_unknown" for each in chosen.ids if each not in found}
    return Changed(changed, skipped, chosen.ids is None and len(rows) == AT_ONCE)


def _locked(db: Session, course_id: uuid.UUID, step: str, chosen: Chosen) -> Sequence[Any]:
    hold_course(db, course_id)
    statement = (
        select(Enrollment.id, Enrollment.user_id, Enrollment.course_id, Enrollment.status, Course.title)
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .where(Enrollment.course_id == course_id, LIVING, *chosen.conditions())
        .order_by(Enrollment.id)
        .limit(AT_ONCE)
        .with_for_update(of=Enrollment, key_share=True)
    )
    if chosen.ids is None:
        statement = statement.where(Enrollment.status.in_(FROM[step]))
    return db.execute(statement).all()


def _values(core: Core, step: str, reason: str | None) -> dict[str, Any]:
    now, nothing = core.clock(), {"suspended_at": None, "suspended_reason": None}
    resumed = case((Enrollment.completed_at.is_(None), "active"), else_="completed")
    values: dict[str, dict[str, Any]] = {
        "suspend": {"status": "suspended", "suspended_at": now, "suspended_reason": reason},
        "resume": {"status": resumed, **nothing},
        "drop": {"status": "dropped", "dropped_at": now, "dropped_reason": reason, **nothing},
    }
    return values[step]


def _event(step: str, row: Any, reason: str | None) -> Event:
    told = (row.user_id, row.course_id, row.id, row.title)
    if step == "suspend":
        return EnrollmentSuspended(*told, reason)
    return EnrollmentResumed(*told) if step == "resume" else EnrollmentDropped(*told, by_staff=True, reason=reason)


@dataclass(frozen=True, slots=True)
class Sent:
    """To how many a message goes, and why it does not go to others of those chosen by id, as a code."""

    recipients: int
    skipped: Mapping[uuid.UUID, str]


def send_message(
    db: Session, course_id: uuid.UUID, sender_id: uuid.UUID, chosen: Chosen, subject: str, body: str
) -> Sent:
    """Write to the chosen, as they are at this moment and however many they are.

    Each event is of :data:`AT_ONCE` people at most and is told once, so that nobody gets the message twice, and no
    transaction that tells of it grows with the course.
    """
    skipped = _not_messaged(db, course_id, chosen.ids) if chosen.ids is not None else {}
    about = select(Course.title, User.full_name).join(User, User.id == sender_id)
    title, sender = db.execute(about.where(Course.id == course_id)).one()
    people = (
        select(Enrollment.user_id)
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .where(Enrollment.course_id == course_id, _REACHED, *chosen.conditions())
    )
    recipients = 0
    for some in db.scalars(people.execution_options(yield_per=AT_ONCE)).partitions():
        publish(db, StudentsMessaged(course_id, title, sender_id, sender, subject, body, list(some)))
        recipients += len(some)
    return Sent(recipients, skipped)


def _not_messaged(db: Session, course_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Of enrollments named by id, those that the message does not reach."""
    rows = db.execute(
        select(Enrollment.id, Enrollment.status, _REACHED.label("reached"))
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .where(Enrollment.course_id == course_id, Enrollment.id.in_(ids), LIVING)
    ).all()
    known = {row.id: row for row in rows}
    skipped = {each: "enrollment_unknown" for each in ids if each not in known}
    for row in rows:
        if not row.reached:
            skipped[row.id] = "account_suspended" if row.status in _MESSAGED else refusal(row.status).code
    return skipped
