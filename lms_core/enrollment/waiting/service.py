"""Commands on waiting lists. Each runs in the caller's transaction; raising rolls it back.

Whoever joins, leaves or moves up does so while the course is locked: no place is given twice, and none beyond the
last. What was decided about who waits (their method's word, the staff's approval) was decided when they joined. Who has
to pay is asked to when a place is free, which is kept for them for ``lms.waiting_list.offer``; then they are off the
list, and the next one is asked.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.events import PlacesChanged
from lms_core.courses.models import Course
from lms_core.courses.queries import hold_course
from lms_core.enrollment.admission import Admission, admit
from lms_core.enrollment.events import PlaceOffered, WaitingListJoined
from lms_core.enrollment.methods import enrollment_methods
from lms_core.enrollment.models import EnrollmentWait
from lms_core.enrollment.places import places_left
from lms_core.enrollment.waiting.queries import anybody_waits, next_waits
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import publish, publish_all
from lms_core.kernel.i18n import _

AT_ONCE = 200
"""People who move up in one transaction."""


def wait_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> EnrollmentWait | None:
    """Somebody's place on the list of a locked course."""
    mine = (EnrollmentWait.user_id == user_id, EnrollmentWait.course_id == course_id)
    return db.scalar(select(EnrollmentWait).where(*mine), execution_options={"populate_existing": True})


def check_waiting(db: Session, core: Core, course_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Raises 409 ``already_waiting``, unless a place in the locked course is kept for them, or was in vain."""
    wait = wait_of(db, course_id, user_id)
    if wait is None:
        return
    if wait.offered_until is None:
        raise Conflict("already_waiting", _("You are on the waiting list of this course already."))
    if wait.offered_until <= core.clock():
        end_waits(db, core, course_id, EnrollmentWait.id == wait.id)


def join_list(
    db: Session, course: Course, user_id: uuid.UUID, how: Admission, *, note: str | None = None
) -> EnrollmentWait:
    """Put somebody at the end of a locked course's list, to be let in as ``how`` says; who waits already, waits on."""
    wait = wait_of(db, course.id, user_id)
    if wait is not None:
        return wait
    wait = EnrollmentWait(user_id=user_id, course_id=course.id, admission=_kept(how))
    db.add(wait)
    db.flush()
    by_staff = how.decided_by is not None
    publish(db, WaitingListJoined(user_id, course.id, wait.id, course.title, by_staff, note), actor_id=how.decided_by)
    return wait


def end_waits(db: Session, core: Core, course_id: uuid.UUID, *which: ColumnElement[bool]) -> int:
    """Take people off a locked course's list whom nobody lets in; answers how many.

    The one way to do so: what their enrollment method has spent on them is given back. Of a method whose plugin is gone
    it stays spent.
    """
    ended = delete(EnrollmentWait).where(EnrollmentWait.course_id == course_id, *which)
    rows = db.scalars(ended.returning(EnrollmentWait.admission), execution_options={"synchronize_session": False}).all()
    methods = enrollment_methods(core)
    spent: dict[str, list[Mapping[str, str]]] = {}
    for kept in rows:
        if kept.get("spent") and kept.get("method") in methods:
            spent.setdefault(kept["method"], []).append(kept["spent"])
    for name, theirs in sorted(spent.items()):
        methods[name].give_back(db, theirs)
    return len(rows)


def leave_list(db: Session, core: Core, course_id: uuid.UUID, wait_id: uuid.UUID) -> None:
    """Take somebody off a list. Raises 404 where they have moved up a moment ago, or are off already."""
    hold_course(db, course_id)
    if not end_waits(db, core, course_id, EnrollmentWait.id == wait_id):
        raise NotFound()
    publish(db, PlacesChanged(course_id))  # One that was kept for them is free.


def move_up(db: Session, core: Core, course_id: uuid.UUID) -> bool:
    """Let those in who are next, as many as there are places for, or ask them to pay; answers whether to go on.

    Nobody moves up in a course that is unpublished, archived or deleted.
    """
    if not anybody_waits(db, core, course_id):  # Most often so, and then nobody has to wait for a lock.
        return False
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None or not course.in_catalog:
        return False
    now = core.clock()
    places = places_left(db, core, course)
    waits = next_waits(db, course_id, AT_ONCE if places is None else min(places, AT_ONCE))
    asked = [wait for wait in waits if wait.admission.get("pays")]
    _ask_to_pay(db, course, asked, now + dt.timedelta(seconds=core.settings.seconds("lms.waiting_list.offer")))
    free = [wait for wait in waits if not wait.admission.get("pays")]
    for key, example in {_key(wait): wait for wait in free}.items():
        people, how = [wait.user_id for wait in free if _key(wait) == key], _how(example)
        if how.expires_at is None or how.expires_at > now:
            admit(db, core, course, people, how, places=None)
    # A place kept in vain is free by the clock alone. Of who could not be let in, be it that their enrollment is
    # suspended or that its end came while they waited, nobody has to take notice any more.
    in_vain, refused = EnrollmentWait.offered_until <= now, EnrollmentWait.id.in_([wait.id for wait in free])
    end_waits(db, core, course_id, or_(in_vain, refused))
    return bool(waits)


def withdraw_offers(db: Session, course_id: uuid.UUID) -> None:
    """Who was offered a place in a course that nobody can join now waits on, and is asked anew once it is back."""
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is not None and not course.in_catalog:
        offered = (EnrollmentWait.course_id == course_id, EnrollmentWait.offered_until.is_not(None))
        db.execute(update(EnrollmentWait).where(*offered).values(offered_until=None))


def forget_deleted(db: Session, core: Core, course_id: uuid.UUID) -> None:
    """Take accounts that were deleted off a course's list."""
    hold_course(db, course_id)
    end_waits(db, core, course_id, EnrollmentWait.user_id.in_(select(User.id).where(User.deleted_at.is_not(None))))


def _ask_to_pay(db: Session, course: Course, waits: Sequence[EnrollmentWait], until: dt.datetime) -> None:
    """Keep a place for each, and say so: they take it by enrolling."""
    ids = [wait.id for wait in waits]
    db.execute(update(EnrollmentWait).where(EnrollmentWait.id.in_(ids)).values(offered_until=until))
    publish_all(db, [PlaceOffered(wait.user_id, course.id, wait.id, course.title, until) for wait in waits])


def _kept(how: Admission) -> dict[str, Any]:
    said = {"type": how.type, "method": how.method, "decidedBy": how.decided_by, "expiresAt": how.expires_at,
            "pays": "yes" if how.pays else None}  # fmt: skip
    kept: dict[str, Any] = {
        key: value.isoformat() if isinstance(value, dt.datetime) else str(value)
        for key, value in said.items()
        if value is not None
    }
    return {**kept, "spent": dict(how.spent)} if how.spent else kept


def _key(wait: EnrollmentWait) -> tuple[tuple[str, str], ...]:
    """The same for all who are let in the same way."""
    return tuple(sorted((name, value) for name, value in wait.admission.items() if name != "spent"))


def _how(wait: EnrollmentWait) -> Admission:
    kept = wait.admission
    return Admission(
        type=kept.get("type", "self"),
        method=kept.get("method"),
        decided_by=uuid.UUID(kept["decidedBy"]) if "decidedBy" in kept else None,
        expires_at=dt.datetime.fromisoformat(kept["expiresAt"]) if "expiresAt" in kept else None,
        via="waiting_list",
    )
