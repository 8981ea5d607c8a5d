"""The windows of the quizzes in the courses that somebody takes, in one statement."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, or_, select
from sqlalchemy.types import Text

from lms_core.accounts.calendar.queries import PERSON, Dates, Entry, Wanted, within
from lms_core.assessment.models import Quiz
from lms_core.courses.models import Course, CourseVersion, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import ENDS_AT, OVER, TAKING
from lms_core.kernel.i18n import _

_OPENS, _DUE = "opens", "due"


def _at(kind: str, moment: ColumnElement[Any]) -> Select[Any]:
    """Of published quizzes in modules that students see, as far as the student's own time in the course reaches."""
    changed_at = func.greatest(Quiz.updated_at, CourseVersion.published_at, Enrollment.updated_at, Course.updated_at)
    return (
        select(
            literal(kind, Text).label("kind"), moment.label("moment"), Quiz.id, Quiz.title,
            Enrollment.course_id, Course.title.label("course_title"), changed_at.label("changed_at"),
        )
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .join(CourseVersion, CourseVersion.id == Course.version_id)
        .join(VersionModule, VersionModule.version_id == CourseVersion.id)
        .join(Quiz, Quiz.module_id == VersionModule.module_id)
        .where(
            Enrollment.user_id == PERSON,
            Enrollment.status.in_(TAKING),
            ~func.coalesce(OVER, False),
            Course.is_published,
            Course.deleted_at.is_(None),
            Quiz.is_published,
            within(moment),
            or_(Enrollment.starts_at.is_(None), moment >= Enrollment.starts_at),
            or_(ENDS_AT.is_(None), moment <= ENDS_AT),
        )
    )  # fmt: skip


_DATES = Dates(
    _at(_OPENS, Quiz.available_from.expression), _at(_DUE, Quiz.available_until.expression), key=["id", "kind"]
)


def entries(connection: Connection, wanted: Wanted) -> Iterator[Entry]:
    """The source of assessment in calendars."""
    if not wanted.caller.may("enrollments:read", "own"):
        return
    yield from map(_entry, _DATES.rows(connection, wanted))


def _entry(row: Any) -> Entry:
    named = {"course": row.course_title, "quiz": row.title}
    titles = {
        _OPENS: _("${course}: the quiz “${quiz}” opens", mapping=named),
        _DUE: _("${course}: the quiz “${quiz}” is due", mapping=named),
    }
    moment: dt.datetime = row.moment
    return Entry(
        key=f"{row.kind}:{row.id}",
        title=titles[row.kind],
        starts_at=moment,
        changed_at=row.changed_at,
        path=f"/courses/{row.course_id}",
    )
