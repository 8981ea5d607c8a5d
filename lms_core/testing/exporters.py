"""The conformance suite of ``lms_course_exporters``: what every exporter owes the core, whatever its format.

Subclass it in a test module and say which exporter; pytest runs the rest::

    class TestMine(ExporterConformance):
        @pytest.fixture
        def exporter(self) -> CourseExporter:
            return MyExporter()

A format that is a zip archive takes :class:`ZipExporterConformance`. One that an importer reads back word by word takes
:class:`RoundTripConformance` as well, and gives it that importer. :func:`full_course` and :func:`hostile_course` are
there for further tests.
"""

import hashlib
import io
import random
import re
import tempfile
import tracemalloc
import unicodedata
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from lms_core.courses.exporting import CourseExporter, ExportedCourse, ExportedFile, ExportedLesson, ExportedModule
from lms_core.courses.importing import CourseImporter, ImportedCourse, ImportedLesson
from lms_core.courses.references import FILE_ID_SCHEME, map_references
from lms_core.testing.importers import LIMITS, check_course
from lms_core.testing.watching import reading

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LARGE = 48 << 20
_MEMORY = 12 << 20


class BrokenStreamError(Exception):
    """What the stream of a file raises in the middle."""


class ExporterConformance:
    """``exporter`` is the author's to give."""

    @pytest.fixture
    def exporter(self) -> CourseExporter:
        raise NotImplementedError("override the fixture `exporter`: the exporter under test")

    def test_it_says_what_it_is(self, exporter: CourseExporter) -> None:
        assert _NAME.fullmatch(exporter.name), "the name is an identifier: lower case, digits and underscores"
        assert str(exporter.title).strip()
        assert re.fullmatch(r"[a-z]+/[a-z0-9][a-z0-9.+-]*", exporter.media_type)
        assert re.fullmatch(r"\.[a-z0-9]{1,16}", exporter.suffix)

    def test_a_course_becomes_a_file(self, exporter: CourseExporter) -> None:
        assert written(exporter, full_course())

    def test_the_same_course_gives_the_same_bytes(self, exporter: CourseExporter) -> None:
        assert written(exporter, full_course()) == written(exporter, full_course())

    def test_another_course_gives_others(self, exporter: CourseExporter) -> None:
        assert written(exporter, full_course()) != written(exporter, full_course(title="Another"))

    def test_a_course_without_anything(self, exporter: CourseExporter) -> None:
        assert written(exporter, course_of())

    def test_a_hostile_course(self, exporter: CourseExporter) -> None:
        assert written(exporter, hostile_course())

    def test_a_large_file_is_not_held_in_memory(self, exporter: CourseExporter) -> None:
        course = course_of(module_of(lesson_of("Film", file="film")), files=[_large("film")])
        with tempfile.TemporaryFile() as sink:
            tracemalloc.start()
            try:
                exporter.write(course, sink)
                _now, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert peak < _MEMORY, f"{peak:,} bytes of memory for a file of {_LARGE:,}"

    def test_every_stream_is_closed(self, exporter: CourseExporter) -> None:
        opened: list[BinaryIO] = []
        written(exporter, full_course(opened=opened))
        assert opened, "no file was asked for"
        assert [stream for stream in opened if not stream.closed] == []

    def test_what_a_stream_raises_passes(self, exporter: CourseExporter) -> None:
        course = course_of(module_of(lesson_of("Film", file="film")), files=[_large("film", breaks=True)])
        with tempfile.TemporaryFile() as sink, pytest.raises(BrokenStreamError):
            exporter.write(course, sink)


class ZipExporterConformance(ExporterConformance):
    """For formats that are zip archives: whoever unpacks one, anywhere, gets what is in it and nothing else."""

    def test_every_file_is_in_it(self, exporter: CourseExporter) -> None:
        for course in (full_course(), hostile_course()):
            held = {hashlib.sha256(data).digest() for data in entries(written(exporter, course)).values()}
            assert {hashlib.sha256(_bytes(file)).digest() for file in course.files.values()} <= held

    def test_names_are_safe_everywhere(self, exporter: CourseExporter) -> None:
        for course in (full_course(), hostile_course()):
            names = list(entries(written(exporter, course)))
            check_names(names)

    def test_it_shows_no_time_and_no_machine(self, exporter: CourseExporter) -> None:
        with zipfile.ZipFile(io.BytesIO(written(exporter, full_course()))) as archive:
            infos = archive.infolist()
        assert len({info.date_time for info in infos}) == 1
        assert {(info.create_system, info.external_attr >> 16) for info in infos} == {(3, 0o100644)}
        assert {info.comment + info.extra for info in infos} <= {b""}


