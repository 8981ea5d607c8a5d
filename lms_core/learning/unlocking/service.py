"""Commands on what is open: noting what a student enters, and what opens through what the student does.

Each runs in the caller's transaction, with the student's enrollment locked; time's do so themselves.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, VersionModule
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.kernel.errors import Forbidden
from lms_core.kernel.events import publish_all
from lms_core.kernel.i18n import _
from lms_core.learning.models import ModuleOpening, ModuleProgress, RelativeOpening
from lms_core.learning.unlocking.events import ModuleOpened, ModuleUnlocked
from lms_core.learning.unlocking.queries import NEWS, newly_open, standing_of, students_due
from lms_core.learning.unlocking.rules import Rule, decide


def locked(module_id: uuid.UUID | None, reasons: Sequence[Any] = ()) -> Forbidden:
    """403 ``module_locked``, with what the module waits for."""
    told = {"moduleId": str(module_id), "reasons": list(reasons)}
    return Forbidden("module_locked", _("This module is not open to you yet."), extra=told)


def enter_module(db: Session, enrollment: Enrollment, module_id: uuid.UUID, total: int, now: dt.datetime) -> None:
    """Note that a student has begun a module of ``total`` lessons: it stays open to them from now on."""
    _note(db, [(enrollment, module_id, total)], "started_at", now)


def record_unlocked(
    db: Session, now: dt.datetime, enrollment: Enrollment, version_id: uuid.UUID, rules: Sequence[Rule]
) -> list[uuid.UUID]:
    """The modules, in order, that what the student has done opened, and that nobody told them of yet.

    To be asked whenever a module of a student's was completed or scored; ``rules`` are those of the version.
    """
    if not any(rule.waits for rule in rules):
        return []
    decisions = decide(rules, standing_of(db.connection(), version_id, enrollment.user_id), now)
    totals = {rule.id: rule.lessons_total for rule in rules}
    opened = [each.module_id for each in decisions if each.earned and not each.begun]
    noted = _note(db, [(enrollment, each, totals[each]) for each in opened], "unlocked_at", now)
    told = [module_id for module_id in opened if (enrollment.user_id, module_id) in noted]
    publish_all(db, _events(db, enrollment, version_id, told), actor_id=enrollment.user_id)
    return told


def note_openings(db: Session, now: dt.datetime, *, limit: int) -> int:
    """Note the next modules whose date has come since yesterday, each with one event; answers how many.

    An older date is no news. Of two processes that do this at once, the second finds what the first has noted.
    """
    due = (
        select(VersionModule.module_id, VersionModule.unlock_date)
        .join(Course, Course.version_id == VersionModule.version_id)
        .outerjoin(ModuleOpening, ModuleOpening.module_id == VersionModule.module_id)
        .where(
            VersionModule.unlock_type == "scheduled",
            VersionModule.unlock_date <= now,
            VersionModule.unlock_date > now - NEWS,
            ModuleOpening.unlock_date.is_distinct_from(VersionModule.unlock_date),
            Course.is_published,
            Course.deleted_at.is_(None),
        )
        .order_by(VersionModule.unlock_date, VersionModule.module_id)
        .limit(limit)
    )
    noted = insert(ModuleOpening).from_select(["module_id", "unlock_date"], due)
    opened = db.scalars(
        noted.on_conflict_do_update(
            index_elements=["module_id"],
            set_={"unlock_date": noted.excluded.unlock_date},
            where=ModuleOpening.unlock_date != noted.excluded.unlock_date,
        ).returning(ModuleOpening.module_id)
    ).all()
    titles = (
        select(Course.id, VersionModule.module_id, Course.title, VersionModule.title)
        .join(Course, Course.version_id == VersionModule.version_id)
        .where(VersionModule.module_id.in_(opened))
    )
    publish_all(db, [ModuleOpened(*row) for row in db.execute(titles)] if opened else [])
    return len(opened)


def note_own_openings(db: Session, now: dt.datetime, *, limit: int) -> int:
    """Tell the next students whose own date of a module has come since yesterday; answers how many were looked at.

    Each date is looked at once. Who cannot enter then is not told.
    """
    due = db.execute(
        select(AccommodationDate.accommodation_id, Accommodation.enrollment_id, AccommodationDate.module_id)
        .join(Accommodation, Accommodation.id == AccommodationDate.accommodation_id)
        .where(
            ~AccommodationDate.noted,
            AccommodationDate.unlocks_at <= now,
            AccommodationDate.unlocks_at > now - NEWS,
        )
        .order_by(AccommodationDate.unlocks_at)
        .limit(limit)
    ).all()
    if due:
        _tell_each(db, now, [(row.enrollment_id, row.module_id) for row in due])
        named = tuple_(AccommodationDate.accommodation_id, AccommodationDate.module_id)
        looked_at = [(row.accommodation_id, row.module_id) for row in due]
        db.execute(
            update(AccommodationDate)
            .where(named.in_(looked_at), AccommodationDate.unlocks_at <= now)
            .values(noted=True),
            execution_options={"synchronize_session": False},
        )
    return len(due)


def note_relative_openings(db: Session, now: dt.datetime, *, limit: int) -> int:
    """Tell the next students to whom a module opens so many days after their first; answers how many were looked at.

    Of each number of days that modules have, it goes on where it was, but no further back than to yesterday.
    """
    due = db.execute(students_due(now, limit)).all()
    if not due:
        return 0
    opens = select(Enrollment.id, VersionModule.module_id).select_from(Enrollment)
    opens = opens.join(Course, Course.id == Enrollment.course_id)
    opens = opens.join(VersionModule, VersionModule.version_id == Course.version_id).where(
        VersionModule.unlock_type == "relative",
        Enrollment.id.in_([row.id for row in due]),
        tuple_(Enrollment.id, VersionModule.unlock_after_days).in_([(row.id, row.after_days) for row in due]),
    )
    _tell_each(db, now, [(row.id, row.module_id) for row in db.execute(opens)])
    last = {row.after_days: (row.first_day, row.id) for row in due}
    reached = insert(RelativeOpening).values([(days, *place) for days, place in sorted(last.items())])
    place, reaches = (
        tuple_(each.first_day, each.enrollment_id) for each in (RelativeOpening, reached.excluded)
    )  # fmt: skip
    db.execute(
        reached.on_conflict_do_update(
            index_elements=["after_days"],
            set_={name: reached.excluded[name] for name in ("first_day", "enrollment_id")},
            where=place < reaches,
        )
    )
    return len(due)


def _tell_each(db: Session, now: dt.datetime, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Publish which of these modules are open now to the students of these enrollments, as far as nobody has.

    The enrollments are locked, in the order of their ids, before anything else is.
    """
    if not pairs:
        return
    theirs = Enrollment.id.in_({enrollment_id for enrollment_id, _module_id in pairs})
    locked_first = select(Enrollment).where(theirs).order_by(Enrollment.id).with_for_update(key_share=True)
    enrollments = {each.id: each for each in db.scalars(locked_first, execution_options={"populate_existing": True})}
    rows = db.execute(newly_open(pairs)).all()
    opened = [(enrollments[row.enrollment_id], row.module_id, row.lessons_total) for row in rows]
    noted = _note(db, opened, "unlocked_at", now)
    publish_all(
        db,
        [
            ModuleUnlocked(
                row.user_id, row.course_id, row.enrollment_id, row.module_id, row.course_title, row.title, by_date=True
            )
            for row in rows
            if (row.user_id, row.module_id) in noted
        ],
    )


