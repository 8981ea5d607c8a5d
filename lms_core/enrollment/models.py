"""Who takes which course, who asked to, and the codes and invitations that let them in."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    FetchedValue,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Document, Off, Percent, Records, at_least, one_of, percent, sparse_index
from lms_core.kernel.db import Base, Created, Identified, Timestamped


class Enrollment(Identified, Base):
    """A student's part in a course; one row per person and course, through every drop and return.

    ``lessons_completed`` of ``lessons_total`` lets progress advance without a recount. ``time_spent_seconds`` sums
    the heartbeats, and no time before ``time_counted_until`` counts again. ``continue_lesson_id`` is the lesson to go
    on with; null where nothing was begun, or all is done. ``certificate_issued`` is computed from its date.
    ``updated_at`` is of what staff decide: state, dates, accommodations and notes; progress leaves it alone.
    ``extended_until`` is an end beyond ``expires_at`` that was granted to this student alone. ``place_freed_at`` is
    since when it counts in its course no more because its time is over: one that is completed or suspended stays so.
    """

    __tablename__ = "enrollments"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(server_default="active")
    enrollment_type: Mapped[str] = mapped_column(server_default="self")
    enrolled_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    starts_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    extended_until: Mapped[dt.datetime | None]
    place_freed_at: Mapped[dt.datetime | None]
    started_at: Mapped[dt.datetime | None]
    completed_at: Mapped[dt.datetime | None]
    suspended_at: Mapped[dt.datetime | None]
    suspended_reason: Mapped[str | None]
    dropped_at: Mapped[dt.datetime | None]
    dropped_reason: Mapped[str | None]
    lessons_completed: Mapped[Count]
    lessons_total: Mapped[Count]
    progress_percentage: Mapped[Percent] = mapped_column(server_default=text("0"))
    grade: Mapped[str | None]
    grade_points: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    certificate_issued: Mapped[bool] = mapped_column(Computed("certificate_issued_at IS NOT NULL", persisted=True))
    certificate_issued_at: Mapped[dt.datetime | None]
    certificate_url: Mapped[str | None]
    last_accessed_at: Mapped[dt.datetime | None]
    time_spent_seconds: Mapped[Count]
    time_counted_until: Mapped[dt.datetime | None]
    continue_lesson_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("lessons.id", ondelete="SET NULL"))
    notes: Mapped[str | None]
    extra: Mapped[Document] = mapped_column("metadata")
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), server_onupdate=FetchedValue())

    __table_args__ = (
        one_of("status", "active", "completed", "suspended", "dropped", "expired"),
        percent("progress_percentage"),
        *at_least(0, "lessons_completed", "lessons_total", "time_spent_seconds"),
        CheckConstraint("expires_at > starts_at", name="expires_at"),
        UniqueConstraint("user_id", "course_id"),
        Index(None, "course_id", "status"),
        Index(None, "course_id", "enrolled_at", "id"),
        Index("ix_enrollments_first_day", text("coalesce(starts_at, enrolled_at)"), "id"),
        Index(None, "completed_at", postgresql_where=text("completed_at IS NOT NULL")),
        Index(
            None,
            "expires_at",
            postgresql_where=text(
                "expires_at IS NOT NULL AND (status = 'active'"
                " OR place_freed_at IS NULL AND status IN ('completed', 'suspended'))"
            ),
        ),
        sparse_index("continue_lesson_id"),
    )

    @property
    def ends_at(self) -> dt.datetime | None:
        """When it is over for this student; None for never."""
        return self.expires_at and max(self.expires_at, self.extended_until or self.expires_at)

    def is_over(self, now: dt.datetime) -> bool:
        """Whether it has ended, though nothing may have taken notice yet."""
        return self.ends_at is not None and self.ends_at <= now

    @property
    def holds_place(self) -> bool:
        """Whether it counts in ``courses.enrolled_count``."""
        return self.status not in ("dropped", "expired") and self.place_freed_at is None


class EnrollmentChange(Identified, Created, Base):
    """That an enrollment came from one state into another: triggers write it, so that no way to do so leaves it out.

    ``from_status`` is null for its beginning, ``changed_by`` where nobody did it or nobody knows.
    """

    __tablename__ = "enrollment_changes"

    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"))
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    reason: Mapped[str | None]
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (Index(None, "enrollment_id", "created_at", "id"), sparse_index("changed_by"))


class Accommodation(Identified, Timestamped, Base):
    """What was granted to one student in one course alone, beside an end of their own (``enrollments.extended_until``).

    Of every time that is limited they have ``extra_time_factor`` times as much, and ``extra_attempts`` more than others
    wherever attempts are counted. With ``waives_sequence`` no module waits for the one before. ``reason`` may tell of a
    disability: it is for who decides about it, and stands in no log and no export.
    """

    __tablename__ = "accommodations"

    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), unique=True)
    extra_time_factor: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default=text("1"))
    extra_attempts: Mapped[Count]
    waives_sequence: Mapped[Off]
    reason: Mapped[str | None]
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        CheckConstraint("extra_time_factor BETWEEN 1 AND 5", name="extra_time_factor"),
        *at_least(0, "extra_attempts"),
        sparse_index("granted_by"),
    )


class AccommodationDate(Base):
    """When a module with a date opens to one student, in place of that date; ``noted`` once it has come."""

    __tablename__ = "accommodation_dates"

    accommodation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accommodations.id", ondelete="CASCADE"), primary_key=True
    )
    module_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    unlocks_at: Mapped[dt.datetime]
    noted: Mapped[Off]

    __table_args__ = (Index(None, "unlocks_at", postgresql_where=text("NOT noted")),)


class EnrollmentRequest(Identified, Created, Base):
    """A wish to join a course that admits by approval; one row per person and course, however often they ask.

    ``created_at`` is when they last asked. ``earlier`` are the reviews before that, the oldest first: objects of
    ``reason_for_joining``, ``created_at``, ``status``, ``reviewed_by``, ``reviewed_at`` and ``review_notes``.
    """

    __tablename__ = "enrollment_requests"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(server_default="pending")
    reason_for_joining: Mapped[str | None]
    reviewed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewed_at: Mapped[dt.datetime | None]
    review_notes: Mapped[str | None]
    earlier: Mapped[Records]

    __table_args__ = (
        one_of("status", "pending", "approved", "rejected", "withdrawn"),
        UniqueConstraint("user_id", "course_id"),
        Index(None, "course_id", "status", "created_at", "id"),
        sparse_index("reviewed_by"),
    )


class EnrollmentWait(Identified, Base):
    """A place on a course's waiting list; ``admission`` is how its owner is let in when one in the course is free.

    Who has to pay is not let in, but asked to: until ``offered_until`` the place in the course is kept for them.
    """

    __tablename__ = "enrollment_waits"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    since: Mapped[dt.datetime] = mapped_column(server_default=func.clock_timestamp())
    admission: Mapped[Document]
    offered_until: Mapped[dt.datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "course_id"),
        Index(None, "course_id", "since", "id"),
        sparse_index("offered_until"),
    )


class AccessCode(Identified, Created, Base):
    """A code that opens a course, as often as ``max_uses`` says (null: without end).

    ``key`` is the code without what makes no difference: case, spaces and dashes.
    """

    __tablename__ = "access_codes"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    code: Mapped[str]
    key: Mapped[str] = mapped_column(
        Computed(r"upper(regexp_replace(code, '[\s-]'::text, ''::text, 'g'::text))", persisted=True)
    )
    description: Mapped[str | None]
    max_uses: Mapped[int | None]
    used_count: Mapped[Count]
    valid_from: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    valid_until: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        *at_least(1, "max_uses"),
        CheckConstraint("used_count >= 0 AND (max_uses IS NULL OR used_count <= max_uses)", name="used_count"),
        CheckConstraint("valid_until > valid_from", name="valid_until"),
        UniqueConstraint("course_id", "key"),
        Index(None, "course_id", "created_at", "id"),
        sparse_index("created_by"),
    )


class AccessCodeUse(Identified, Base):
    """That somebody was let in by a code: once, however often they come back with it before their time is over."""

    __tablename__ = "access_code_uses"

    code_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_codes.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "code_id", "user_id"), Index(None, "code_id", "used_at", "id"))


class Invitation(Identified, Created, Base):
    """That an e-mail address was invited to a course; one row for both, however often it is invited.

    Past ``expires_at`` it lets nobody in, whatever its ``status``. Of its link only a hash is kept. ``user_id`` is who
    has accepted, ``sent_at`` when it was last mailed, and ``ended_at`` when it was accepted, declined or revoked.
    """

    __tablename__ = "invitations"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    email: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    token_hash: Mapped[str] = mapped_column(unique=True)
    message: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    invited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    sent_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    sent_count: Mapped[int] = mapped_column(server_default=text("1"))
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]

    __table_args__ = (
        one_of("status", "pending", "accepted", "declined", "revoked"),
        *at_least(1, "sent_count"),
        CheckConstraint("(status = 'pending') = (ended_at IS NULL)", name="ended_at"),
        CheckConstraint("status <> 'accepted' OR user_id IS NOT NULL", name="accepted"),
        Index("uq_invitations_course_id_email", "course_id", text("lower(email)"), unique=True),
        Index("ix_invitations_email", text("lower(email)")),
        Index(None, "course_id", "created_at", "id"),
        Index(None, "expires_at", postgresql_where=text("status <> 'accepted'")),
        sparse_index("user_id"),
        sparse_index("invited_by"),
    )