class RoundTripConformance:
    """What comes back through the importer is what was given, detail by detail."""

    @pytest.fixture
    def exporter(self) -> CourseExporter:
        raise NotImplementedError("override the fixture `exporter`: the exporter under test")

    @pytest.fixture
    def importer(self) -> CourseImporter:
        raise NotImplementedError("override the fixture `importer`: the one that reads what the exporter writes")

    @pytest.fixture
    def back(self, exporter: CourseExporter, importer: CourseImporter, tmp_path: Path) -> Any:
        """``back(course)``: the course as the importer reads it."""

        def back(course: ExportedCourse) -> ImportedCourse:
            path = tmp_path / f"course{exporter.suffix}"
            path.write_bytes(written(exporter, course))
            with reading():
                assert importer.recognizes(path)
                read = importer.read(path, LIMITS)
                check_course(read)
            return read

        return back

    @pytest.mark.parametrize("make", ["full", "hostile", "empty"])
    def test_nothing_is_lost(self, back: Callable[[ExportedCourse], ImportedCourse], make: str) -> None:
        course = {"full": full_course, "hostile": hostile_course, "empty": course_of}[make]()
        read = back(course)
        assert list(read.skipped) == []
        assert _same(read.details, course.details, read, course)
        assert len(read.modules) == len(course.modules)
        for module, wanted in zip(read.modules, course.modules, strict=True):
            assert _same(module.details, wanted.details, read, course)
            assert [_kind(lesson) for lesson in module.lessons] == [_kind(lesson) for lesson in wanted.lessons]
            for lesson, told in zip(module.lessons, wanted.lessons, strict=True):
                assert _same(lesson.details, told.details, read, course)
        assert sorted(_contents(read.files.values())) == sorted(_contents(course.files.values()))


# What the tests are made of; an author's further tests may use it too.


def written(exporter: CourseExporter, course: ExportedCourse) -> bytes:
    """What the exporter writes, once it is sure that it writes there and nowhere else."""
    with tempfile.TemporaryFile() as sink:
        with reading():
            exporter.write(course, sink)
        assert not sink.closed, "the sink stays open: it is the core's"
        sink.seek(0)
        return sink.read()


