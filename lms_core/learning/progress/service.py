"""Commands on progress. Each runs in the caller's transaction; raising rolls it back.

Every command locks the student's enrollment first: what one student does in one course happens one after another,
so the last two lessons completed at once still add up to a completed course, once.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from lms_core.courses.content.service import lacking, measure, measured_fields
from lms_core.courses.models import Course, CourseVersion, Lesson, LessonRevision, Module, VersionLesson, VersionModule
from lms_core.courses.queries import hold_course
from lms_core.enrollment.lifecycle.service import complete
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import IN_USE
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.i18n import _
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.queries import Spot, done_of, next_unfinished, parts_seen, percentage, state
from lms_core.learning.unlocking.queries import open_lesson, rules_of, unlocked_at
from lms_core.learning.unlocking.service import enter_module, locked, record_unlocked


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lesson stands for a student: the locked enrollment, and what students see of the course.

    ``measured`` are the fields of the content that tell how much of it there is.
    """

    enrollment: Enrollment
    module_id: uuid.UUID
    version_id: uuid.UUID
    module_place: int
    lesson_place: int
    module_total: int
    course_total: int
    min_seconds: int
    content_type: str
    criteria: Mapping[str, Any]
    measured: Mapping[str, Any] | None
    is_open: bool
    entered_at: dt.datetime | None
    module_completed_at: dt.datetime | None


