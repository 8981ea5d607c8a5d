"""The conformance suite of ``lms_course_importers``: what every importer owes the core, whatever its format.

Subclass it in a test module, say which importer and give it a sound file; pytest runs the rest::

    class TestMine(ImporterConformance):
        @pytest.fixture
        def importer(self) -> CourseImporter:
            return MyImporter()

        @pytest.fixture
        def sound(self, tmp_path: Path) -> Path:
            return write_example(tmp_path / "course.mine")

A format that is a zip archive takes :class:`ZipImporterConformance`, which adds what archives are attacked with. What
only this format can be attacked with is told by the fixture ``hostile``.
"""

import random
import re
import stat
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from pyramid.i18n import TranslationString

from lms_core.courses.importing import FILE_SCHEME, CourseImporter, ImportedCourse, ImportedLesson, ImportLimits
from lms_core.kernel.errors import Invalid
from lms_core.testing.watching import reading

LIMITS = ImportLimits(total_bytes=256 << 20, file_bytes=128 << 20, entries=2_000)
"""Enough for a sound example of any format, and little enough for a bomb to meet them soon."""

CODES = frozenset({"import_invalid", "import_too_large"})
"""The refusals that callers may rely on."""

FOREIGN: Mapping[str, bytes] = MappingProxyType({
    "empty.bin": b"",
    "notes.txt": "A few words, and some letters: äöü 日本.\n".encode(),
    "page.html": b"<!doctype html><html><head><title>A page</title></head><body><p>Words.</p></body></html>",
    "data.json": b'{"title": "A course?", "modules": []}',
    "data.xml": b'<?xml version="1.0"?><catalog><book>1</book></catalog>',
    "paper.pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
    "picture.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17),
    "empty.zip": b"PK\x05\x06" + bytes(18),
    "broken.zip": b"PK\x03\x04" + b"\xff" * 60,
    "noise.dat": random.Random(1).randbytes(5_000),
})  # fmt: skip
"""Files that are somebody else's; an importer whose format one of them is names it in ``not_foreign``."""

CLIMBING = ("../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:\\evil.txt")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(re.escape(FILE_SCHEME) + r"""([^\s"'<>&?#]+)""")