def entries(data: bytes) -> dict[str, bytes]:
    """The entries of a zip archive, each of which is there once and whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names)), "an entry is there twice"
        return {name: archive.read(name) for name in names}


def check_names(names: Iterable[str]) -> None:
    """Paths that no system reads in another way, hides, refuses, or takes for each other."""
    seen: set[str] = set()
    for name in names:
        parts = name.split("/")
        assert not name.startswith("/"), name
        assert not set(parts) & {"", ".", ".."}, name
        assert not set(name) & set('\\:*?"<>|%#&'), name
        assert all(unicodedata.category(letter)[0] != "C" for letter in name), repr(name)
        for part in parts:
            assert part == part.strip(". "), name
            assert len(part.encode()) <= 255, name
            assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part), name
        folded = unicodedata.normalize("NFKC", name).casefold()
        assert folded not in seen, f"{name} is another's name where case does not count"
        seen.add(folded)


def course_of(
    *modules: ExportedModule,
    title: str = "Bread",
    description: str = "",
    language: str = "en",
    files: Iterable[ExportedFile] = (),
    **details: Any,
) -> ExportedCourse:
    """A course; ``details`` are more of its own, beside title, description and language."""
    said = {"title": title, "description": description or None, "language": language, **details}
    by_key = {file.key: file for file in files}
    return ExportedCourse(_key(title), title, description, language, None, modules, by_key, said)


def module_of(
    *lessons: ExportedLesson, title: str = "Module", is_published: bool = True, **more: Any
) -> ExportedModule:
    details = {"title": title, "isPublished": is_published, **more}
    return ExportedModule(_key(title), title, lessons, is_published, details)


def lesson_of(
    title: str, *, description: str = "", is_published: bool = True, files: Iterable[str] = (), **more: Any
) -> ExportedLesson:
    """A lesson with ``html``, ``url`` or ``file``; what else is given stands in its details."""
    plain = {name: more.pop(name) for name in ("html", "url", "file") if name in more}
    [(name, value)] = plain.items()
    kind = {"html": "text", "url": "link", "file": "pdf"}[name]
    content = {"fileId": FILE_ID_SCHEME + value} if name == "file" else plain
    details = {
        "title": title, "description": description or None, "isPublished": is_published,
        "contentType": kind, "content": content, **more,
    }  # fmt: skip
    used = [*files, *([value] if name == "file" else [])]
    return ExportedLesson(
        _key(title), title, **plain, description=description, is_published=is_published, files=used, details=details
    )


def file_of(key: str, name: str, data: bytes, opened: list[BinaryIO] | None = None) -> ExportedFile:
    def open_() -> BinaryIO:
        stream = io.BytesIO(data)
        if opened is not None:
            opened.append(stream)
        return stream

    return ExportedFile(key, name, len(data), "application/octet-stream", open_)


def full_course(title: str = "Brot & <Wasser>", opened: list[BinaryIO] | None = None) -> ExportedCourse:
    """One lesson of every kind, with all that can be said of it; a file that two share; a module with nothing in it."""
    shown = '<p>„Quotes", <b>1 &lt; 2</b> <img src="lms-file:picture" alt="x"> <a href="#content-end">end</a></p>'
    simulation = {"src": "https://example.org/sim", "cover": "lms-file-id:picture", "width": 640}
    framed = f'<iframe src="{simulation["src"]}" width="640"></iframe>'
    lessons = [
        lesson_of("Grain", html=shown, files=["picture"], durationMinutes=7, minSeconds=30, isPreview=True),
        lesson_of("קמח ומים", html='<p dir="rtl">לחם</p>\n', description="שורה\nעוד שורה", transcript="מילים"),  # noqa: RUF001
        lesson_of("Elsewhere", url="https://example.org/?a=1&b='2'#c", allowComments=False),
        lesson_of("Paper", file="paper", completionCriteria={"readAll": True, "pages": [1, 2]}),
        lesson_of("Draft", html="<p>Not yet.</p>", is_published=False),
        lesson_of("Sim", html=framed, contentType="interactive", content=simulation, files=["picture"]),
    ]
    later: dict[str, Any] = {"is_published": False, "unlockDate": "2030-01-01T00:00:00Z", "prerequisites": [0]}
    return course_of(
        module_of(*lessons[:3], title="一 麦", description="What is in it.", unlockType="sequential"),
        module_of(title="Nothing yet"),
        module_of(*lessons[3:], title="Later", **later),
        title=title,
        description="Erste Zeile\nZweite Zeile „so“",
        language="de-AT",
        files=[
            file_of("picture", "Käse 🧀.png", b"\x89PNG\r\n\x1a\n" * 40, opened),
            file_of("paper", "p.pdf", b"%PDF-1.7", opened),
        ],
        code="BR-1", tags=["bread", "麦"], level="beginner", category="Food", price="0.00",
    )  # fmt: skip


HOSTILE_NAMES = (
    "../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\x.txt", "con", "NUL.txt", "a.txt", "A.TXT", "a.txt",
    "", ".", "..", ".htaccess", "x" * 255, "ü" * 200 + ".pdf", "tricky\u202etxt.exe", "new\nline", "tab\there",
    "\0", "q?u=e&r#y%20.png", "imsmanifest.xml", "index.html", "'\"<>.svg", "\ufb01.txt", "fi.txt", "😀",
    "a" * 60 + "." + "b" * 60, "é.txt", "e\u0301.txt", "trailing.", " spaces .txt ",
)  # fmt: skip
HOSTILE_TITLES = (
    "]]></title><item>", '"><script>alert(1)</script>', "&amp;", "\u202eesrever", "t" * 255, "../up", "a  b", "CON",
    "%s {0} ${x} $IMS-CC-FILEBASE$", "-", "日本語" * 80,
)  # fmt: skip


def hostile_course() -> ExportedCourse:
    """Names and texts that break out of whatever is careless: paths, devices, markup, controls, absurd lengths."""
    files = [file_of(f"f{number}", name, f"file {number}".encode()) for number, name in enumerate(HOSTILE_NAMES)]
    pages = [
        lesson_of(title, html=f"<p>{number} &lt;/body&gt;</p>", description=f"</style>\r\n\t{title}")
        for number, title in enumerate(HOSTILE_TITLES)
    ]
    address = "https://example.org/?q=\"><a b='c'&d=\u202e"
    return course_of(
        module_of(*pages, title="]]>"),
        module_of(lesson_of("link", url=address), title='"&<'),
        module_of(*(lesson_of(f"file {file.key}", file=file.key) for file in files), title="x" * 255),
        title="]]></lomimscc:string><script>",
        description='"quoted" & <b>bold</b> ]]> \u202e',
        files=files,
    )


def _key(title: str) -> str:
    """An id that the same title always has."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, title))


class _Large(io.RawIOBase):
    """Chance, of a length; in one that breaks, what comes after a third of it cannot be read."""

    def __init__(self, size: int, breaks: bool) -> None:
        self._left, self._break = size, size * 2 // 3 if breaks else -1
        self._block = random.Random(1).randbytes(1 << 16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader hands a memoryview.
        if 0 <= self._left <= self._break:
            raise BrokenStreamError
        count = min(len(buffer), self._left, len(self._block))
        buffer[:count] = self._block[:count]
        self._left -= count
        return count


def _large(key: str, *, breaks: bool = False) -> ExportedFile:
    def open_() -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Large(_LARGE, breaks)))

    return ExportedFile(key, f"{key}.mp4", _LARGE, "video/mp4", open_)


def _bytes(file: Any) -> bytes:
    with file.open() as stream:
        data: bytes = stream.read()
    return data


def _contents(files: Iterable[Any]) -> Iterator[bytes]:
    return (hashlib.sha256(_bytes(file)).digest() for file in files)


def _kind(lesson: ImportedLesson | ExportedLesson) -> str:
    return "html" if lesson.html is not None else "url" if lesson.url is not None else "file"


def _same(read: Any, given: Any, back: ImportedCourse, course: ExportedCourse) -> bool:
    """Whether details are equal, a file being equal to one with the same content."""

    def by_content(files: Any) -> Callable[[str, str], str]:
        return lambda scheme, key: scheme + hashlib.sha256(_bytes(files[key])).hexdigest()

    was, now = map_references(given, by_content(course.files)), map_references(read, by_content(back.files))
    assert now == was
    return True
