"""What a course importer hands over: a whole course as plain values, before anything is written.

An importer (hook ``lms_course_importers``) reads a foreign file and answers an :class:`ImportedCourse`. It never
touches the database or the file store; the core sanitizes the HTML, stores the files and creates the course in
one transaction, so a reader that fails half-way leaves nothing behind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

FILE_SCHEME = "lms-file:"
"""How an imported page names a file of the same import: ``lms-file:<key>``, the key URL-quoted."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file of the archive: ``open()`` gives its bytes from the start, each time anew; ``size`` is in bytes."""

    key: str
    name: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class ImportedEmbed:
    """A page of another site that a page shows inside itself, by its web address."""

    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class ImportedLesson:
    """One lesson; exactly one of ``html``, ``url`` and ``file`` is set.

    ``html`` becomes a text lesson (unsanitized here; links and images may use :data:`FILE_SCHEME`), ``url`` a link
    lesson, ``file`` (a key of :attr:`ImportedCourse.files`) a lesson that offers the file. ``embeds`` are what the page
    showed of other sites, in whose place ``html`` has links: what may be embedded here follows the page as interactive
    lessons, or takes its place where there was nothing else on it.

    ``details`` are what the source says in the JSON of the API (``durationMinutes``, ``isPreview``, ``contentType``
    with ``content``, ...), as an exporter got them. They count more than the other fields, each where it is valid;
    content of a type that is not there, or refuses it, gives way to ``html``, ``url`` or ``file``.
    """

    title: str
    html: str | None = None
    url: str | None = None
    file: str | None = None
    description: str = ""
    is_published: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)
    embeds: Sequence[ImportedEmbed] = ()


@dataclass(frozen=True, slots=True)
class ImportedModule:
    """``details`` as of a lesson. A module of which they don't say it is published if one of its lessons is."""

    title: str
    lessons: Sequence[ImportedLesson] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something the importer could not bring: its name in the source, and why, for a person to read."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedCourse:
    """``details`` as of a lesson; a code that another course has is replaced by one that is free."""

    title: str
    modules: Sequence[ImportedModule]
    description: str = ""
    language: str = "en"
    files: Mapping[str, ImportedFile] = field(default_factory=dict)
    skipped: Sequence[Skipped] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """Bounds on a hostile archive: bytes unpacked in all, bytes of one file, entries, expansion per entry."""

    total_bytes: int
    file_bytes: int
    entries: int
    ratio: int = 200


class CourseImporter(Protocol):
    """One file format. ``name`` is its identifier (``common_cartridge``), ``title`` what a person reads."""

    name: str
    title: str

    def recognizes(self, path: Path) -> bool:
        """Whether the file looks like this format. Reads little, raises nothing."""

    def read(self, path: Path, limits: ImportLimits) -> ImportedCourse:
        """The course in the file; the file stays open-able by path until the import has ended.

        Raises :class:`lms_core.kernel.errors.Invalid` with code ``import_invalid`` (damaged, hostile, not this
        format) or ``import_too_large`` (over the limits).
        """
