"""Reads of the inbox, and of whom a notification is for."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.orm import Session

from lms_core.accounts.models import GroupPermission, Permission, User, UserGroup
from lms_core.accounts.queries import LIVING, USABLE
from lms_core.courses.access import holds
from lms_core.courses.models import Course, CourseStaff
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import IN_USE
from lms_core.kernel.core import Core
from lms_core.kernel.i18n import SOURCE_LOCALE
from lms_core.kernel.pagination import CursorPage, cursor_page
from lms_core.learning.unlocking.queries import has_opened_by_date
from lms_core.notifications.models import Notification, NotificationPreference

COLUMNS = (
    Notification.id,
    Notification.type,
    Notification.title,
    Notification.message,
    Notification.data,
    Notification.priority,
    Notification.action_url,
    Notification.read_at,
    Notification.created_at,
)


def _of(user_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    """The notifications of a person that have not expired."""
    live = or_(Notification.expires_at.is_(None), Notification.expires_at > func.now())
    return select(*COLUMNS).where(Notification.user_id == user_id, live)


def inbox(reader: Connection, user_id: uuid.UUID, *, unread: bool | None, cursor: str | None, limit: int) -> CursorPage:
    """A person's notifications, newest first."""
    statement = _of(user_id)
    if unread is not None:
        statement = statement.where(Notification.read_at.is_(None) if unread else Notification.read_at.is_not(None))
    order: list[Any] = [Notification.created_at, Notification.id]
    return cursor_page(reader, statement, order=order, cursor=cursor, limit=limit)


def notification(reader: Connection, user_id: uuid.UUID, notification_id: uuid.UUID) -> Row[*tuple[Any, ...]] | None:
    return reader.execute(_of(user_id).where(Notification.id == notification_id)).one_or_none()


def unread_of_announcement(announcement_id: uuid.UUID) -> ColumnElement[bool]:
    """What nobody has read yet of an announcement; written as ``ix_notifications_announcement`` is, which finds it."""
    of_announcement: ColumnElement[str] = literal_column("(notifications.data ->> 'announcementId')")
    kind: ColumnElement[str] = literal_column("'new_announcement'")
    return and_(of_announcement == str(announcement_id), Notification.read_at.is_(None), Notification.type == kind)


def preferences() -> ColumnElement[Any]:
    """A person's preferences as a JSON object beside ``users``: what they chose, else what holds for everybody."""

    def chosen(name: str, default: Any) -> ColumnElement[Any]:
        return func.coalesce(getattr(NotificationPreference, name), default)

    columns = func.json_build_object(
        "emailEnabled", chosen("email_enabled", true()), "emailFrequency", chosen("email_frequency", "immediate"),
        "pushEnabled", chosen("push_enabled", true()), "smsEnabled", chosen("sms_enabled", false()),
        "preferences", chosen("preferences", func.jsonb_build_object()),
        "quietHoursStart", NotificationPreference.quiet_hours_start,
        "quietHoursEnd", NotificationPreference.quiet_hours_end,
    )  # fmt: skip
    one = select(literal(1).label("one")).subquery()
    joined = one.outerjoin(NotificationPreference, NotificationPreference.user_id == User.id)
    return select(columns).select_from(joined).correlate(User).scalar_subquery()


_RECIPIENT = select(
    User.email,
    User.first_name,
    User.preferred_language,
    NotificationPreference.email_enabled.label("wants_mail"),
    NotificationPreference.preferences,
).outerjoin(NotificationPreference, NotificationPreference.user_id == User.id)


def recipient(db: Session, user_id: uuid.UUID) -> Row[*tuple[Any, ...]] | None:
    """How to reach a person: email, first_name, preferred_language, wants_mail, preferences; None once deleted.

    ``wants_mail`` and ``preferences`` (``{type: wanted}``) are what they chose, or null.
    """
    return db.execute(_RECIPIENT.where(User.id == user_id, LIVING)).one_or_none()


