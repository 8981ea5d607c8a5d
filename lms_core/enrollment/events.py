"""What happened to enrollments, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class UserEnrolled(Event):
    name: ClassVar[str] = "enrollment.enrolled"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    course_title: str
