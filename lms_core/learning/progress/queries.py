"""What progress is counted by, and what students read of their own."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Numeric, Select, and_, case, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import INT4RANGE, JSONB, Range, aggregate_order_by
from sqlalchemy.orm import Session, aliased

from lms_core.courses.models import VersionLesson, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import AnyRow
from lms_core.learning.models import LessonProgress

LEEWAY = 5
"""Seconds that beats may come late, and that recordings may be ahead of the time that was counted for them."""


def percentage(done: Any, total: Any) -> ColumnElement[Decimal]:
    """In SQL, rounded down to hundredths, so that only everything is 100; of nothing, 0."""
    return func.coalesce(func.trunc(done * Decimal(100) / func.nullif(total, 0), 2), 0)


def done_of(version_id: uuid.UUID) -> Select[int]:
    """Count what is completed of a version's lessons."""
    return (
        select(func.count())
        .select_from(VersionLesson)
        .join(LessonProgress, LessonProgress.lesson_id == VersionLesson.lesson_id)
        .where(VersionLesson.version_id == version_id, LessonProgress.status == "completed")
    )


def parts_seen(seen: Sequence[Range[int]], extent: int | None, pace: float | None, seconds: int) -> int:
    """Of what clients have reported, what counts: parts that there are, as many as can be seen in the time."""
    bound = extent if extent is not None else 1 << 31
    parts = sum(max(0, min(each.upper or 0, bound) - (each.lower or 0)) for each in seen)
    return parts if pace is None else min(parts, int((seconds + LEEWAY) * pace))


def share_seen(
    seen: ColumnElement[Any], seconds: ColumnElement[int], finished: ColumnElement[bool]
) -> ColumnElement[Decimal]:
    """:func:`parts_seen` in SQL, as a percentage of the extent that the row of ``lesson_progress`` knows.

    Where it knows none, what the page itself reports decides.
    """
    parts = func.lms_parts(seen, LessonProgress.extent)
    bound = cast(func.floor((seconds + LEEWAY) * LessonProgress.pace), Integer)
    return case(
        (LessonProgress.status == "completed", Decimal(100)),
        (LessonProgress.extent > 0, percentage(cast(func.least(parts, bound), Numeric), LessonProgress.extent)),
        (finished, Decimal(100)),
        else_=LessonProgress.completion_percentage,
    )


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a lesson stands: the place of its module, and its own there."""

    module: int
    lesson: int


def next_unfinished(version_id: Any, user_id: Any, behind: Spot | None = None) -> Select[uuid.UUID]:
    """The first lesson of a version that somebody has not completed; ``behind`` a spot, and before its module last.

    Modules and lessons are gone through in order until there is one, so that finding what comes next, as most often,
    looks at one module, however many there are.
    """
    # By names of their own: the statement around it may select from the same tables.
    module, lesson = aliased(VersionModule), aliased(VersionLesson)
    wanted = [module.version_id == version_id, ~_completed(lesson.lesson_id, user_id)]
    order: list[Any] = [module.place, lesson.place]
    if behind is not None:
        wanted.append(or_(module.place != behind.module, lesson.place > behind.lesson))
        order.insert(0, module.place < behind.module)
    together = and_(lesson.version_id == module.version_id, lesson.module_id == module.module_id)
    return select(lesson.lesson_id).join_from(module, lesson, together).where(*wanted).order_by(*order).limit(1)


def goes_on(version_id: Any) -> ColumnElement[bool]:
    """Whether the lesson that an enrollment continues with is one of the version, and still to be completed."""
    lesson = aliased(VersionLesson)
    shown = exists().where(lesson.version_id == version_id, lesson.lesson_id == Enrollment.continue_lesson_id)
    return shown & ~_completed(Enrollment.continue_lesson_id, Enrollment.user_id)


def _completed(lesson_id: Any, user_id: Any) -> ColumnElement[bool]:
    own = aliased(LessonProgress)
    mine = exists().where(own.user_id == user_id, own.lesson_id == lesson_id, own.status == "completed")
    return mine.correlate_except(own)


def _pieces() -> Any:
    """What was seen, as JSON: ``[[0, 30], [45, 60]]``."""
    piece = func.unnest(LessonProgress.seen, type_=INT4RANGE).column_valued("piece")
    ends = func.jsonb_build_array(func.lower(piece), func.upper(piece))
    gathered = func.jsonb_agg(aggregate_order_by(ends, piece), type_=JSONB)
    return select(func.coalesce(gathered, func.jsonb_build_array())).scalar_subquery()


STATE = (
    LessonProgress.lesson_id, LessonProgress.status, LessonProgress.started_at, LessonProgress.completed_at,
    LessonProgress.last_position.label("position"), LessonProgress.time_spent_seconds,
    LessonProgress.completion_percentage, _pieces().label("seen"), LessonProgress.finished,
    LessonProgress.best_score.label("score"),
)  # fmt: skip
OF_COURSE = (
    Enrollment.progress_percentage,
    Enrollment.completed_at.is_not(None).label("course_completed"),
)


def state(connection: Connection | Session, user_id: uuid.UUID, lesson_id: uuid.UUID) -> AnyRow | None:
    """A student's own state in a lesson, and what it makes of the course."""
    return connection.execute(
        select(*STATE, *OF_COURSE)
        .join_from(LessonProgress, Enrollment, Enrollment.id == LessonProgress.enrollment_id)
        .where(LessonProgress.user_id == user_id, LessonProgress.lesson_id == lesson_id)
    ).first()
