"""What was asked for, with which the work begins; and that it has ended."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class ExportRequested(Event):
    """Somebody wants a course as a file."""

    name: ClassVar[str] = "courses.export_requested"
    export_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ImportRequested(Event):
    """Somebody wants a file as a course."""

    name: ClassVar[str] = "courses.import_requested"
    import_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ExportEnded(Event):
    """An export is done, or has failed for good."""

    name: ClassVar[str] = "courses.export_ended"
    export_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ImportEnded(Event):
    """An import is done, or has failed for good."""

    name: ClassVar[str] = "courses.import_ended"
    import_id: uuid.UUID