def start_lesson(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> dict[str, Any]:
    """Begin a lesson, or come back to it: the first start stays.

    From here on time counts: what passed before, in whatever lesson, can no longer be claimed. Raises 404 where the
    caller takes no such course, 403 ``module_locked``.
    """
    now = core.clock()
    place = find_place(db, core, user_id, lesson_id)
    enrollment = place.enrollment
    if place.entered_at is None:
        enter_module(db, enrollment, place.module_id, place.module_total, now)
    status = _begin(db, core, place, lesson_id, now)
    enrollment.started_at = enrollment.started_at or now
    enrollment.last_accessed_at = enrollment.time_counted_until = now
    if status != "completed":
        enrollment.continue_lesson_id = lesson_id
    db.flush()
    return _state(db, user_id, lesson_id)


def complete_lesson(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> dict[str, Any]:
    """Complete a lesson that was started; a second time changes nothing, and answers what it opened the first time.

    Raises 404 and 403 as :func:`start_lesson` does; 409 ``lesson_not_started``, ``minimum_time_not_reached`` (with
    ``Retry-After``: the seconds that are left) and ``completion_criteria_not_met`` (``missing``: what is lacking).
    """
    now = core.clock()
    place = _place_to_complete(db, core, user_id, lesson_id)
    progress = _progress(db, user_id, lesson_id)
    if progress is None or progress.started_at is None:
        raise Conflict("lesson_not_started", _("Start the lesson before you complete it."))
    if progress.status == "completed":
        opened = unlocked_at(db, place.enrollment, place.version_id, progress.completed_at)
        return _state(db, user_id, lesson_id, opened)
    _check_completion(core, place, progress)
    progress.status, progress.completed_at, progress.completion_percentage = "completed", now, Decimal(100)
    place.enrollment.last_accessed_at = now
    db.flush()
    completed = _advance_module(db, place, now)
    _advance_course(db, place, now)
    _go_on(db, place)
    fresh = completed is not None and place.module_completed_at is None
    unlocked = []
    if fresh:
        rules = rules_of(db.connection(), place.version_id)
        unlocked = record_unlocked(db, now, place.enrollment, place.version_id, rules)
    return _state(db, user_id, lesson_id, unlocked)


def _place_to_complete(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> Place:
    """:func:`find_place`; where that may complete the course, this is locked too, before the enrollment as everywhere.

    Only the last lesson needs that: all others leave the course to who enrolls in it.
    """
    with db.begin_nested() as attempt:
        place = find_place(db, core, user_id, lesson_id)
        enrollment = place.enrollment
        course_id, is_last = enrollment.course_id, enrollment.lessons_completed + 1 >= place.course_total
        if enrollment.status != "active" or not is_last:
            return place
        attempt.rollback()
    hold_course(db, course_id)
    return find_place(db, core, user_id, lesson_id)


def find_place(db: Session, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID) -> Place:
    """The place of a lesson that students see, for somebody who takes its course; raises as :func:`start_lesson` does.

    The enrollment stays locked until the transaction ends.
    """
    row: Any = db.execute(
        select(
            Enrollment,
            VersionLesson.module_id,
            VersionLesson.version_id,
            VersionModule.place,
            VersionLesson.place,
            VersionModule.lessons_total,
            CourseVersion.lessons_total,
            LessonRevision.min_seconds,
            LessonRevision.content_type,
            LessonRevision.completion_criteria,
            _measured(core),
            open_lesson(literal(user_id)),
            ModuleProgress.started_at,
            ModuleProgress.completed_at,
        )
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .join(Course, Course.id == Module.course_id)
        .join(Enrollment, Enrollment.course_id == Course.id)
        .join(CourseVersion, CourseVersion.id == Course.version_id)
        .join(VersionLesson, and_(VersionLesson.version_id == CourseVersion.id, VersionLesson.lesson_id == Lesson.id))
        .join(
            VersionModule,
            and_(VersionModule.version_id == CourseVersion.id, VersionModule.module_id == VersionLesson.module_id),
        )
        .join(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .outerjoin(
            ModuleProgress,
            and_(ModuleProgress.user_id == Enrollment.user_id, ModuleProgress.module_id == VersionModule.module_id),
        )
        .where(Lesson.id == lesson_id, Enrollment.user_id == user_id, IN_USE)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound()
    place = Place(*row)
    if not place.is_open:
        raise locked(place.module_id)
    return place


def _measured(core: Core) -> Any:
    """Of the content only what its type measures by: a long text stays where it is."""
    whole = LessonRevision.content.op("||", return_type=JSONB())(LessonRevision.derived)
    entry = func.jsonb_each(whole).table_valued("key", "value")
    kinds = []
    for name, fields in measured_fields(core).items():
        chosen = select(func.jsonb_object_agg(entry.c.key, entry.c.value)).where(entry.c.key.in_(fields))
        kinds.append((LessonRevision.content_type == name, chosen.scalar_subquery()))
    return case(*kinds) if kinds else literal(None, JSONB())


def _progress(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonProgress | None:
    mine = (LessonProgress.user_id == user_id, LessonProgress.lesson_id == lesson_id)
    return db.scalar(select(LessonProgress).where(*mine).execution_options(populate_existing=True))


def _begin(db: Session, core: Core, place: Place, lesson_id: uuid.UUID, now: dt.datetime) -> str:
    """The row of the lesson; answers its status."""
    measured = measure(core, place.content_type, place.measured)
    user_id, enrollment_id = place.enrollment.user_id, place.enrollment.id
    lesson = insert(LessonProgress).values(
        user_id=user_id, lesson_id=lesson_id, enrollment_id=enrollment_id, status="in_progress", started_at=now,
        extent=measured.extent, pace=measured.pace,
    )  # fmt: skip
    begun = case((LessonProgress.status == "not_started", "in_progress"), else_=LessonProgress.status)
    kept = lesson.on_conflict_do_update(
        index_elements=["user_id", "lesson_id"],
        set_={
            "status": begun,
            "started_at": func.coalesce(LessonProgress.started_at, lesson.excluded.started_at),
            "extent": lesson.excluded.extent,
            "pace": lesson.excluded.pace,
        },
    )
    status: str = db.execute(kept.returning(LessonProgress.status)).scalar_one()
    return status


def _check_completion(core: Core, place: Place, progress: LessonProgress) -> None:
    """Raises 409 where time or evidence is missing. What the content is now counts, not what it was at the start."""
    seconds = progress.time_spent_seconds
    if seconds < place.min_seconds:
        left = place.min_seconds - seconds
        raise Conflict("minimum_time_not_reached", _("Take some more time for this lesson."), retry_after=left)
    measured = measure(core, place.content_type, place.measured)
    lacks = lacking(
        core, place.content_type, place.criteria, seconds=seconds, extent=measured.extent, finished=progress.finished,
        seen=parts_seen(progress.seen, measured.extent, measured.pace, seconds), score=progress.best_score,
    )  # fmt: skip
    if lacks:
        message = _("There is more to do in this lesson before it is complete.")
        raise Conflict("completion_criteria_not_met", message, extra={"missing": [asdict(lack) for lack in lacks]})


def _advance_module(db: Session, place: Place, now: dt.datetime) -> dt.datetime | None:
    """One lesson more, in one statement. Answers when the module was completed, if it is.

    What looks like all of them is counted once, as :func:`_advance_course` does: what is stored may still be of the
    version before.
    """
    mine = insert(ModuleProgress).values(
        user_id=place.enrollment.user_id, module_id=place.module_id, enrollment_id=place.enrollment.id,
        lessons_total=place.module_total, lessons_completed=1, completion_percentage=percentage(1, place.module_total),
        completed_at=now if place.module_total == 1 else None,
    )  # fmt: skip
    one_more = ModuleProgress.lessons_completed + 1
    counted = done_of(place.version_id).where(
        VersionLesson.module_id == place.module_id, LessonProgress.user_id == place.enrollment.user_id
    )
    done = case((one_more < place.module_total, one_more), else_=counted.scalar_subquery())
    return db.scalar(
        mine.on_conflict_do_update(
            index_elements=["user_id", "module_id"],
            set_={
                "lessons_total": place.module_total,
                "lessons_completed": done,
                "completion_percentage": percentage(done, place.module_total),
                "completed_at": func.coalesce(
                    ModuleProgress.completed_at, case((done == place.module_total, literal(now)))
                ),
            },
        ).returning(ModuleProgress.completed_at)
    )


def _advance_course(db: Session, place: Place, now: dt.datetime) -> None:
    """One lesson more. What looks like all of them is counted once, for good: a completion is never taken back."""
    enrollment, total = place.enrollment, place.course_total
    done = min(enrollment.lessons_completed + 1, total)
    if done == total:
        done = db.scalar(done_of(place.version_id).where(LessonProgress.user_id == enrollment.user_id)) or 0
    enrollment.lessons_total, enrollment.lessons_completed = total, done
    if enrollment.completed_at is None:
        enrollment.progress_percentage = Decimal(done * 10_000 // total) / 100
        if done == total:
            complete(db, enrollment, now)


def _go_on(db: Session, place: Place) -> None:
    """The lesson to continue with is the next that is not completed, else the first."""
    enrollment = place.enrollment
    found = None
    if enrollment.lessons_completed < place.course_total:
        behind = Spot(place.module_place, place.lesson_place)
        find = (next_unfinished(place.version_id, enrollment.user_id, spot) for spot in (behind, None))
        found = next((lesson for statement in find if (lesson := db.scalar(statement)) is not None), None)
    enrollment.continue_lesson_id = found
    db.flush()


def _state(db: Session, user_id: uuid.UUID, lesson_id: uuid.UUID, unlocked: Sequence[uuid.UUID] = ()) -> dict[str, Any]:
    row = state(db, user_id, lesson_id)
    if row is None:
        raise NotFound()
    return {**row._mapping, "unlocked": unlocked}