def recipients(db: Session, user_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """:func:`recipient` for each account that may be used."""
    return db.execute(_RECIPIENT.where(User.id.in_(user_ids), USABLE)).all()


def takes_mail(person: Any, kind: str) -> bool:
    """Whether a :func:`recipient` did not decline mail of this kind."""
    return person.wants_mail is not False and (person.preferences or {}).get(kind) is not False


def translated(core: Core, text: str) -> ColumnElement[str]:
    """A text in the language of the row of ``users``, chosen as :meth:`Catalogs.localizer` chooses."""
    written = User.preferred_language
    base = func.split_part(func.split_part(written, "-", 1), "_", 1)
    by_locale = {locale: core.i18n.say(text, locale) for locale in core.i18n.locales}
    choices = [(tag == locale, literal(words)) for tag in (written, base) for locale, words in by_locale.items()]
    return case(*choices, else_=literal(by_locale[SOURCE_LOCALE]))


def addressees(
    db: Session, registry: Any, announcement: Any, *, after: uuid.UUID | None, limit: int
) -> Sequence[uuid.UUID]:
    """Whom an announcement is for, its author left out, in the order of their ids.

    It has ``course_id``, ``author_id`` and ``target_audience``; who is chosen by name has to be of the course still. A
    member of the staff who may not read announcements gets none.
    """
    audience = announcement.target_audience
    chosen = [uuid.UUID(user) for user in audience.get("users", ())]
    course = announcement.course_id
    groups: dict[str, list[tuple[ColumnElement[uuid.UUID], ColumnElement[bool]]]] = {
        "students": [(Enrollment.user_id.expression, and_(Enrollment.course_id == course, IN_USE))],
        "staff": [
            (
                CourseStaff.user_id.expression,
                and_(CourseStaff.course_id == course, holds(registry, "announcements:read")),
            ),
            (Course.instructor_id.expression, Course.id == course),
        ],
    }
    parts = []
    for group, sources in groups.items():
        for person, belongs in sources:
            whole = not audience or group in audience.get("groups", ())
            parts.append(select(person).where(belongs, true() if whole else person.in_(chosen)))
    people = union(*parts).subquery("people")
    statement = select(User.id).join(people, people.c[0] == User.id).where(USABLE, User.id != announcement.author_id)
    if after is not None:
        statement = statement.where(User.id > after)
    return db.scalars(statement.order_by(User.id).limit(limit)).all()


def students_to_tell(
    db: Session, course_id: uuid.UUID, notice_type: str, *, before: dt.datetime, after: uuid.UUID | None, limit: int
) -> Sequence[uuid.UUID]:
    """Who takes a course and joined it before that time, in the order of their ids.

    Not those who have the same line about it unread.
    """
    unread = exists().where(
        Notification.user_id == User.id,
        Notification.read_at.is_(None),
        Notification.type == notice_type,
        Notification.data["courseId"].astext == str(course_id),
    )
    statement = (
        select(User.id)
        .join(Enrollment, Enrollment.user_id == User.id)
        .where(Enrollment.course_id == course_id, Enrollment.enrolled_at < before, IN_USE, USABLE, ~unread)
    )
    if after is not None:
        statement = statement.where(User.id > after)
    return db.scalars(statement.order_by(User.id).limit(limit)).all()


def students_of_opened(
    db: Session, course_id: uuid.UUID, module_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> tuple[Sequence[uuid.UUID], uuid.UUID | None]:
    """Of the next students of a course, in the order of their ids, to whom a module's date has opened it.

    Not those who were told of it before. The second is the last student looked at, None where there are no more.
    """
    mine = (Enrollment.course_id == course_id, IN_USE, USABLE, *([User.id > after] if after is not None else ()))
    # Chosen before anybody is looked at closely, or each part would look at all who are left.
    chosen = (
        select(Enrollment.id, Enrollment.user_id)
        .join(User, User.id == Enrollment.user_id)
        .where(*mine)
        .order_by(Enrollment.user_id)
        .limit(limit)
        .cte("chosen")
        .prefix_with("MATERIALIZED")
    )
    news = and_(
        Course.is_published, Course.deleted_at.is_(None), has_opened_by_date(module_id, chosen.c.user_id),
        ~_told_of_module(chosen.c.user_id, module_id),
    )  # fmt: skip
    rows = db.execute(
        select(chosen.c.user_id, news.label("news"))
        .join(Enrollment, Enrollment.id == chosen.c.id)
        .join(Course, Course.id == Enrollment.course_id)
        .order_by(chosen.c.user_id)
    ).all()
    return [row.user_id for row in rows if row.news], rows[-1].user_id if len(rows) == limit else None


def knows_of_module(db: Session, user_id: uuid.UUID, module_id: uuid.UUID) -> bool:
    """Whether somebody was told that a module is open to them."""
    return bool(db.scalar(select(_told_of_module(user_id, module_id))))


def _told_of_module(user_id: Any, module_id: uuid.UUID) -> ColumnElement[bool]:
    told = exists().where(
        Notification.user_id == user_id,
        Notification.type == "module_unlocked",
        Notification.data["moduleId"].astext == str(module_id),
    )
    return told.correlate_except(Notification)


def holders(db: Session, resource: str, action: str, *, limit: int) -> Sequence[uuid.UUID]:
    """Who has a permission everywhere, in the order of their ids."""
    granted = (
        exists()
        .where(
            UserGroup.user_id == User.id, or_(UserGroup.expires_at.is_(None), UserGroup.expires_at > func.now()),
            GroupPermission.group_id == UserGroup.group_id, Permission.id == GroupPermission.permission_id,
            Permission.resource == resource, Permission.action == action, Permission.scope == "all",
        )
    )  # fmt: skip
    return db.scalars(select(User.id).where(USABLE, granted).order_by(User.id).limit(limit)).all()
