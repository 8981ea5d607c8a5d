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


@dataclass(frozen=True, slots=True)
class CoursePublished(Event):
    name: ClassVar[str] = "courses.published"
    course_id: uuid.UUID
    instructor_id: uuid.UUID
