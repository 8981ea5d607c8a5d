"""What people are told, and how they wish to be told."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Document, Off, On, one_of
from lms_core.kernel.db import Base, Created, Identified, Timestamped


class Notification(Identified, Created, Base):
    """One line in somebody's inbox."""

    __tablename__ = "notifications"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    type: Mapped[str]
    title: Mapped[str]
    message: Mapped[str]
    data: Mapped[Document]
    priority: Mapped[str] = mapped_column(server_default="normal")
    read_at: Mapped[dt.datetime | None]
    clicked_at: Mapped[dt.datetime | None]
    action_url: Mapped[str | None]
    expires_at: Mapped[dt.datetime | None]

    __table_args__ = (
        one_of("priority", "low", "normal", "high", "urgent"),
        Index(None, "user_id", "created_at", "id"),
        Index("ix_notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index(None, "created_at"),
        # Written as PostgreSQL prints it.
        Index(
            "ix_notifications_announcement",
            text("(data ->> 'announcementId'::text)"),
            postgresql_where=text("read_at IS NULL AND type = 'new_announcement'::text"),
        ),
    )


class NotificationPreference(Identified, Timestamped, Base):
    """A person's channels, quiet hours (in their own time zone), and ``{type: wanted}`` by kind of notification."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    email_enabled: Mapped[On]
    email_frequency: Mapped[str] = mapped_column(server_default="immediate")
    push_enabled: Mapped[On]
    sms_enabled: Mapped[Off]
    preferences: Mapped[Document]
    quiet_hours_start: Mapped[dt.time | None]
    quiet_hours_end: Mapped[dt.time | None]

    __table_args__ = (one_of("email_frequency", "immediate", "daily", "weekly"),)
