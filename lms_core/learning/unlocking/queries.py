"""What decides whether a module is open: of one student in one statement, and as a condition for other statements."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Interval,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.orm import Session, aliased

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.assessment.models import Quiz
from lms_core.courses.models import Course, CourseVersion, VersionLesson, VersionModule
from lms_core.enrollment.accommodations.queries import dates, read_dates
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.enrollment.queries import ENDS_AT, IN_USE
from lms_core.kernel.db import AnySelect
from lms_core.kernel.prepared import Prepared
from lms_core.learning.models import LessonProgress, ModuleProgress, RelativeOpening
from lms_core.learning.unlocking.rules import Done, Rule, Standing

_A_DAY = cast(literal("24 hours"), Interval)
FIRST_DAY: ColumnElement[dt.datetime] = func.coalesce(Enrollment.starts_at, Enrollment.enrolled_at)
"""Of a student in a course: what `relative` dates are counted from."""
_VERSION, _STUDENT = bindparam("version", type_=Uuid), bindparam("student", type_=Uuid)

_RULES = Prepared(
    select(
        VersionModule.module_id, VersionModule.unlock_type, VersionModule.unlock_date, VersionModule.unlock_after_days,
        VersionModule.unlock_min_score, VersionModule.prerequisites, VersionModule.lessons_total,
    )
    .where(VersionModule.version_id == _VERSION)
    .order_by(VersionModule.place)
)  # fmt: skip


def rules_of(connection: Connection, version_id: uuid.UUID) -> list[Rule]:
    """The modules of a version in order."""
    return [rule_of(row) for row in _RULES.all(connection, version=version_id)]


def rule_of(row: Any) -> Rule:
    """The rule in a row with the columns of ``version_modules``."""
    return Rule(
        row.module_id, row.unlock_type, row.unlock_date, row.unlock_after_days, row.unlock_min_score,
        tuple(row.prerequisites), row.lessons_total,
    )  # fmt: skip


def has_score(module_id: Any) -> ColumnElement[bool]:
    """Whether there is something to score in a module."""
    return exists().where(Quiz.module_id == module_id, Quiz.is_published, Quiz.quiz_type == "graded")


def _standing() -> AnySelect:
    """One row for a student and a version: the enrollment, null where there is none, and all that was done."""
    modules = (
        select(
            func.jsonb_agg(
                func.jsonb_build_array(
                    ModuleProgress.module_id, ModuleProgress.started_at, ModuleProgress.completed_at,
                    ModuleProgress.average_quiz_score, ModuleProgress.unlocked_at,
                )
            )
        )
        .where(ModuleProgress.enrollment_id == Enrollment.id)
        .correlate(Enrollment)
    )  # fmt: skip
    mine = VersionModule.version_id == CourseVersion.id
    scored = (
        select(func.array_agg(VersionModule.module_id))
        .where(
            mine,
            exists().where(mine, VersionModule.unlock_min_score.is_not(None)).correlate(CourseVersion),
            has_score(VersionModule.module_id),
        )
        .correlate(CourseVersion)
    )
    return (
        select(
            Enrollment.id.label("enrollment_id"), Enrollment.status, Enrollment.enrolled_at, Enrollment.starts_at,
            ENDS_AT.label("ends_at"), Accommodation.waives_sequence, dates().label("own_dates"),
            modules.scalar_subquery().label("modules"), scored.scalar_subquery().label("scored"),
        )
        .select_from(CourseVersion)
        .outerjoin(Enrollment, and_(Enrollment.course_id == CourseVersion.course_id, Enrollment.user_id == _STUDENT))
        .outerjoin(Accommodation, Accommodation.enrollment_id == Enrollment.id)
        .where(CourseVersion.id == _VERSION)
    )  # fmt: skip


STANDING = _standing()
"""For the parameters ``version`` and ``student``; other rooms add columns of their own."""
_PREPARED = Prepared(STANDING)


def standing_of(connection: Connection, version_id: uuid.UUID, student_id: uuid.UUID) -> Standing | None:
    """A student's part in the course that has the version, or None."""
    return read_standing(_PREPARED.first(connection, version=version_id, student=student_id))


def read_standing(row: Any) -> Standing | None:
    """The standing in a row of :data:`STANDING`."""
    if row is None or row.enrollment_id is None:
        return None
    return Standing(
        status=row.status,
        enrolled_at=row.enrolled_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        waives_sequence=bool(row.waives_sequence),
        own_dates=read_dates(row.own_dates),
        modules={uuid.UUID(each[0]): _done(each) for each in row.modules or ()},
        scored=frozenset(row.scored or ()),
    )


