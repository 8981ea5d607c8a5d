"""Writing a whole course into a file: its draft or a version, read in one moment, in the format of an exporter plugin.

Files are streamed from where they rest. A file that is lost does not keep the rest from being exported: it is named in
the report, and the lessons do without it. A storage that is down stops the export, and nothing remains of it.
"""

import io
import os
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from sqlalchemy import Connection

from lms_core.courses import queries
from lms_core.courses.content.service import marked
from lms_core.courses.exporting import CourseExporter, ExportedCourse, ExportedFile, ExportedLesson, ExportedModule
from lms_core.courses.importing import FILE_SCHEME, Skipped
from lms_core.courses.records import CourseRecord, LessonRecord, ModuleRecord
from lms_core.courses.references import FILE_ID_SCHEME, referenced_files, texts_in, with_references
from lms_core.courses.versions.queries import version
from lms_core.files.models import INFECTED
from lms_core.files.queries import living
from lms_core.files.service import has_content, open_file
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, NotFound
from lms_core.kernel.i18n import _

CHUNK = 1 << 18
"""Bytes that are read at a time."""

Progress = Callable[[str, int, int], None]
"""Told ``(step, done, total)``: ``files`` in bytes."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported, and which files could not be, with the reason."""

    title: str
    version: int | None
    modules: int
    lessons: int
    files: int
    lost: list[Skipped]


def exporter_for(core: Core, name: str | None = None) -> CourseExporter:
    """The exporter of this name; the first, in the order of the plugins' names, where none is named.

    Raises 422 ``export_format_unknown``.
    """
    exporters: list[CourseExporter] = core.plugins.gather("lms_course_exporters")
    found = next((each for each in exporters if name in (None, each.name)), None)
    if found is None:
        message = _("There are the formats ${names}.", mapping={"names": ", ".join(each.name for each in exporters)})
        raise Invalid("export_format_unknown", message, errors={"format": [message]})
    return found


