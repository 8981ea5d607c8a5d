"""What opened, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class ModuleUnlocked(Event):
    """Published once for a student and a module, in the transaction in which what the student did opened it."""

    name: ClassVar[str] = "learning.module_unlocked"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    module_id: uuid.UUID
    course_title: str
    module_title: str


@dataclass(frozen=True, slots=True)
class ModuleOpened(Event):
    """Published once for a date of a module, when it has come: for all students who have no date of their own."""

    name: ClassVar[str] = "learning.module_opened"
    course_id: uuid.UUID
    module_id: uuid.UUID
    course_title: str
    module_title: str
