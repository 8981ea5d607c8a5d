"""What happened in rosters, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class StudentsMessaged(Event):
    """The staff of a course wrote to some of its students: ``people``, of whom a message to more has further events."""

    name: ClassVar[str] = "enrollment.students_messaged"
    course_id: uuid.UUID
    course_title: str
    sender_id: uuid.UUID
    sender_name: str
    subject: str
    body: str
    people: list[uuid.UUID]
