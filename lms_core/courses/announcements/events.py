"""What happened to announcements, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class AnnouncementPublished(Event):
    """Published once for an announcement: when students can first read it."""

    name: ClassVar[str] = "courses.announcement_published"
    announcement_id: uuid.UUID
    course_id: uuid.UUID
    author_id: uuid.UUID
    title: str
    priority: str


@dataclass(frozen=True, slots=True)
class AnnouncementMoved(Event):
    """What people were told of was taken back, put back or deleted, or ends at another time."""

    name: ClassVar[str] = "courses.announcement_moved"
    announcement_id: uuid.UUID
