"""What happened to enrollments, for later domains to follow."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class UserEnrolled(Event):
    """Somebody takes a course, for the first time or again.

    ``via`` is ``request`` where they had asked, and ``waiting_list`` where they had waited for a place; ``note`` is
    what the staff have to say to them; ``starts_at`` is when the course opens to them, None where it does at once.
    """

    name: ClassVar[str] = "enrollment.enrolled"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str
    via: str = ""
    note: str | None = None
    starts_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentRequested(Event):
    """Somebody asks to join a course."""

    name: ClassVar[str] = "enrollment.requested"
    user_id: uuid.UUID
    course_id: uuid.UUID
    request_id: uuid.UUID
    course_title: str


@dataclass(frozen=True, slots=True)
class EnrollmentRejected(Event):
    """Somebody who asked to join a course is not let in; ``note`` is what the staff have to say to them."""

    name: ClassVar[str] = "enrollment.rejected"
    user_id: uuid.UUID
    course_id: uuid.UUID
    request_id: uuid.UUID
    course_title: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingListJoined(Event):
    """Somebody waits for a place in a course; ``by_staff`` where they were approved and there was none."""

    name: ClassVar[str] = "enrollment.waiting_list_joined"
    user_id: uuid.UUID
    course_id: uuid.UUID
    wait_id: uuid.UUID
    course_title: str
    by_staff: bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceOffered(Event):
    """A place is free for who has waited for it in a course that has to be paid for; it is kept ``until`` then."""

    name: ClassVar[str] = "enrollment.place_offered"
    user_id: uuid.UUID
    course_id: uuid.UUID
    wait_id: uuid.UUID
    course_title: str
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class CourseCompleted(Event):
    """Published once for an enrollment, in the transaction that completes it: by its last lesson, or by hand."""

    name: ClassVar[str] = "enrollment.completed"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str


@dataclass(frozen=True, slots=True)
class EnrollmentDropped(Event):
    """Somebody left a course, or was taken off it by its staff; a place is free."""

    name: ClassVar[str] = "enrollment.dropped"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str
    by_staff: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentSuspended(Event):
    """A student is kept out of a course for the time being; the place stays theirs."""

    name: ClassVar[str] = "enrollment.suspended"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentResumed(Event):
    """A student who was suspended, or whose time was over, may go on."""

    name: ClassVar[str] = "enrollment.resumed"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str


@dataclass(frozen=True, slots=True)
class EnrollmentExpired(Event):
    """An enrollment's time is over; a place is free."""

    name: ClassVar[str] = "enrollment.expired"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str
