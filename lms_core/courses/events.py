"""What happened to courses, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class CourseCreated(Event):
    name: ClassVar[str] = "courses.created"
    course_id: uuid.UUID
    instructor_id: uuid.UUID
    course_title: str


@dataclass(frozen=True, slots=True)
class CoursePublished(Event):
    """A course is in the catalog; ``first`` is false where it had been there before, in another version."""

    name: ClassVar[str] = "courses.published"
    course_id: uuid.UUID
    instructor_id: uuid.UUID
    course_title: str
    first: bool


@dataclass(frozen=True, slots=True)
class CoursePictureChanged(Event):
    """A course has another picture, or none; ``cover_id`` is the drawn one that it had until now, if any."""

    name: ClassVar[str] = "courses.picture_changed"
    course_id: uuid.UUID
    cover_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class PlacesChanged(Event):
    """A course may have places that it had not before."""

    name: ClassVar[str] = "courses.places_changed"
    course_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class StaffAssigned(Event):
    """Somebody became a co-instructor or a teaching assistant."""

    name: ClassVar[str] = "courses.staff_assigned"
    user_id: uuid.UUID
    course_id: uuid.UUID
    role: str
    course_title: str


@dataclass(frozen=True, slots=True)
class LessonContentChanged(Event):
    """An author has written the content of a lesson, for the first time or anew."""

    name: ClassVar[str] = "courses.lesson_content_changed"
    lesson_id: uuid.UUID
