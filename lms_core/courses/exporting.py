"""What a course exporter gets: a whole course as plain values, as it was at one moment, and the bytes of its files.

An exporter (hook ``lms_course_exporters``) writes an :class:`ExportedCourse` into a file of its format. It never
touches the database or the file store; the core reads the course, hands its files over as streams, and drops what was
written where the exporter, or a stream, fails.

``details`` are all that an author can say of a course, a module or a lesson, in the JSON of the API (``title``,
``durationMinutes``, ...). A format that keeps them word by word gives them to ``details`` of what its importer reads,
and the course comes back as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

Details = Mapping[str, Any]
"""JSON, as the API writes it. A text names a file's address by ``FILE_SCHEME``, and its id by ``FILE_ID_SCHEME``."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the course: ``open()`` gives its bytes from the start; ``size`` is in bytes.

    ``name`` is what its owner called it: any characters, not unique. ``open()`` raises where the storage fails.
    """

    key: str
    name: str
    size: int
    media_type: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class ExportedLesson:
    """One lesson. ``key`` names it for as long as it is there, in every export.

    Exactly one of ``html``, ``url`` and ``file`` (a key of :attr:`ExportedCourse.files`) is set: what the lesson
    amounts to for whoever does not know its content type, which stands in ``details`` with its ``content``. ``html`` is
    sanitized; only a lesson that shows a page of another site is an ``iframe``. ``files`` are the keys of all the files
    it uses.
    """

    key: str
    title: str
    html: str | None = None
    url: str | None = None
    file: str | None = None
    description: str = ""
    is_published: bool = True
    files: Sequence[str] = ()
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportedModule:
    key: str
    title: str
    lessons: Sequence[ExportedLesson]
    is_published: bool
    details: Details


@dataclass(frozen=True, slots=True)
class ExportedCourse:
    """``version`` is the number of the version that this is; None for the draft. ``language`` is a tag (``pt-BR``)."""

    key: str
    title: str
    description: str
    language: str
    version: int | None
    modules: Sequence[ExportedModule]
    files: Mapping[str, ExportedFile]
    details: Details


class CourseExporter(Protocol):
    """One file format. ``name`` is its identifier (``common_cartridge``), ``title`` what a person reads.

    ``suffix`` begins with a dot; ``media_type`` is what the file is served as.
    """

    name: str
    title: str
    media_type: str
    suffix: str

    def write(self, course: ExportedCourse, sink: BinaryIO) -> None:
        """Write the course into an empty file, which can be read and sought in too, and leave it open.

        The same course gives the same bytes. No file is held in memory; what its stream raises passes.
        """