class ImporterConformance:
    """``importer`` and ``sound`` are the author's to give."""

    not_foreign: ClassVar[Collection[str]] = ()
    """Names in :data:`FOREIGN` that this importer does read."""

    @pytest.fixture
    def importer(self) -> CourseImporter:
        raise NotImplementedError("override the fixture `importer`: the importer under test")

    @pytest.fixture
    def sound(self, tmp_path: Path) -> Path:
        raise NotImplementedError("override the fixture `sound`: a file with at least one module, lesson and file")

    @pytest.fixture
    def hostile(self, tmp_path: Path) -> Mapping[str, tuple[Path, str]]:
        """Files that attack this format, by what they try, each with the code of the refusal."""
        return {}

    @pytest.fixture(autouse=True)
    def _reading_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Whatever the test does through :func:`reading` is watched; its temporary files shall be gone at the end."""
        scratch, here = tmp_path / "scratch", tmp_path / "here"
        scratch.mkdir()
        here.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.chdir(here)
        yield
        assert [*here.iterdir()] == [], "the importer wrote into the working directory"
        assert [*scratch.iterdir()] == [], "the importer left temporary files behind"

    def test_it_has_a_name_and_a_title(self, importer: CourseImporter) -> None:
        assert _NAME.fullmatch(importer.name), "the name is an identifier: lower case, digits and underscores"
        assert str(importer.title).strip()

    def test_it_recognizes_its_own(self, importer: CourseImporter, sound: Path) -> None:
        with reading():
            assert importer.recognizes(sound) is True

    @pytest.mark.parametrize("name", FOREIGN)
    def test_it_recognizes_nothing_of_others(self, importer: CourseImporter, tmp_path: Path, name: str) -> None:
        expected = name in self.not_foreign
        path = _foreign(tmp_path / name, name)
        with reading():
            assert importer.recognizes(path) is expected

    def test_recognizing_raises_nothing(self, importer: CourseImporter, tmp_path: Path) -> None:
        with reading():
            assert importer.recognizes(tmp_path) is False, "a folder"
            assert isinstance(importer.recognizes(tmp_path / "missing"), bool)

    def test_a_sound_file_gives_a_whole_course(self, importer: CourseImporter, sound: Path) -> None:
        before = sound.read_bytes()
        with reading():
            course = importer.read(sound, LIMITS)
            check_course(course)
        assert sound.read_bytes() == before
        assert any(module.lessons for module in course.modules), "the example of a sound file has no lessons"

    def test_the_same_file_gives_the_same_course(self, importer: CourseImporter, sound: Path) -> None:
        with reading():
            first, second = importer.read(sound, LIMITS), importer.read(sound, LIMITS)
        assert _values(first) == _values(second)

    def test_it_keeps_to_the_limits(self, importer: CourseImporter, sound: Path) -> None:
        assert refusal(importer, sound, replace(LIMITS, total_bytes=1)) == "import_too_large"

    @pytest.mark.parametrize("name", FOREIGN)
    def test_other_content_under_its_name(
        self, importer: CourseImporter, sound: Path, tmp_path: Path, name: str
    ) -> None:
        if name not in self.not_foreign:
            path = _foreign(tmp_path / f"foreign{sound.suffix}", name)
            assert refusal(importer, path) == "import_invalid"

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
    def test_a_truncated_file(self, importer: CourseImporter, sound: Path, tmp_path: Path, kept: float) -> None:
        data = sound.read_bytes()
        path = tmp_path / f"truncated{sound.suffix}"
        path.write_bytes(data[: int(len(data) * kept)])
        check_outcome(importer, path)

    @pytest.mark.parametrize("seed", range(8))
    def test_a_damaged_file(self, importer: CourseImporter, sound: Path, tmp_path: Path, seed: int) -> None:
        """What it makes of the damage is its own affair, as long as it is a course or a refusal."""
        chance, data = random.Random(seed), bytearray(sound.read_bytes())
        for _time in range(chance.choice((1, 10, 100))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = tmp_path / f"damaged{sound.suffix}"
        path.write_bytes(data)
        check_outcome(importer, path)

    def test_what_attacks_this_format(self, importer: CourseImporter, hostile: Mapping[str, tuple[Path, str]]) -> None:
        for what, (path, code) in hostile.items():
            assert refusal(importer, path) == code, what


class ZipImporterConformance(ImporterConformance):
    """For formats that are zip archives. An archive that holds anything hostile is refused whole, used or not."""

    @pytest.fixture
    def archive(self, sound: Path, tmp_path: Path) -> Path:
        """A copy of the sound file, for the tests to spoil."""
        path = tmp_path / f"hostile{sound.suffix}"
        path.write_bytes(sound.read_bytes())
        return path

    @pytest.mark.parametrize("name", CLIMBING)
    def test_a_path_that_climbs_out(self, importer: CourseImporter, archive: Path, name: str) -> None:
        _add(archive, name)
        assert refusal(importer, archive) == "import_invalid"

    @pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
    def test_an_entry_that_is_no_plain_file(self, importer: CourseImporter, archive: Path, kind: int) -> None:
        _add(archive, "link", b"/etc/passwd", mode=kind | 0o777)
        assert refusal(importer, archive) == "import_invalid"

    def test_an_encrypted_entry(self, importer: CourseImporter, archive: Path) -> None:
        data = bytearray(archive.read_bytes())
        data[data.rfind(b"PK\x01\x02") + 8] |= 1
        archive.write_bytes(data)
        assert refusal(importer, archive) == "import_invalid"

    def test_a_zip_bomb(self, importer: CourseImporter, archive: Path) -> None:
        """Within every limit but that of expansion: 32 MiB in some 32 KiB."""
        _add(archive, "bomb", bytes(32 << 20))
        assert refusal(importer, archive) == "import_too_large"

    def test_a_file_that_is_too_large(self, importer: CourseImporter, archive: Path) -> None:
        _add(archive, "large", random.Random(1).randbytes(64 << 10))
        assert refusal(importer, archive, replace(LIMITS, file_bytes=(64 << 10) - 1)) == "import_too_large"

    def test_a_flood_of_entries(self, importer: CourseImporter, archive: Path) -> None:
        with zipfile.ZipFile(archive, "a") as spoiled:
            count = len(spoiled.infolist())
            for number in range(50):
                spoiled.writestr(f"flood/{number}", b"")
        assert refusal(importer, archive, replace(LIMITS, entries=count + 49)) == "import_too_large"


# What the tests are made of; an author's further tests may use it too.


def refusal(importer: CourseImporter, path: Path, limits: ImportLimits = LIMITS) -> str:
    """The code that the importer refuses the file with, once it is sure that a person is told why."""
    with reading(), pytest.raises(Invalid) as refused:
        check_course(importer.read(path, limits))
    return _checked(refused.value)


def check_outcome(importer: CourseImporter, path: Path, limits: ImportLimits = LIMITS) -> None:
    """The file gives a well-formed course or is refused, by ``read`` or by a file's stream; nothing else comes out."""
    try:
        with reading():
            check_course(importer.read(path, limits))
    except Invalid as refused:
        _checked(refused)


