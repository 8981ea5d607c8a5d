"""Commands on announcements. Each runs in the caller's transaction; raising rolls it back.

Times are compared by the database's clock, as the reads compare them.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.courses.access import belongs_to_course
from lms_core.courses.announcements.events import AnnouncementMoved, AnnouncementPublished
from lms_core.courses.announcements.queries import LIVE
from lms_core.courses.html import sanitize
from lms_core.courses.models import Announcement, AnnouncementRead, Course
from lms_core.courses.queries import IN_CATALOG
from lms_core.kernel.errors import Conflict, Invalid, NotFound, invalid_fields
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _

AT_ONCE = 100
"""Announcements that one transaction announces."""


def create_announcement(
    db: Session, registry: Any, course_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]
) -> tuple[uuid.UUID, list[str]]:
    """Write an announcement, and announce it where it is live at once; answers its id and what sanitizing removed.

    Raises 409 ``course_archived``; 422 ``invalid``, ``html_too_complex``, ``html_too_long``, ``audience_unknown``.
    """
    # Shared, so that archiving waits and other authors do not.
    course = select(Course.archived_at).where(Course.id == course_id).with_for_update(read=True)
    if db.execute(course).scalar_one() is not None:
        raise Conflict("course_archived", _("The course is archived."))
    changes, removed = _prepared(db, registry, course_id, values)
    now = _now(db)
    changes["publish_at"] = max(changes.get("publish_at", now), now)
    announcement = Announcement(course_id=course_id, author_id=author_id, **changes)
    _check_expiry(announcement)
    db.add(announcement)
    db.flush()
    announce(db, only=announcement.id)
    return announcement.id, removed


def update_announcement(db: Session, registry: Any, announcement_id: uuid.UUID, values: Mapping[str, Any]) -> list[str]:
    """Change the fields given, and announce it where that makes it live; answers what sanitizing removed.

    Raises 404; 409 ``already_announced`` for another time of what people were told of; 422 as
    :func:`create_announcement`.
    """
    announcement = db.get(Announcement, announcement_id, with_for_update={"key_share": True})
    if announcement is None:
        raise NotFound()
    chosen = announcement.target_audience.get("users", ())
    changes, removed = _prepared(db, registry, announcement.course_id, values, chosen)
    announced = announcement.announced_at is not None
    if announced and changes.get("publish_at", announcement.publish_at) != announcement.publish_at:
        raise Conflict("already_announced", _("People were told of it already; its time cannot change any more."))
    before = (announcement.is_published, announcement.expires_at)
    for name, value in changes.items():
        setattr(announcement, name, value)
    if announcement.is_published and not announced:
        with db.no_autoflush:  # What does not fit is named below, and would only be refused by the table.
            announcement.publish_at = max(announcement.publish_at, _now(db))
    _check_expiry(announcement)
    if announced and (announcement.is_published, announcement.expires_at) != before:
        publish(db, AnnouncementMoved(announcement_id))
    db.flush()
    announce(db, only=announcement_id)
    return removed


def _now(db: Session) -> dt.datetime:
    return db.execute(select(func.now())).scalar_one()


def _check_expiry(announcement: Announcement) -> None:
    if announcement.expires_at is not None and announcement.expires_at <= announcement.publish_at:
        raise invalid_fields({"expiresAt": [_("Must be later than the publication.")]})


def _prepared(
    db: Session, registry: Any, course_id: uuid.UUID, values: Mapping[str, Any], chosen: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The values as they are stored, and what sanitizing removed; ``chosen`` are the users addressed until now."""
    changes, removed = dict(values), list[str]()
    if "content" in values:
        changes["content"], removed = _clean(values["content"])
    if "target_audience" in values:
        changes["target_audience"] = _audience(db, registry, course_id, values["target_audience"], chosen)
    return changes, removed


def _clean(html: str) -> tuple[str, list[str]]:
    try:
        clean = sanitize(html)
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors={"content": [error.detail]}) from None
    if not clean.html.strip():
        raise invalid_fields({"content": [_("Must not be empty.")]})
    return clean.html, clean.removed


