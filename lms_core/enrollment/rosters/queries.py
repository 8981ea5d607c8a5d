"""Reads of rosters: the students of a course, chosen and put in order.

Progress and activity have no index of their own: they change with every lesson that somebody does, and each such write
would have to change the index, too. Their orders sort the course's enrollments, which is little for one course.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, null, or_, select, tuple_

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import ENDS_AT, IN_USE
from lms_core.kernel.core import Core
from lms_core.kernel.db import AnySelect
from lms_core.kernel.pagination import COUNT_CAP, Page

AT_ONCE = 1_000
"""Enrollments that one request changes: each is counted in the course by itself."""
MOST = 5_000
"""People that one list enrolls."""
_ORDERS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "name": (User.last_name.expression, User.first_name.expression, User.id.expression),
    "enrolledAt": (Enrollment.enrolled_at.expression, Enrollment.id.expression),
    "lastActivity": (Enrollment.last_accessed_at.expression, Enrollment.id.expression),
    "progress": (Enrollment.progress_percentage.expression, Enrollment.id.expression),
    "grade": (Enrollment.grade_points.expression, Enrollment.id.expression),
}
_NULLABLE = ("lastActivity", "grade")
SORTS = tuple(sign + name for name in _ORDERS for sign in ("", "-"))

_COLUMNS = (
    Enrollment.id, Enrollment.status, Enrollment.enrollment_type, Enrollment.enrolled_at, Enrollment.starts_at,
    Enrollment.expires_at, ENDS_AT.label("ends_at"), Enrollment.started_at, Enrollment.completed_at,
    Enrollment.suspended_at, Enrollment.suspended_reason, Enrollment.dropped_at, Enrollment.dropped_reason,
    Enrollment.lessons_completed, Enrollment.lessons_total, Enrollment.progress_percentage, Enrollment.grade,
    Enrollment.grade_points, Enrollment.time_spent_seconds, Enrollment.last_accessed_at, Enrollment.updated_at,
    Enrollment.certificate_issued_at, Enrollment.notes.is_not(None).label("has_notes"),
    User.id.label("student_id"), User.first_name.label("student_first_name"), User.last_name.label("student_last_name"),
    User.full_name.label("student_name"),
    User.display_name.label("student_display_name"), User.avatar_url.label("student_avatar_url"),
)  # fmt: skip


def roster(
    connection: Connection,
    course_id: uuid.UUID,
    filters: Mapping[str, Any],
    *,
    contact: bool,
    sort: str,
    page: int,
    limit: int,
) -> Page:
    """A page of a course's roster; how students can be reached, only with ``contact``.

    They are counted first. PostgreSQL could take a few for many, and then look for them among all people there are, in
    the order of their names: so a few are found before they are put in order. Of many, whatever their number, only
    those of the page are looked at more closely.
    """
    keys = {f"key_{place}": key for place, key in enumerate(_ORDERS[sort.removeprefix("-")])}
    found: AnySelect = (
        select(Enrollment.id.label("enrollment_id"), *(key.label(name) for name, key in keys.items()))
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .where(LIVING, Enrollment.course_id == course_id, *conditions(filters, contact=contact))
    )
    total = connection.scalar(select(func.count()).select_from(found.limit(COUNT_CAP + 1).subquery())) or 0
    if total <= COUNT_CAP:
        few = found.offset(0).subquery("few")  # Of what lies behind an OFFSET, PostgreSQL makes a plan of its own.
        found, keys = select(*few.c), {name: few.c[name] for name in keys}
    chosen = found.order_by(*_order(sort, keys.values())).limit(limit).offset((page - 1) * limit).subquery("chosen")
    statement = students(contact=contact).join(chosen, chosen.c.enrollment_id == Enrollment.id)
    statement = statement.order_by(*_order(sort, [chosen.c[name] for name in keys]))
    rows = connection.execute(statement).all() if total > 0 else []
    return Page(rows, page, limit, min(total, COUNT_CAP), total <= COUNT_CAP)


def students(*, contact: bool) -> AnySelect:
    """The statement of enrollments with their students; accounts that are gone are left out."""
    email: ColumnElement[Any] = User.email.expression if contact else null()
    return (
        select(*_COLUMNS, email.label("student_email"))
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .where(LIVING)
    )


def all_students(
    core: Core, course_id: uuid.UUID, filters: Mapping[str, Any], *, contact: bool, at_once: int = 1_000
) -> Iterator[Any]:
    """Every student that meets the filters, in the order of enrolling; read in batches, each on its own.

    A connection is held for no longer than a batch takes, however slowly they are taken.
    """
    keys = (Enrollment.enrolled_at.expression, Enrollment.id.expression)
    wanted = (Enrollment.course_id == course_id, *conditions(filters, contact=contact))
    statement = students(contact=contact).where(*wanted).order_by(*keys).limit(at_once)
    batch: Sequence[Any] = ()
    while True:
        beyond = [tuple_(*keys) > tuple_(batch[-1].enrolled_at, batch[-1].id)] if batch else []
        with core.reader() as connection:
            batch = connection.execute(statement.where(*beyond)).all()
        yield from batch
        if len(batch) < at_once:
            return


def conditions(filters: Mapping[str, Any], *, contact: bool) -> list[ColumnElement[bool]]:
    """What a student has to meet. By their address only those are found whose address the caller may see."""
    wanted: list[ColumnElement[bool]] = []
    if filters.get("status"):
        wanted.append(Enrollment.status.in_(filters["status"]))
    if filters.get("enrollment_type"):
        wanted.append(Enrollment.enrollment_type.in_(filters["enrollment_type"]))
    if filters.get("search"):
        wanted.append(_named(filters["search"], contact=contact))
    if "inactive_since" in filters:
        wanted.append(_inactive(filters["inactive_since"]))
    if "min_progress" in filters:
        wanted.append(Enrollment.progress_percentage >= filters["min_progress"])
    if "max_progress" in filters:
        wanted.append(Enrollment.progress_percentage <= filters["max_progress"])
    if "has_access" in filters:
        wanted.append(IN_USE if filters["has_access"] else ~IN_USE)
    if "ends_after" in filters:
        wanted += [Enrollment.expires_at.is_not(None), filters["ends_after"] < ENDS_AT]
    if "ends_before" in filters:
        wanted += [Enrollment.expires_at.is_not(None), filters["ends_before"] > ENDS_AT]
    return wanted


def _named(words: str, *, contact: bool) -> ColumnElement[bool]:
    literally = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{literally}%"
    names = [User.full_name.ilike(pattern), User.display_name.ilike(pattern)]
    return or_(*names, User.email.ilike(pattern)) if contact else or_(*names)


def _inactive(since: dt.datetime) -> ColumnElement[bool]:
    """Who never came counts from when they enrolled.

    Said so that PostgreSQL knows how many those are: of an expression it would guess a third.
    """
    never = and_(Enrollment.last_accessed_at.is_(None), Enrollment.enrolled_at < since)
    return or_(Enrollment.last_accessed_at < since, never)


def _order(sort: str, keys: Iterable[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The keys of one of :data:`SORTS`; who has no activity or grade stands at the end either way."""
    first, *others = (key.desc() if sort.startswith("-") else key.asc() for key in keys)
    return [first.nulls_last() if sort.removeprefix("-") in _NULLABLE else first, *others]