def check_course(course: ImportedCourse) -> None:
    """The course is what the core expects to be handed, every byte of its files included."""
    assert isinstance(course, ImportedCourse)
    assert isinstance(course.title, str)
    assert isinstance(course.description, str)
    assert re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", course.language), "the language is a tag"
    for key, file in course.files.items():
        assert file.key == key
        assert file.name.strip()
        assert not set(file.name) & set("/\\\0"), "a file's name is no path"
        for _time in range(2):  # Each stream begins at the start.
            with file.open() as stream:
                assert sum(map(len, iter(lambda: stream.read(1 << 16), b""))) == file.size
    for module in course.modules:
        assert isinstance(module.title, str)
        for lesson in module.lessons:
            _check_lesson(lesson, course)
    for skipped in course.skipped:
        assert skipped.name.strip()
        assert str(skipped.reason).strip(), "what is not brought is told with a reason"


def _check_lesson(lesson: ImportedLesson, course: ImportedCourse) -> None:
    assert isinstance(lesson.title, str)
    given = [value for value in (lesson.html, lesson.url, lesson.file) if value is not None]
    assert len(given) == 1, f"{lesson.title}: exactly one of html, url and file"
    assert lesson.file is None or lesson.file in course.files
    assert not lesson.embeds or lesson.html is not None, f"{lesson.title}: only a page embeds something"
    assert all(embed.url.strip() for embed in lesson.embeds), f"{lesson.title}: embeds something without an address"
    for reference in _REFERENCE.findall(lesson.html or ""):
        assert unquote(reference) in course.files, f"{lesson.title}: {reference} is no file of the import"


def _values(course: ImportedCourse) -> tuple[Any, ...]:
    """The course without its streams."""
    files = {key: (file.name, file.size) for key, file in course.files.items()}
    return course.title, course.description, course.language, list(course.modules), files, list(course.skipped)


def _checked(refused: Invalid) -> str:
    assert refused.code in CODES
    detail = refused.detail
    told = detail.interpolate() if isinstance(detail, TranslationString) else detail
    assert told, "a refusal tells a person why"
    return refused.code


def _foreign(path: Path, name: str) -> Path:
    path.write_bytes(FOREIGN[name])
    return path


def _add(archive: Path, name: str, content: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> None:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    with zipfile.ZipFile(archive, "a") as spoiled:
        spoiled.writestr(entry, content)
