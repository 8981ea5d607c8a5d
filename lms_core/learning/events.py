"""What happened in learning, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class AdjustedInPart(Event):
    """Progress in a course follows its newest version up to the enrollment ``last``, in the order of their ids."""

    name: ClassVar[str] = "learning.adjusted_in_part"
    course_id: uuid.UUID
    last: uuid.UUID
