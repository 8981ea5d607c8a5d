"""The windows of the quizzes in the courses that somebody takes, in one statement."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    extract,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.types import Text

from lms_core.accounts.calendar.queries import Entry, Wanted
from lms_core.assessment.models import Quiz
from lms_core.courses.models import Course, CourseVersion, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import ENDS_AT, OVER, TAKING
from lms_core.kernel.i18n import _
from lms_core.kernel.prepared import Prepared

_MOMENT = DateTime(timezone=True)
_STUDENT, _MOST = bindparam("student", type_=Uuid), bindparam("most", type_=Integer)
_SINCE, _UNTIL = bindparam("since", type_=_MOMENT), bindparam("until", type_=_MOMENT)
_NOW = bindparam("now", type_=_MOMENT)
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
            Enrollment.user_id == _STUDENT,
            Enrollment.status.in_(TAKING),
            ~func.coalesce(OVER, False),
            Course.is_published,
            Course.deleted_at.is_(None),
            Quiz.is_published,
            and_(moment >= _SINCE, moment < _UNTIL),
            or_(Enrollment.starts_at.is_(None), moment >= Enrollment.starts_at),
            or_(ENDS_AT.is_(None), moment <= ENDS_AT),
        )
    )  # fmt: skip


def _statement() -> Prepared:
    windows = union_all(_at(_OPENS, Quiz.available_from.expression), _at(_DUE, Quiz.available_until.expression))
    dates = windows.subquery()
    distance = func.abs(extract("epoch", dates.c.moment - _NOW))
    return Prepared(select(dates).order_by(distance, dates.c.id).limit(_MOST))


_DATES = _statement()


def entries(connection: Connection, wanted: Wanted) -> Iterator[Entry]:
    """The source of assessment in calendars."""
    if not wanted.caller.may("enrollments:read", "own"):
        return
    asked = {name: getattr(wanted, name) for name in ("since", "until", "now", "most")}
    for row in _DATES.all(connection, student=wanted.caller.user_id, **asked):
        yield _entry(row)


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