def _note(
    db: Session, opened: Sequence[tuple[Enrollment, uuid.UUID, int]], name: str, now: dt.datetime
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Set a moment of these modules, each with its number of lessons, where it is not set; answers whose, in which."""
    if not opened:
        return set()
    rows = [
        {
            "user_id": enrollment.user_id, "enrollment_id": enrollment.id, "module_id": module_id,
            "lessons_total": total, name: now,
        }
        for enrollment, module_id, total in opened
    ]  # fmt: skip
    column = getattr(ModuleProgress, name)
    noted = (
        insert(ModuleProgress)
        .values(rows)
        .on_conflict_do_update(index_elements=["user_id", "module_id"], set_={name: now}, where=column.is_(None))
        .returning(ModuleProgress.user_id, ModuleProgress.module_id)
    )
    return {(row.user_id, row.module_id) for row in db.execute(noted)}


def _events(
    db: Session, enrollment: Enrollment, version_id: uuid.UUID, opened: Sequence[uuid.UUID]
) -> Iterable[ModuleUnlocked]:
    if not opened:
        return ()
    titles = (
        select(VersionModule.module_id, VersionModule.title, Course.title.label("course_title"))
        .join_from(VersionModule, Course, Course.id == enrollment.course_id)
        .where(VersionModule.version_id == version_id, VersionModule.module_id.in_(opened))
        .order_by(VersionModule.place)
    )
    return [
        ModuleUnlocked(
            enrollment.user_id, enrollment.course_id, enrollment.id, row.module_id, row.course_title, row.title
        )
        for row in db.execute(titles)
    ]
