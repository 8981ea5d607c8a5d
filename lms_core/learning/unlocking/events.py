"""What opened, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class ModuleUnlocked(Event):
    """Published once for a student and a module that opened to them alone, in the transaction that notes it.

    By what they did, or ``by_date``: a date of their own, or so many days after their first.
    """

    name: ClassVar[str] = "learning.module_unlocked"
    user_id: uuid.UUID
    course_id: uuid.UUID
    enrollment_id: uuid.UUID
    module_id: uuid.UUID
    course_title: str
    module_title: str
    by_date: bool = False


@dataclass(frozen=True, slots=True)
class ModuleOpened(Event):
    """Published once for a date of a module, when it has come: for all students who have no date of their own."""

    name: ClassVar[str] = "learning.module_opened"
    course_id: uuid.UUID
    module_id: uuid.UUID
    course_title: str
    module_title: str