def _audience(
    db: Session, registry: Any, course_id: uuid.UUID, given: Mapping[str, Any], chosen: Sequence[str]
) -> dict[str, Any]:
    """Without what is empty or said twice. Raises 422 ``audience_unknown`` that names who is not of the course.

    Who was chosen and has left since may stay on the list: nobody could save it again otherwise.
    """
    groups, users = sorted(set(given.get("groups", ()))), sorted(set(given.get("users", ())))
    added = [user for user in users if str(user) not in chosen]
    strangers = _strangers(db, registry, course_id, added) if added else []
    if strangers:
        message = _("Some people neither take nor help to run the course.")
        errors = {"targetAudience": {"users": [str(stranger) for stranger in strangers]}}
        raise Invalid("audience_unknown", message, errors=errors)
    audience = {"groups": groups, "users": [str(user) for user in users]}
    return {name: chosen for name, chosen in audience.items() if chosen}


def _strangers(db: Session, registry: Any, course_id: uuid.UUID, users: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    members = select(User.id).select_from(User).join(Course, Course.id == course_id)
    known = set(db.scalars(members.where(User.id.in_(users), USABLE, belongs_to_course(registry, User.id))))
    return [user for user in users if user not in known]


def delete_announcement(db: Session, announcement_id: uuid.UUID) -> None:
    """Delete an announcement with all that is known of its readers; nobody is sent to it any more. Raises 404."""
    announcement = db.get(Announcement, announcement_id, with_for_update=True)
    if announcement is None:
        raise NotFound()
    if announcement.announced_at is not None:
        publish(db, AnnouncementMoved(announcement_id))
    db.delete(announcement)
    db.flush()


def announce(db: Session, *, only: uuid.UUID | None = None) -> int:
    """Publish :class:`AnnouncementPublished` for what students can read and were not told of; answers how many.

    At most :data:`AT_ONCE`; each is locked first, and passed by where somebody else is at it, so that none is
    announced twice. In a course that is a draft they wait until it is published.
    """
    due = (
        select(
            Announcement.id, Announcement.course_id, Announcement.author_id, Announcement.title, Announcement.priority
        )
        .join(Course, Course.id == Announcement.course_id)
        .where(LIVE, Announcement.announced_at.is_(None))
        .where(IN_CATALOG)
        .order_by(Announcement.publish_at, Announcement.id)
        .limit(AT_ONCE)
        .with_for_update(of=Announcement, key_share=True, skip_locked=True)
    )
    rows = db.execute(due if only is None else due.where(Announcement.id == only)).all()
    if rows:
        told = update(Announcement).where(Announcement.id.in_([row.id for row in rows]))
        db.execute(told.values(announced_at=func.now()), execution_options={"synchronize_session": False})
    for row in rows:
        publish(db, AnnouncementPublished(row.id, row.course_id, row.author_id, row.title, row.priority))
    return len(rows)


def mark_read(db: Session, announcement_id: uuid.UUID, user_id: uuid.UUID) -> dt.datetime:
    """Note that somebody has read a live announcement; the first time counts, and is answered.

    Raises 409 ``announcement_not_live`` where there is nothing to read, and there was not when they last did.
    """
    # The announcement is locked before the row refers to it: one that is deleted meanwhile is no error of the caller.
    live = select(Announcement.id, literal(user_id)).where(Announcement.id == announcement_id, LIVE)
    added = insert(AnnouncementRead).from_select(
        ["announcement_id", "user_id"], live.with_for_update(read=True, key_share=True), include_defaults=False
    )
    db.execute(added.on_conflict_do_nothing())
    mine = (AnnouncementRead.announcement_id == announcement_id, AnnouncementRead.user_id == user_id)
    read_at = db.scalar(select(AnnouncementRead.read_at).where(*mine))
    if read_at is None:
        raise Conflict("announcement_not_live", _("This announcement is not shown at present."))
    return read_at
