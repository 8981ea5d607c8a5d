"""What happened, and daily figures made of it."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Document, Percent, percent
from lms_core.kernel.db import Base, Created, Identified


class AnalyticsEvent(Base):
    """One thing somebody did; partitioned by month of ``created_at``.

    It refers to people and courses by id alone. A foreign key would lock the row of the course for each event, and
    hold up nothing worth holding: events outlive the lesson they speak of, and triggers on ``users`` and ``courses``
    take them away with their person or course.
    """

    __tablename__ = "analytics_events"

    id: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4, server_default=func.gen_random_uuid())
    user_id: Mapped[uuid.UUID | None]
    session_id: Mapped[uuid.UUID | None]
    event_type: Mapped[str]
    event_category: Mapped[str | None]
    event_action: Mapped[str | None]
    event_label: Mapped[str | None]
    event_value: Mapped[int | None]
    page_url: Mapped[str | None]
    referrer_url: Mapped[str | None]
    course_id: Mapped[uuid.UUID | None]
    module_id: Mapped[uuid.UUID | None]
    lesson_id: Mapped[uuid.UUID | None]
    quiz_id: Mapped[uuid.UUID | None]
    properties: Mapped[Document]
    user_agent: Mapped[str | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index(None, "user_id", "created_at"),
        Index(None, "course_id", "created_at"),
        Index(None, "event_type", "created_at"),
        Index(None, "created_at"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )


class CourseAnalytics(Identified, Created, Base):
    """A course's figures for one day (UTC)."""

    __tablename__ = "course_analytics"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    date: Mapped[dt.date]
    enrolled_count: Mapped[Count]
    active_students: Mapped[Count]
    completed_count: Mapped[Count]
    dropped_count: Mapped[Count]
    average_progress: Mapped[Percent] = mapped_column(server_default=text("0"))
    average_time_spent_minutes: Mapped[Count]
    lesson_views: Mapped[Count]
    quiz_attempts: Mapped[Count]
    forum_posts: Mapped[Count]
    average_quiz_score: Mapped[Percent | None]
    completion_rate: Mapped[Percent | None]

    __table_args__ = (
        percent("average_progress"),
        percent("average_quiz_score"),
        percent("completion_rate"),
        UniqueConstraint("course_id", "date"),
        Index(None, "date"),
    )