def _done(part: Sequence[Any]) -> Done:
    _module_id, started_at, completed_at, score, _unlocked_at = part
    return Done(started_at is not None, completed_at is not None, score)


def moments_of(row: Any) -> dict[uuid.UUID, dict[str, dt.datetime | None]]:
    """By module, in a row of :data:`STANDING`: when it opened through what the student did, and was completed."""
    return {
        uuid.UUID(module_id): {"unlockedAt": _moment(unlocked_at), "completedAt": _moment(completed_at)}
        for module_id, _started_at, completed_at, _score, unlocked_at in row.modules or ()
    }


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text is not None else None


def unlocked_at(
    db: Session, enrollment: Enrollment, version_id: uuid.UUID, moment: dt.datetime | None
) -> Sequence[uuid.UUID]:
    """The modules of a version, in order, that opened to one student at exactly that moment."""
    return db.scalars(
        select(VersionModule.module_id)
        .join(ModuleProgress, ModuleProgress.module_id == VersionModule.module_id)
        .where(
            VersionModule.version_id == version_id,
            ModuleProgress.enrollment_id == enrollment.id,
            ModuleProgress.unlocked_at == moment,
        )
        .order_by(VersionModule.place)
    ).all()


def opens_at() -> ColumnElement[dt.datetime | None]:
    """When a module opens by its date to the student of an enrollment, with its accommodation; null without a date."""
    later = FIRST_DAY + VersionModule.unlock_after_days * _A_DAY
    own = (
        select(AccommodationDate.unlocks_at)
        .where(
            AccommodationDate.accommodation_id == Accommodation.id,
            AccommodationDate.module_id == VersionModule.module_id,
        )
        .correlate(Accommodation, VersionModule)
        .scalar_subquery()
    )
    return case(
        (VersionModule.unlock_type == "scheduled", func.coalesce(own, VersionModule.unlock_date)),
        (VersionModule.unlock_type == "relative", func.coalesce(own, later)),
    )


