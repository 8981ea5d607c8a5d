"""Reads of the inbox, and of whom a notification is for."""

import uuid
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select
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
