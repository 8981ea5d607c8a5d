"""Commands on the inbox, and telling people things."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, update
from sqlalchemy.orm import Session

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


def notify(
    db: Session,
    user_id: uuid.UUID,
    kind: str,
    title: str,
    message: str,
    data: Mapping[str, Any] | None = None,
    action_url: str | None = None,
) -> uuid.UUID:
    """Put one line into a person's inbox, in the session's transaction; answers its id."""
    values = {"user_id": user_id, "type": kind, "title": title, "message": message, "data": dict(data or {})}
    statement = insert(Notification).values(**values, action_url=action_url).returning(Notification.id)
    return db.execute(statement).scalar_one()


def tell(db: Session, core: Core, user_id: uuid.UUID, notice: Notice) -> None:
    """Notify a person in their language, and by mail too where the notice has one and they did not decline.

    Does nothing for somebody whose account is gone.
    """
    person = queries.recipient(db, user_id)
    if person is None:
        return
    translate = core.i18n.localizer(person.preferred_language).translate
    title, message = translate(notice.title), translate(notice.message)
    notify(db, user_id, notice.type, title, message, notice.data, notice.action_url)
    declined = person.wants_mail is False or (person.preferences or {}).get(notice.type) is False
    if notice.mail is not None and not declined:
        queue_mail(
            db,
            core,
            to=person.email,
            template=f"notifications:{notice.mail}",
            context={"name": person.first_name, "path": notice.action_url or "/", **notice.data},
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