def open_lesson(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a lesson is open to somebody who takes the course, as :func:`~lms_core.learning.unlocking.rules.decide`.

    A condition on ``version_lessons`` and its ``version_modules``, in what students see of ``courses``. For who does
    not take the course it says nothing.
    """
    lesson = (LessonProgress.user_id == person, LessonProgress.lesson_id == VersionLesson.lesson_id)
    begun = exists().where(*lesson, LessonProgress.started_at.is_not(None)).correlate(VersionLesson)
    return or_(_free(), and_(_admitted(person), or_(begun, _entered(person), conditions_met(person))))


def open_module(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """:func:`open_lesson` for what was not begun of a module: a condition on ``version_modules`` and ``courses``."""
    return or_(_free(), and_(_admitted(person), or_(_entered(person), conditions_met(person))))


def _free() -> ColumnElement[bool]:
    return and_(VersionModule.unlock_type == "immediate", VersionModule.prerequisites == text("'{}'::uuid[]"))


def _entered(person: ColumnElement[Any]) -> ColumnElement[bool]:
    module = (ModuleProgress.user_id == person, ModuleProgress.module_id == VersionModule.module_id)
    return exists().where(*module, ModuleProgress.started_at.is_not(None)).correlate(VersionModule)


def _admitted(person: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(Enrollment.course_id == Course.id, Enrollment.user_id == person, IN_USE).correlate(Course)


def conditions_met(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether every condition of a module holds now for somebody who takes its course.

    On ``version_modules`` and ``courses`` of the enclosing statement.
    """
    in_time = func.coalesce(opens_at() <= func.now(), literal(True))
    return (
        select(literal(1))
        .select_from(Enrollment)
        .outerjoin(Accommodation, Accommodation.enrollment_id == Enrollment.id)
        .where(Enrollment.course_id == Course.id, Enrollment.user_id == person, in_time, ~_in_the_way(person))
        .correlate_except(Enrollment, Accommodation)
        .exists()
    )


def _in_the_way(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a module that this one waits for is not completed, or was scored too low."""
    other, sibling = aliased(VersionModule), aliased(VersionModule)
    before = (
        select(func.max(sibling.place))
        .where(sibling.version_id == VersionModule.version_id, sibling.place < VersionModule.place)
        .correlate(VersionModule)
        .scalar_subquery()
    )
    awaited = or_(
        other.module_id == func.any(VersionModule.prerequisites),
        and_(
            VersionModule.unlock_type == "sequential", Accommodation.waives_sequence.is_not(True), other.place == before
        ),
    )
    low = case(
        (ModuleProgress.average_quiz_score.is_(None), has_score(other.module_id)),
        else_=ModuleProgress.average_quiz_score < VersionModule.unlock_min_score,
    )
    lacking = or_(
        and_(other.lessons_total > 0, ModuleProgress.completed_at.is_(None)),
        and_(VersionModule.unlock_min_score.is_not(None), low),
    )
    return (
        select(literal(1))
        .select_from(other)
        .outerjoin(ModuleProgress, and_(ModuleProgress.user_id == person, ModuleProgress.module_id == other.module_id))
        .where(other.version_id == VersionModule.version_id, awaited, lacking)
        .correlate_except(other, ModuleProgress)
        .exists()
    )


def has_opened_by_date(module_id: uuid.UUID, person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a module's own date has opened it to somebody who takes its course, and has not begun it.

    Who has a date of their own there is left out. A condition on ``enrollments`` and ``courses``.
    """
    own_date = (
        exists()
        .select_from(Accommodation)
        .where(
            Accommodation.enrollment_id == Enrollment.id,
            AccommodationDate.accommodation_id == Accommodation.id,
            AccommodationDate.module_id == module_id,
        )
        .correlate(Enrollment)
    )
    module = (ModuleProgress.user_id == person, ModuleProgress.module_id == module_id)
    begun = exists().where(*module, ModuleProgress.started_at.is_not(None)).correlate_except(ModuleProgress)
    open_now = (
        exists()
        .select_from(VersionModule)
        .where(
            VersionModule.version_id == Course.version_id,
            VersionModule.module_id == module_id,
            VersionModule.unlock_type == "scheduled",
            VersionModule.unlock_date <= func.now(),
            conditions_met(person),
        )
        .correlate_except(VersionModule)
    )
    return and_(open_now, ~own_date, ~begun)


NEWS = dt.timedelta(days=1)
"""How long ago a module's date may have come, to be told."""


def students_due(now: dt.datetime, limit: int) -> AnySelect:
    """The next enrollments, with ``after_days`` and ``first_day``, whose first day was so many days ago since the last.

    Of each number of days that modules of versions have. Looks at no other enrollments than these.
    """
    relative = (VersionModule.unlock_type == "relative", VersionModule.unlock_after_days > 0)
    least = select(func.min(VersionModule.unlock_after_days))
    numbers = select(least.where(*relative).scalar_subquery().label("after_days")).cte("numbers", recursive=True)
    further = least.where(*relative, VersionModule.unlock_after_days > numbers.c.after_days)
    numbers = numbers.union_all(
        select(further.correlate(numbers).scalar_subquery()).where(numbers.c.after_days.is_not(None))
    )
    ago = literal(now) - numbers.c.after_days * _A_DAY
    place = tuple_(FIRST_DAY, Enrollment.id)
    reached = tuple_(
        func.greatest(RelativeOpening.first_day, ago - NEWS),
        func.coalesce(RelativeOpening.enrollment_id, uuid.UUID(int=0)),
    )
    students = (
        select(FIRST_DAY.label("first_day"), Enrollment.id)
        .where(ago >= FIRST_DAY, place > reached)
        .order_by(FIRST_DAY, Enrollment.id)
        .limit(limit)
        .correlate(numbers, RelativeOpening)
        .lateral()
    )
    return (
        select(numbers.c.after_days, students.c.first_day, students.c.id)
        .select_from(numbers)
        .outerjoin(RelativeOpening, RelativeOpening.after_days == numbers.c.after_days)
        .join(students, true())
        .order_by(numbers.c.after_days, students.c.first_day, students.c.id)
        .limit(limit)
    )


def newly_open(pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> AnySelect:
    """Of these enrollments and modules those that are open now, and that their students have not begun."""
    module = (ModuleProgress.user_id == User.id, ModuleProgress.module_id == VersionModule.module_id)
    begun = exists().where(*module, ModuleProgress.started_at.is_not(None)).correlate(User, VersionModule)
    return (
        select(
            Enrollment.id.label("enrollment_id"), Enrollment.user_id, Enrollment.course_id, VersionModule.module_id,
            VersionModule.lessons_total, VersionModule.title, Course.title.label("course_title"),
        )
        .select_from(Enrollment)
        .join(User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .join(VersionModule, VersionModule.version_id == Course.version_id)
        .where(
            Enrollment.id.in_({enrollment_id for enrollment_id, _module_id in pairs}),
            tuple_(Enrollment.id, VersionModule.module_id).in_(pairs),
            VersionModule.unlock_type.in_(("scheduled", "relative")),
            IN_USE, USABLE, Course.is_published, Course.deleted_at.is_(None), ~begun,
            conditions_met(User.id.expression),
        )
        .order_by(Enrollment.id, VersionModule.place)
    )  # fmt: skip
