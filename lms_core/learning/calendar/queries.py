"""The dates of the courses that somebody takes, in one statement."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Uuid,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.types import Text

from lms_core.accounts.calendar.queries import NOW, PERSON, Dates, Entry, Wanted, within
from lms_core.courses.models import Course, CourseVersion, VersionModule
from lms_core.enrollment.models import Accommodation, Enrollment
from lms_core.enrollment.queries import ENDS_AT, OVER, TAKING
from lms_core.kernel.i18n import _
from lms_core.learning.models import ModuleProgress
from lms_core.learning.unlocking.queries import opens_at

_CHANGED_AT = func.greatest(Enrollment.updated_at, Course.updated_at)
"""Of the dates that an enrollment has, what is granted and withdrawn included, and of the title of its course."""
_OPENS, _BEGINS, _ENDS = "opens", "begins", "ends"


def _taken(*columns: Any) -> Select[Any]:
    """The student's enrollments in what is to be seen in the catalog or was, for those who take it."""
    return (
        select(Enrollment.id, Enrollment.course_id, Course.title.label("course_title"), *columns)
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .where(Enrollment.user_id == PERSON, Course.is_published, Course.deleted_at.is_(None))
    )


def _openings() -> Select[Any]:
    """Of the modules with a date, of a published version: not of those that are open already, or will never be."""
    moment = opens_at()
    changed_at = func.greatest(_CHANGED_AT, CourseVersion.published_at)
    waits = or_(func.cardinality(VersionModule.prerequisites) > 0, VersionModule.unlock_min_score.is_not(None))
    return (
        _taken(
            literal(_OPENS, Text).label("kind"), moment.label("moment"), changed_at.label("changed_at"),
            VersionModule.module_id, VersionModule.title.label("module_title"), waits.label("waits"),
        )
        .join(CourseVersion, CourseVersion.id == Course.version_id)
        .join(VersionModule, VersionModule.version_id == CourseVersion.id)
        .outerjoin(Accommodation, Accommodation.enrollment_id == Enrollment.id)
        .outerjoin(
            ModuleProgress,
            and_(ModuleProgress.user_id == Enrollment.user_id, ModuleProgress.module_id == VersionModule.module_id),
        )
        .where(
            Enrollment.status.in_(TAKING),
            ~func.coalesce(OVER, False),
            within(moment),
            or_(Enrollment.starts_at.is_(None), moment >= Enrollment.starts_at),
            or_(ENDS_AT.is_(None), moment < ENDS_AT),
            or_(ModuleProgress.started_at.is_(None), moment <= NOW),
        )
    )  # fmt: skip


def _border(kind: str, moment: ColumnElement[Any]) -> Select[Any]:
    """Where a student's time in a course begins or ends; also of what it has ended of by now."""
    nothing = (cast(null(), Uuid).label("module_id"), cast(null(), Text).label("module_title"))
    return _taken(
        literal(kind, Text).label("kind"), moment.label("moment"), _CHANGED_AT.label("changed_at"), *nothing,
        literal(False).label("waits"),
    ).where(Enrollment.status.in_((*TAKING, "expired")), within(moment))  # fmt: skip


_DATES = Dates(
    _openings(),
    _border(_BEGINS, Enrollment.starts_at.expression),
    _border(_ENDS, ENDS_AT),
    key=["id", "module_id"],
)


def entries(connection: Connection, wanted: Wanted) -> Iterator[Entry]:
    """The source of learning in calendars."""
    if not wanted.caller.may("enrollments:read", "own"):
        return
    yield from map(_entry, _DATES.rows(connection, wanted))


def _entry(row: Any) -> Entry:
    course = {"course": row.course_title, "module": row.module_title}
    titles = {
        _OPENS: _("${course}: “${module}” opens", mapping=course),
        _BEGINS: _("${course} begins", mapping=course),
        _ENDS: _("Your time in ${course} ends", mapping=course),
    }
    moment: dt.datetime = row.moment
    return Entry(
        key=f"{row.kind}:{row.id}:{row.module_id or ''}",
        title=titles[row.kind],
        starts_at=moment,
        changed_at=row.changed_at,
        text=_("It also waits for what comes before it in the course.") if row.waits else "",
        path=f"/courses/{row.course_id}",
    )
