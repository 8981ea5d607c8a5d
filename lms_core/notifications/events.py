"""What notifications tell themselves: that there is more to do."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class AnnouncementToldInPart(Event):
    """People up to ``last``, in the order of their ids, know of an announcement, and others do not yet."""

    name: ClassVar[str] = "notifications.announcement_told_in_part"
    announcement_id: uuid.UUID
    last: uuid.UUID


@dataclass(frozen=True, slots=True)
class AnnouncementFollowedInPart(Event):
    """Some notifications say what has become of their announcement, and others do not yet."""

    name: ClassVar[str] = "notifications.announcement_followed_in_part"
    announcement_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class PublicationToldInPart(Event):
    """Students up to ``last``, in the order of their ids, know of a course's publication, and others do not yet."""

    name: ClassVar[str] = "notifications.publication_told_in_part"
    course_id: uuid.UUID
    course_title: str
    published_at: dt.datetime
    last: uuid.UUID


@dataclass(frozen=True, slots=True)
class OpeningToldInPart(Event):
    """Students up to ``last``, in the order of their ids, know that a module has opened, and others do not yet."""

    name: ClassVar[str] = "notifications.opening_told_in_part"
    course_id: uuid.UUID
    module_id: uuid.UUID
    course_title: str
    module_title: str
    last: uuid.UUID
