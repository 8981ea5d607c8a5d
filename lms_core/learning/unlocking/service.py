"""Commands on what is open: noting what a student enters, and what opens through what the student does.

Each runs in the caller's transaction, with the student's enrollment locked.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Forbidden
from lms_core.kernel.events import publish_all
from lms_core.kernel.i18n import _
from lms_core.learning.models import ModuleOpening, ModuleProgress
from lms_core.learning.unlocking.events import ModuleOpened, ModuleUnlocked
from lms_core.learning.unlocking.queries import standing_of
from lms_core.learning.unlocking.rules import Rule, decide


def locked(module_id: uuid.UUID | None, reasons: Sequence[Any] = ()) -> Forbidden:
    """403 ``module_locked``, with what the module waits for."""
    told = {"moduleId": str(module_id), "reasons": list(reasons)}
    return Forbidden("module_locked", _("This module is not open to you yet."), extra=told)


def enter_module(db: Session, enrollment: Enrollment, module_id: uuid.UUID, total: int, now: dt.datetime) -> None:
    """Note that a student has begun a module of ``total`` lessons: it stays open to them from now on."""
    _note(db, enrollment, {module_id: total}, "started_at", now)


def record_unlocked(
    db: Session, core: Core, enrollment: Enrollment, version_id: uuid.UUID, rules: Sequence[Rule]
) -> list[uuid.UUID]:
    """The modules, in order, that what the student has done opened, and that nobody told them of yet.

    To be asked whenever a module of a student's was completed or scored; ``rules`` are those of the version.
    """
    if not any(rule.waits for rule in rules):
        return []
    decisions = decide(rules, standing_of(db.connection(), version_id, enrollment.user_id), core.clock())
    totals = {rule.id: rule.lessons_total for rule in rules}
    opened = {each.module_id: totals[each.module_id] for each in decisions if each.earned and not each.begun}
    noted = _note(db, enrollment, opened, "unlocked_at", core.clock())
    told = [module_id for module_id in opened if module_id in noted]
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
            VersionModule.unlock_date > now - dt.timedelta(days=1),
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


def _note(
    db: Session, enrollment: Enrollment, modules: Mapping[uuid.UUID, int], name: str, now: dt.datetime
) -> set[uuid.UUID]:
    """Set a moment of these modules, each with its number of lessons, where it is not set; answers in which."""
    if not modules:
        return set()
    mine = {"user_id": enrollment.user_id, "enrollment_id": enrollment.id, name: now}
    rows = [{**mine, "module_id": module_id, "lessons_total": total} for module_id, total in modules.items()]
    column = getattr(ModuleProgress, name)
    noted = (
        insert(ModuleProgress)
        .values(rows)
        .on_conflict_do_update(index_elements=["user_id", "module_id"], set_={name: now}, where=column.is_(None))
        .returning(ModuleProgress.module_id)
    )
    return set(db.scalars(noted))


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
