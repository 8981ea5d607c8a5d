"""What happens to files."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class ScanDue(Event):
    """A file waits for a scanner."""

    name: ClassVar[str] = "files.scan_due"
    file_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class FileCleared(Event):
    """A file may be had by all who may read it: it was found clean, or there is nobody to scan it."""

    name: ClassVar[str] = "files.file_cleared"
    file_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ThumbnailDue(Event):
    """An image was cleared, and wants a thumbnail."""

    name: ClassVar[str] = "files.thumbnail_due"
    file_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class FileInfected(Event):
    """Malware was found in a file. It is kept, and nobody gets it; ``found`` is the scanner's name for what it is."""

    name: ClassVar[str] = "files.file_infected"
    file_id: uuid.UUID
    user_id: uuid.UUID
    file_name: str
    found: str


@dataclass(frozen=True, slots=True)
class ObjectsDropped(Event):
    """Nothing names these objects of a storage backend any more: they can go."""

    name: ClassVar[str] = "files.objects_dropped"
    provider: str
    keys: list[str]
