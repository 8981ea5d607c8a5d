"""A heartbeat: one statement that checks whether it may count, writes it, and answers what counted.

No time is counted twice, and none that has not passed: ``enrollments.time_counted_until`` moves on with each beat in
any lesson of the course, whichever of a student's tabs and devices sends it. A beat that is sent again finds no time
left to count, and what it says was seen is there already, so that clients repeat what was not answered, adding up the
seconds, and nobody keeps account of beats. How old a late beat is, its client says: no clock but ours is compared.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    Connection,
    DateTime,
    Float,
    Integer,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE

from lms_core.courses.models import Course, VersionLesson
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import IN_USE
from lms_core.kernel.core import Core
from lms_core.kernel.prepared import Prepared
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.queries import LEEWAY, share_seen

MOST_PIECES = 1_000
"""Pieces that a lesson's evidence may fall into; a beat that makes more of them adds none."""

_WHO, _LESSON = bindparam("student", type_=Uuid), bindparam("lesson", type_=Uuid)
_NOW, _AT = bindparam("now", type_=DateTime(timezone=True)), bindparam("at", type_=DateTime(timezone=True))
_SECONDS, _MOST = bindparam("seconds", type_=Integer), bindparam("most", type_=Integer)
_POSITION = bindparam("position", type_=Integer)
_SEEN = cast(bindparam("seen"), INT4MULTIRANGE)
_FINISHED, _SCORE = bindparam("finished", type_=Boolean), bindparam("score", type_=Float)
_SECOND: Any = literal_column("interval '1 second'")


def _counted() -> CTE:
    """The enrollment, locked, and how many of the seconds count: as many as have passed since any last counted."""
    # What was locked is read as it is now, so that of two beats at once the second finds what the first has taken.
    place = (
        select(
            Enrollment.id,
            VersionLesson.module_id,
            LessonProgress.status,
            func.coalesce(Enrollment.time_counted_until, _NOW).label("since"),
        )
        .join_from(LessonProgress, Enrollment, Enrollment.id == LessonProgress.enrollment_id)
        .join(Course, Course.id == Enrollment.course_id)
        .join(
            VersionLesson,
            and_(
                VersionLesson.version_id == Course.version_id,
                VersionLesson.lesson_id == LessonProgress.lesson_id,
            ),
        )
        .where(
            LessonProgress.user_id == _WHO,
            LessonProgress.lesson_id == _LESSON,
            LessonProgress.started_at.is_not(None),
            IN_USE,
            Course.is_published,
            Course.deleted_at.is_(None),
        )
        .with_for_update(of=Enrollment)
        .cte("place")
    )
    passed = cast(func.floor(extract("epoch", _NOW - place.c.since)), Integer)
    seconds = func.greatest(0, func.least(_SECONDS, _MOST, passed)).label("seconds")
    return select(place, seconds).cte("counted")


def _statement() -> Prepared:
    counted = _counted()
    course = (
        update(Enrollment)
        .where(Enrollment.id == counted.c.id)
        .values(
            time_spent_seconds=Enrollment.time_spent_seconds + counted.c.seconds,
            # Time that nobody claimed is gone, but for what a beat may come late.
            time_counted_until=func.greatest(
                counted.c.since + counted.c.seconds * _SECOND, _NOW - LEEWAY * _SECOND, counted.c.since
            ),
            last_accessed_at=func.greatest(Enrollment.last_accessed_at, _NOW),
            continue_lesson_id=case((counted.c.status == "completed", Enrollment.continue_lesson_id), else_=_LESSON),
        )
        .returning(Enrollment.time_spent_seconds)
        .cte("course")
    )
    module = (
        update(ModuleProgress)
        .where(ModuleProgress.user_id == _WHO, ModuleProgress.module_id == counted.c.module_id, counted.c.seconds > 0)
        .values(time_spent_seconds=ModuleProgress.time_spent_seconds + counted.c.seconds)
        .returning(ModuleProgress.id)
        .cte("module")
    )
    lesson = _lesson(counted)
    answer = select(lesson, counted.c.seconds.label("counted_seconds")).join_from(
        lesson, counted, literal_column("true")
    )
    return Prepared(answer.add_cte(course, module))


def _lesson(counted: CTE) -> CTE:
    spent = LessonProgress.time_spent_seconds + counted.c.seconds
    seen = func.lms_merge_parts(LessonProgress.seen, _SEEN, MOST_PIECES)
    finished = LessonProgress.finished | _FINISHED
    newest = and_(_POSITION.is_not(None), func.coalesce(LessonProgress.position_at, _AT) <= _AT)
    return (
        update(LessonProgress)
        .where(LessonProgress.user_id == _WHO, LessonProgress.lesson_id == _LESSON, counted.c.id.is_not(None))
        .values(
            time_spent_seconds=spent,
            seen=seen,
            finished=finished,
            best_score=func.greatest(LessonProgress.best_score, _SCORE),
            last_position=case((newest, _POSITION), else_=LessonProgress.last_position),
            position_at=case((newest, _AT), else_=LessonProgress.position_at),
            completion_percentage=share_seen(seen, spent, finished),
        )
        .returning(
            LessonProgress.lesson_id,
            LessonProgress.status,
            LessonProgress.last_position.label("position"),
            LessonProgress.time_spent_seconds,
            LessonProgress.completion_percentage,
        )
        .cte("lesson_now")
    )


BEAT = _statement()


def beat(connection: Connection, core: Core, user_id: uuid.UUID, lesson_id: uuid.UUID, said: Mapping[str, Any]) -> Any:
    """Count a heartbeat; None where the student has not started the lesson, or may not use the course now."""
    now = core.clock()
    return BEAT.first(
        connection,
        student=user_id,
        lesson=lesson_id,
        now=now,
        at=now - dt.timedelta(seconds=said["age"]),
        most=core.settings.integer("lms.progress.longest_beat"),
        seen=_multirange(said["seen"]),
        **{name: said[name] for name in ("seconds", "position", "finished", "score")},
    )


def _multirange(pieces: Sequence[Sequence[int]]) -> str:
    return "{" + ",".join(f"[{first},{end})" for first, end in pieces) + "}"
