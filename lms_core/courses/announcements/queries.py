"""Reads of announcements: what is live, whom it addresses, and what somebody has not read yet.

Whoever takes a course belongs to its group ``students``, whoever owns it or helps to run it to ``staff``.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Subquery,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    lateral,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.access import access_columns, holds
from lms_core.courses.html import plain_text
from lms_core.courses.models import PRIORITIES, Announcement, AnnouncementRead, Course, CourseStaff
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import COUNT_CAP, CursorPage, Page, beyond, cursor_page, page_of
from lms_core.kernel.security import CALLER

STUDENTS, STAFF = "students", "staff"
EXCERPT = 1_000
"""Characters of an announcement that a mail quotes."""

LIVE: ColumnElement[bool] = and_(
    Announcement.is_published,
    Announcement.publish_at <= func.now(),
    or_(Announcement.expires_at.is_(None), Announcement.expires_at > func.now()),
)
_status = case(
    (~Announcement.is_published, "draft"),
    (Announcement.expires_at <= func.now(), "expired"),
    (Announcement.publish_at > func.now(), "scheduled"),
    else_="live",
)
_RANK = case({priority: rank for rank, priority in enumerate(PRIORITIES)}, value=Announcement.priority)
_TEXT = (
    Announcement.id, Announcement.title, Announcement.content, Announcement.priority, Announcement.is_published,
    Announcement.publish_at, Announcement.expires_at, Announcement.created_at, Announcement.updated_at,
)  # fmt: skip
_STAFF_COLUMNS = (Announcement.target_audience, Announcement.read_count)
_AUTHOR = (
    User.id.label("author_id"),
    User.full_name.label("author_name"),
    User.avatar_url.label("author_avatar_url"),
)
_READ_BY_CALLER = and_(AnnouncementRead.announcement_id == Announcement.id, AnnouncementRead.user_id == CALLER)
_IS_READ = exists().where(_READ_BY_CALLER).correlate(Announcement)


def _addresses(groups: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether it is meant for the caller, who belongs to these groups of the course."""
    audience = Announcement.target_audience
    return or_(
        audience == func.jsonb_build_object(),
        audience["groups"].has_any(groups),
        audience["users"].has_key(cast(CALLER, Text)),
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks for the announcements of a course: as whom they are addressed, and whether they see every one."""

    user_id: uuid.UUID
    groups: Sequence[str]
    manages: bool

    @property
    def params(self) -> dict[str, Any]:
        return {CALLER.key: self.user_id}

    def addressed(self) -> ColumnElement[bool]:
        """What is live and meant for them; nothing, where they have no part in the course."""
        if not self.groups:
            return false()
        return and_(LIVE, _addresses(array(list(self.groups), type_=Text)))


def of_course(
    connection: Connection, course_id: uuid.UUID, reader: Reader, *, page: int, limit: int, **filters: Any
) -> Page:
    """A course's announcements: the urgent ones first and the newest of each priority; what has expired at the end."""
    wanted = [Announcement.course_id == course_id, *_wanted(reader, **filters)]
    statement = (
        select(Announcement.course_id, *_TEXT, _status.label("status"), AnnouncementRead.read_at, *_AUTHOR)
        .add_columns(*(_STAFF_COLUMNS if reader.manages else hidden_columns()))
        .outerjoin(AnnouncementRead, _READ_BY_CALLER)
        .outerjoin(User, and_(User.id == Announcement.author_id, LIVING))
        .where(*wanted)
        .order_by(
            func.coalesce(Announcement.expires_at <= func.now(), false()),
            _RANK.desc(), Announcement.publish_at.desc(), Announcement.id.desc(),
        )
    )  # fmt: skip
    counted = select(Announcement.id).where(*wanted)
    return page_of(connection, statement, counted=counted, page=page, limit=limit, params=reader.params)


def _wanted(reader: Reader, *, status: str | None, unread: bool | None) -> list[ColumnElement[bool]]:
    wanted = [] if reader.manages else [reader.addressed()]
    if status is not None:
        wanted.append(_status == status)
    if unread is not None:
        wanted += [reader.addressed(), ~_IS_READ] if unread else [_IS_READ]
    return wanted


def hidden_columns() -> list[Label[Any]]:
    """What only staff learn: names of chosen people are nobody else's business."""
    return [null().label(column.key) for column in _STAFF_COLUMNS]


def unread_in_course(connection: Connection, course_id: uuid.UUID, reader: Reader) -> dict[str, Any]:
    """How many of a course's live announcements the reader has not read, counted up to ``COUNT_CAP``."""
    waiting = select(Announcement.id).where(Announcement.course_id == course_id, reader.addressed(), ~_IS_READ)
    return _count(connection, waiting, reader.params)


def _count(connection: Connection, waiting: AnySelect, params: dict[str, Any]) -> dict[str, Any]:
    capped = waiting.limit(COUNT_CAP + 1).subquery()
    count: int = connection.execute(select(func.count()).select_from(capped), params).scalar_one()
    return {"unread": min(count, COUNT_CAP), "unread_is_exact": count <= COUNT_CAP}


def announcement_by(registry: Any, announcement_id: uuid.UUID) -> AnySelect:
    """The statement of an announcement, with its course and the caller's part; ``addressed`` asks of a student."""
    return (
        select(
            *_TEXT, *_STAFF_COLUMNS, _status.label("status"), AnnouncementRead.read_at, *_AUTHOR,
            _addresses(array([STUDENTS], type_=Text)).label("addressed"), *access_columns(registry),
        )
        .join_from(Announcement, Course, Course.id == Announcement.course_id)
        .outerjoin(AnnouncementRead, _READ_BY_CALLER)
        .outerjoin(User, and_(User.id == Announcement.author_id, LIVING))
        .where(Announcement.id == announcement_id, Course.deleted_at.is_(None))
    )  # fmt: skip


def _my_courses(registry: Any, scopes: Collection[str]) -> Subquery:
    """``course_id`` and ``groups`` of every course where one of the scopes holds for the caller."""
    staff = (
        select(Course.id)
        .join(CourseStaff, and_(CourseStaff.course_id == Course.id, CourseStaff.user_id == CALLER))
        .where(holds(registry, "announcements:read"))
    )
    enrolled = registry.course_parts.get("enrolled", false())
    parts = {
        "enrolled": select(Course.id).add_columns(literal(STUDENTS)).where(enrolled, Course.is_published),
        "own": select(Course.id).add_columns(literal(STAFF)).where(Course.instructor_id == CALLER),
        "assigned": staff.add_columns(literal(STAFF)),
    }
    mine = union_all(*(part.where(Course.deleted_at.is_(None)) for scope, part in parts.items() if scope in scopes))
    course_id, group = mine.subquery().c
    groups = func.array_agg(group, type_=ARRAY(Text))
    return select(course_id.label("course_id"), groups.label("groups")).group_by(course_id).subquery("my_courses")


def mine(
    connection: Connection,
    registry: Any,
    user_id: uuid.UUID,
    scopes: Collection[str],
    *,
    unread: bool | None,
    cursor: str | None,
    limit: int,
) -> CursorPage:
    """What is live and meant for somebody in all their courses, newest first.

    Each course gives no more than its newest that can still stand on the page, so that what has piled up in a
    course costs nothing.
    """
    courses = _my_courses(registry, scopes)
    order: list[ColumnElement[Any]] = [Announcement.publish_at.expression, Announcement.id.expression]
    wanted = [Announcement.course_id == courses.c.course_id, LIVE, _addresses(courses.c.groups)]
    if unread is not None:
        wanted.append(~_IS_READ if unread else _IS_READ)
    if cursor is not None:
        wanted.append(beyond(cursor, order))
    newest = select(*_TEXT, Announcement.author_id).where(*wanted).order_by(*(column.desc() for column in order))
    latest = lateral(newest.limit(limit + 1)).alias("latest")
    statement = (
        select(
            *(column for column in latest.c if column.key != "author_id"), *_AUTHOR, AnnouncementRead.read_at,
            Course.id.label("course_id"), Course.title.label("course_title"), Course.slug.label("course_slug"),
        )
        .select_from(courses.join(latest, true()))
        .join(Course, Course.id == courses.c.course_id)
        .outerjoin(
            AnnouncementRead,
            and_(AnnouncementRead.announcement_id == latest.c.id, AnnouncementRead.user_id == CALLER),
        )
        .outerjoin(User, and_(User.id == latest.c.author_id, LIVING))
    )  # fmt: skip
    params = {CALLER.key: user_id}
    keys = [latest.c.publish_at, latest.c.id]
    return cursor_page(connection, statement, order=keys, cursor=cursor, limit=limit, params=params)


def unread_of_mine(
    connection: Connection, registry: Any, user_id: uuid.UUID, scopes: Collection[str]
) -> dict[str, Any]:
    """How many live announcements of all their courses somebody has not read, counted up to ``COUNT_CAP``."""
    courses = _my_courses(registry, scopes)
    waiting = (
        select(Announcement.id)
        .join(courses, courses.c.course_id == Announcement.course_id)
        .where(LIVE, _addresses(courses.c.groups), ~_IS_READ)
    )
    return _count(connection, waiting, {CALLER.key: user_id})


def readers(connection: Connection, announcement_id: uuid.UUID, *, cursor: str | None, limit: int) -> CursorPage:
    """Who has read an announcement, the latest first."""
    statement = (
        select(
            AnnouncementRead.id,
            AnnouncementRead.read_at,
            User.id.label("user_id"),
            User.full_name.label("user_name"),
            User.avatar_url.label("user_avatar_url"),
        )
        .outerjoin(User, and_(User.id == AnnouncementRead.user_id, LIVING))
        .where(AnnouncementRead.announcement_id == announcement_id)
    )
    order: list[Any] = [AnnouncementRead.read_at, AnnouncementRead.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)


def to_tell(db: Session, announcement_id: uuid.UUID) -> AnyRow | None:
    """What is told of an announcement, with its course's title; None where it is not live, or no longer.

    Whoever would take it back or delete it waits until the transaction has ended, and so knows of all who were told.
    """
    statement: AnySelect = (
        select(
            *_TEXT, Announcement.author_id, Announcement.course_id, Announcement.target_audience,
            Course.title.label("course_title"),
        )
        .join_from(Announcement, Course, Course.id == Announcement.course_id)
        .where(Announcement.id == announcement_id, LIVE, Course.deleted_at.is_(None))
        .with_for_update(of=Announcement, read=True)
    )  # fmt: skip
    return db.execute(statement).first()


def shown_until(db: Session, announcement_id: uuid.UUID) -> AnyRow | None:
    """``until`` when an announcement is shown, null without an end: for a draft that is past. None where it is gone.

    It stays as it is until the transaction has ended.
    """
    until = case((Announcement.is_published, Announcement.expires_at), else_=Announcement.updated_at)
    statement = select(until.label("until")).where(Announcement.id == announcement_id)
    return db.execute(statement.with_for_update(read=True)).first()


def excerpt(announcement: Any) -> str:
    """The beginning of what it says, as plain text."""
    return plain_text(announcement.content, EXCERPT)
