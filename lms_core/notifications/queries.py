"""Reads of the inbox, and of whom a notification is for."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, false, func, literal, or_, select, true
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.kernel.pagination import CursorPage, cursor_page
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


def recipient(db: Session, user_id: uuid.UUID) -> Row[*tuple[Any, ...]] | None:
    """How to reach a person: email, first_name, preferred_language, wants_mail, preferences; None once deleted.

    ``wants_mail`` and ``preferences`` (``{type: wanted}``) are what they chose, or null.
    """
    statement = (
        select(
            User.email,
            User.first_name,
            User.preferred_language,
            NotificationPreference.email_enabled.label("wants_mail"),
            NotificationPreference.preferences,
        )
        .outerjoin(NotificationPreference, NotificationPreference.user_id == User.id)
        .where(User.id == user_id, User.deleted_at.is_(None))
    )
    return db.execute(statement).one_or_none()