def export_course(
    registry: Any,
    name: str,
    target: Path,
    *,
    number: int | None = None,
    format_name: str | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Export a course, by its id, slug or code, into a file; what stood there is replaced when all is written.

    Raises as :func:`write_course` does, and 422 ``export_unwritable``. The file is as it was then.
    """
    exporter = exporter_for(registry.core, format_name)
    with registry.core.reader() as reader:
        course_id = queries.course_named(reader, name)
    if course_id is None:
        raise NotFound("course_unknown", _("There is no course ${name}.", mapping={"name": name}))
    try:
        with _written_aside(target) as sink:
            return write_course(registry, course_id, exporter, sink, number=number, progress=progress)
    except OSError as error:
        named = {"path": str(target), "reason": error.strerror or str(error)}
        raise Invalid("export_unwritable", _("${path} cannot be written: ${reason}.", mapping=named)) from error


@contextmanager
def _written_aside(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the target's place when the block ends, and is gone where it fails."""
    aside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def write_course(
    registry: Any,
    course_id: uuid.UUID,
    exporter: CourseExporter,
    sink: BinaryIO,
    *,
    number: int | None = None,
    progress: Progress | None = None,
    locale: str | None = None,
) -> ExportReport:
    """Write the draft of a course, or one of its versions, into an open file.

    The report speaks the language of ``locale``. Raises 404 ``course_unknown`` and ``version_unknown``, 503
    ``storage_unavailable``, and what writing raises.
    """
    core: Core = registry.core
    with core.snapshot() as connection:
        rows = _read(connection, course_id, number)
    made = _Export(core, registry.storages, rows, progress or (lambda _step, _done, _total: None))
    course = made.course(number)
    exporter.write(course, sink)
    lessons = sum(len(module.lessons) for module in course.modules)
    lost = [Skipped(each.name, core.i18n.say(each.reason, locale)) for each in made.lost]
    return ExportReport(course.title, number, len(course.modules), lessons, len(course.files), lost)


@dataclass(frozen=True, slots=True)
class _Rows:
    course: Any
    modules: list[Any]
    lessons: list[Any]
    files: Mapping[str, Any]


def _read(connection: Connection, course_id: uuid.UUID, number: int | None) -> _Rows:
    course = queries.detail(connection, course_id)
    if course is None:
        raise NotFound("course_unknown", _("There is no such course."))
    chosen = version(connection, course_id, number) if number is not None else None
    if number is not None and chosen is None:
        raise NotFound("version_unknown", _("The course has no version ${number}.", mapping={"number": number}))
    modules, lessons = queries.contents(connection, course_id, chosen.id if chosen is not None else None)
    places = {module.id: place for place, module in enumerate(modules)}
    lessons.sort(key=lambda lesson: (places[lesson.module_id], lesson.order_index))
    used = {uuid.UUID(entry["fileId"]) for lesson in lessons for entry in _attached(lesson)}
    if course.thumbnail_file_id is not None:
        used.add(course.thumbnail_file_id)
    files = {str(row.id): row for row in connection.execute(living(sorted(used)))}
    return _Rows(course, modules, lessons, files)


def _attached(lesson: Any) -> Iterable[Mapping[str, Any]]:
    """The files of a lesson, but for those that are made of the others."""
    return (entry for entry in lesson.attachments if not entry.get("derived"))


class _Export:
    """The plain values of a course. ``lost`` are the files that are not there any more."""

    def __init__(self, core: Core, storages: Any, rows: _Rows, tell: Progress) -> None:
        self.lost: list[Skipped] = []
        self._rows = rows
        self._base = core.settings.text("lms.url")
        self._core = core
        self._storages = storages
        self._tell = tell
        self._translate = core.i18n.localizer(rows.course.language).translate
        self._files = {key: row for key, row in rows.files.items() if not _infected(row) and self._is_there(row)}
        self._total = sum(row.file_size for row in self._files.values())
        self._done = 0
        self._gone = self._named_in_vain()

    def course(self, number: int | None) -> ExportedCourse:
        course = self._rows.course
        lessons: dict[uuid.UUID, list[ExportedLesson]] = {module.id: [] for module in self._rows.modules}
        for lesson in self._rows.lessons:
            lessons[lesson.module_id].append(self._lesson(lesson))
        places = {module.id: place for place, module in enumerate(self._rows.modules)}
        return ExportedCourse(
            key=str(course.id),
            title=course.title,
            description=course.description or "",
            language=course.language,
            version=number,
            modules=[_module(module, lessons[module.id], places) for module in self._rows.modules],
            files={key: self._file(key, row) for key, row in self._files.items()},
            details=self._details(course),
        )

    def _details(self, course: Any) -> dict[str, Any]:
        details: dict[str, Any] = CourseRecord().dump(course)
        key = details.pop("thumbnailFileId")
        if not _is_web(course.thumbnail_url):
            details["thumbnailUrl"] = None  # A cover that was drawn here will be drawn there.
        if key in self._files:
            details["thumbnailFileId"] = FILE_ID_SCHEME + quote(key)
        elif key is not None and key not in self._gone:
            named = self._rows.files.get(key)
            self.lost.append(
                Skipped(named.file_name if named else "", _("The picture of the course is lost, or infected."))
            )
        return details

    # Files.

    def _is_there(self, row: Any) -> bool:
        return has_content(self._core, self._storages, row)

    def _named_in_vain(self) -> dict[str, str]:
        """The names of the lost files by their keys; each is put down as lost with the lesson that has it."""
        gone: dict[str, str] = {}
        for lesson in self._rows.lessons:
            for entry in _attached(lesson):
                key, name = entry["fileId"], entry.get("name", "")
                if key not in self._files and key not in gone:
                    gone[key] = name
                    known = self._rows.files.get(key)
                    named = {"title": lesson.title}
                    reason = (
                        _("This file of “${title}” is infected.", mapping=named)
                        if known is not None and _infected(known)
                        else _("This file of “${title}” is lost.", mapping=named)
                    )
                    self.lost.append(Skipped(name, reason))
        return gone

    def _file(self, key: str, row: Any) -> ExportedFile:
        return ExportedFile(key, row.file_name, row.file_size, row.mime_type or "", partial(self._open, row))

    def _open(self, row: Any) -> BinaryIO:
        source = open_file(self._core, self._storages, row)
        return io.BufferedReader(_Told(source, self._read_on), CHUNK)

    def _read_on(self, count: int) -> None:
        self._done += count
        self._tell("files", self._done, max(self._done, self._total))

    # Lessons.

    def _lesson(self, row: Any) -> ExportedLesson:
        own, beside = (
            list(dict.fromkeys(entry["fileId"] for entry in entries if entry["fileId"] in self._files))
            for entries in (_attached(row), marked(row.attachments, "attached"))
        )
        content = with_references(row.content, self._base, self._files.keys(), self._gone.keys())
        details = {**LessonRecord().dump(row), "content": content}
        lost = self._gone.keys() & texts_in(row.content)
        if lost:
            # Content that names a file which isn't there is none; its other files are kept beside what is left.
            del details["content"], details["contentType"]
            beside = own
        details["attachments"] = [FILE_ID_SCHEME + quote(key) for key in beside]
        used = dict.fromkeys([*referenced_files(content), *own])
        plain = _plain(content)
        if not plain:
            plain, beside = {"html": self._words(row, sorted(self._gone[key] for key in lost))}, own
        if "html" in plain:
            plain["html"] += self._links(beside)
        return ExportedLesson(
            key=str(row.id),
            title=row.title,
            **plain,
            description=row.description or "",
            is_published=row.is_published,
            files=[key for key in used if key in self._files],
            details=details,
        )

    def _words(self, row: Any, lost: list[str]) -> str:
        """What a lesson that is neither a page nor a link nor a file says to others."""
        gone = (_("The file “${name}” was lost before this course was exported.", mapping={"name": name})
                for name in lost)  # fmt: skip
        told = map(self._translate, gone)
        return "".join(f"<p>{escape(part)}</p>" for part in (row.description or row.title, *told))

    def _links(self, keys: Iterable[str]) -> str:
        """Files at the end of a page, for those who know nothing of attachments."""
        named = ((FILE_SCHEME + quote(key), self._files[key].file_name) for key in keys)
        return "".join(f'<p><a href="{address}">{escape(name)}</a></p>' for address, name in named)


def _infected(row: Any) -> bool:
    return bool(row.virus_scan_result == INFECTED)


def _module(row: Any, lessons: list[ExportedLesson], places: Mapping[uuid.UUID, int]) -> ExportedModule:
    before = [places[module_id] for module_id in row.prerequisites if module_id in places]
    details = {**ModuleRecord(exclude=("prerequisites",)).dump(row), "prerequisites": before}
    return ExportedModule(str(row.id), row.title, lessons, row.is_published, details)


def _plain(content: Mapping[str, Any]) -> dict[str, str]:
    """Content as a page, a link or a file, by the names that say so in every content type; empty where it is none."""
    html, file = content.get("html"), str(content.get("fileId", ""))
    if isinstance(html, str):
        return {"html": html}
    if _is_web(content.get("url")):
        return {"url": content["url"]}
    if _is_web(content.get("src")):
        return {"html": _frame(content)}
    return {"file": next(referenced_files(file))} if file.startswith(FILE_ID_SCHEME) else {}


def _is_web(address: Any) -> bool:
    return isinstance(address, str) and address.startswith(("https://", "http://"))


def _frame(content: Mapping[str, Any]) -> str:
    """A page that shows another site's, as whoever embeds it would write it."""
    given = ((name, content.get(name)) for name in ("src", "width", "height", "title"))
    attributes = "".join(f' {name}="{escape(str(value))}"' for name, value in given if value)
    return f"<iframe{attributes}></iframe>"


class _Told(io.RawIOBase):
    """A stream that tells how much of it was read."""

    def __init__(self, source: BinaryIO, tell: Callable[[int], None]) -> None:
        self._source, self._tell = source, tell

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader hands a memoryview.
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self._tell(len(data))
        return len(data)

    def close(self) -> None:
        self._source.close()
        super().close()
