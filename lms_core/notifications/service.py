"""Commands on the inbox, and telling people things."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.kernel.core import Core
from lms_core.kernel.errors import NotFound
from lms_core.kernel.mail import queue_mail
from lms_core.notifications import queries
from lms_core.notifications.models import Notification


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is to be told; the texts may be translation strings. ``action_url`` is a path of the site."""

    type: str
    title: str
    message: str
    data: Mapping[str, Any]
    action_url: str | None = None
    mail: str | None = None
    """Template of the mail that goes with it, in the notifications' folder."""
    mail_data: Mapping[str, Any] = field(default_factory=dict)
    """What the template sees beside ``data``."""
    priority: str = "normal"
    expires_at: dt.datetime | None = None
    """Until when it is worth reading."""


def notify(
    db: Session,
    user_id: uuid.UUID,
    kind: str,
    title: str,
    message: str,
    data: Mapping[str, Any] | None = None,
    action_url: str | None = None,
    priority: str = "normal",
    expires_at: dt.datetime | None = None,
) -> uuid.UUID:
    """Put one line into a person's inbox, in the session's transaction; answers its id."""
    values = {"user_id": user_id, "type": kind, "title": title, "message": message, "data": dict(data or {})}
    more = {"action_url": action_url, "priority": priority, "expires_at": expires_at}
    statement = insert(Notification).values(**values, **more).returning(Notification.id)
    return db.execute(statement).scalar_one()


def tell(db: Session, core: Core, user_id: uuid.UUID, notice: Notice) -> None:
    """Notify a person in their language, and by mail too where the notice has one and they did not decline.

    Does nothing for somebody whose account is gone.
    """
    person = queries.recipient(db, user_id)
    if person is None:
        return
    title, message = (core.i18n.say(text, person.preferred_language) for text in (notice.title, notice.message))
    notify(db, user_id, notice.type, title, message, notice.data, notice.action_url, notice.priority, notice.expires_at)
    if notice.mail is not None and queries.takes_mail(person, notice.type):
        _mail(db, core, person, notice)


def tell_many(db: Session, core: Core, user_ids: Sequence[uuid.UUID], notice: Notice) -> None:
    """:func:`tell` for some thousand people at most: two statements, and one for each mail.

    Accounts that are gone or suspended are passed by.
    """
    values = (
        literal(notice.type), queries.translated(core, notice.title), queries.translated(core, notice.message),
        literal(dict(notice.data), JSONB), literal(notice.priority), literal(notice.action_url, Text),
        literal(notice.expires_at, Notification.expires_at.type),
    )  # fmt: skip
    columns = ["user_id", "type", "title", "message", "data", "priority", "action_url", "expires_at"]
    people = select(User.id, *values).where(User.id.in_(user_ids), USABLE)
    db.execute(insert(Notification).from_select(columns, people, include_defaults=False))
    if notice.mail is not None:
        for person in queries.recipients(db, user_ids):
            if queries.takes_mail(person, notice.type):
                _mail(db, core, person, notice)


def forget_unread(db: Session, about: ColumnElement[bool], limit: int) -> int:
    """Delete some of the notifications that meet a condition; answers how many."""
    some = select(Notification.id).where(about).limit(limit)
    statement = delete(Notification).where(Notification.id.in_(some)).returning(Notification.id)
    return len(db.execute(statement).all())


def limit_unread(db: Session, about: ColumnElement[bool], until: dt.datetime | None, limit: int) -> int:
    """Have some of the notifications that meet a condition shown until then, and not beyond; answers how many."""
    others = select(Notification.id).where(about, Notification.expires_at.is_distinct_from(until)).limit(limit)
    statement = update(Notification).where(Notification.id.in_(others)).values(expires_at=until)
    return len(db.execute(statement.returning(Notification.id)).all())


def _mail(db: Session, core: Core, person: Any, notice: Notice) -> None:
    queue_mail(
        db,
        core,
        to=person.email,
        template=f"notifications:{notice.mail}",
        context={"name": person.first_name, "path": notice.action_url or "/", **notice.data, **notice.mail_data},
        locale=person.preferred_language,
    )


def mark_read(db: Session, user_id: uuid.UUID, notification_id: uuid.UUID) -> Any:
    """Mark one of a person's notifications; the first time counts. Raises NotFound where it is not theirs."""
    statement = (
        update(Notification)
        .where(Notification.id == notification_id, Notification.user_id == user_id)
        .values(read_at=func.coalesce(Notification.read_at, func.now()))
        .returning(*queries.COLUMNS)
    )
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound()
    return row


def mark_all_read(db: Session, user_id: uuid.UUID) -> int:
    """Mark whatever a person has not read yet; answers how many."""
    statement = (
        update(Notification)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        .values(read_at=func.now())
        .returning(Notification.id)
    )
    return len(db.execute(statement).all())
