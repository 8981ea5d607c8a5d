"""Our own exports: what they say beyond the cartridge is read, unless somebody has changed the cartridge since."""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lms_plugins.exporter_common_cartridge import plugin as exporting

from lms_core.plugin_api import CourseImporter, ImportedCourse
from lms_core.testing.exporters import full_course, written
from lms_core.testing.importers import check_course

from .cartridge import LIMITS, lessons, outline, skipped

RECORD = "lms-core/course.json"
DAMAGED = "What this export says of the course beyond the cartridge is damaged; the cartridge itself was read."

LARGE = replace(LIMITS, total_bytes=1 << 30, file_bytes=1 << 30)

Changes = Mapping[str, Callable[[bytes], bytes]]


@pytest.fixture
def read(importer: CourseImporter, tmp_path: Path) -> Callable[[Changes], ImportedCourse]:
    """``read({path: change})``: an export with entries changed, as the importer reads it."""

    def read(changes: Changes) -> ImportedCourse:
        source, path = tmp_path / "source.imscc", tmp_path / "course.imscc"
        source.write_bytes(written(exporting.lms_course_exporters()[0], full_course()))
        with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as target:
            for name in archive.namelist():
                target.writestr(name, changes.get(name, bytes)(archive.read(name)))
        course = importer.read(path, LARGE)
        check_course(course)
        return course

    return read


def in_record(change: Callable[[dict[str, Any]], Any]) -> Changes:
    def changed(data: bytes) -> bytes:
        document = json.loads(data)
        change(document)
        return json.dumps(document).encode()

    return {RECORD: changed}


Read = Callable[[Changes], ImportedCourse]


def test_a_page_that_was_changed_counts_more_than_the_record(read: Read) -> None:
    course = read({"pages/001-Grain.html": lambda data: data.replace(b"1 &lt; 2", b"2 &lt; 3")})
    lesson = lessons(course)["Grain"]
    assert "2 &lt; 3" in str(lesson.html)
    assert "content" not in lesson.details
    assert (lesson.details["durationMinutes"], lesson.details["isPreview"]) == (7, True)


def test_a_link_that_was_changed_counts_more_than_the_record(read: Read) -> None:
    course = read({"links/003-Elsewhere.xml": lambda data: data.replace(b"example.org/", b"example.org/other")})
    assert str(lessons(course)["Elsewhere"].url).startswith("https://example.org/other")
    assert "content" not in lessons(course)["Elsewhere"].details


def test_a_title_that_was_changed_counts_more_than_the_record(read: Read) -> None:
    course = read(
        {"imsmanifest.xml": lambda data: data.replace(b">Grain<", b">Rye<").replace(b"&lt;Wasser&gt;", b"W.")}
    )
    assert "title" not in lessons(course)["Rye"].details
    assert "title" not in course.details
    assert course.title == "Brot & W."
    assert course.details["description"] == "Erste Zeile\nZweite Zeile „so“"


def test_a_lesson_that_was_added_and_one_that_was_taken_away(read: Read) -> None:
    def change(data: bytes) -> bytes:
        return data.replace(b'identifierref="i', b'identifierref="gone', 1)

    course = read({"imsmanifest.xml": change})
    assert "Grain" in skipped(course)
    assert outline(course)["Later"] == ["Paper", "Draft", "Sim"]


def deep(before: bytes, opening: bytes, closing: bytes) -> Callable[[bytes], bytes]:
    nested = b'"extra": ' + opening * 100 + b"1" + closing * 100 + b","
    return lambda data: data.replace(before, before + nested, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"{",
        lambda data: b"[]",
        lambda data: b"\xff\xfe",
        lambda data: b'{"format": "lms-core course", "version": 1}',
        lambda data: data.replace(b'"lms-core course"', b'"another"'),
        lambda data: data.replace(b'"course": {', b'"course": "\\ud800", "other": {', 1),
        lambda data: data.replace(b'"lessons": {', b'"lessons": 1, "other": {', 1),
        lambda data: data.replace(b'"sha256": "', b'"sha256": 1, "x": "', 1),
        lambda data: b"[" * 100_000 + b"]" * 100_000,
        deep(b'"course": {', b"[", b"]"),
        deep(b'"details": {', b'{"a":', b"}"),
    ],
)
def test_a_record_that_is_damaged_or_hostile_leaves_the_cartridge(read: Read, change: Callable[[bytes], bytes]) -> None:
    course = read({RECORD: change})
    assert [(each.name, each.reason) for each in course.skipped] == [(RECORD, DAMAGED)]
    assert course.details == {}
    assert outline(course) == {
        "一 麦": ["Grain", "קמח ומים", "Elsewhere"], "Nothing yet": [], "Later": ["Paper", "Draft", "Sim"],
    }  # fmt: skip
    assert not any(lesson.details for lesson in lessons(course).values())
    assert {title for title, lesson in lessons(course).items() if not lesson.is_published} == {"Paper", "Draft", "Sim"}


def test_a_record_of_a_newer_version_is_not_guessed_at(read: Read) -> None:
    course = read(in_record(lambda document: document.update(version=2)))
    assert [each.name for each in course.skipped] == [RECORD]
    assert "newer" in course.skipped[0].reason


def test_a_file_that_the_record_invents_is_nowhere(read: Read) -> None:
    def invent(document: dict[str, Any]) -> None:
        for lesson in document["lessons"].values():
            lesson["details"]["attachments"] = ["lms-file-id:../../etc/passwd", "lms-file-id:web_resources/none"]

    course = read(in_record(invent))
    assert set(course.files) == {"web_resources/Käse.png", "web_resources/p.pdf"}


def test_names_of_files_are_no_paths(read: Read) -> None:
    def rename(document: dict[str, Any]) -> None:
        document["files"]["web_resources/p.pdf"]["name"] = "../../..\\evil\0.pdf"

    assert read(in_record(rename)).files["web_resources/p.pdf"].name == "evil .pdf"


def test_a_record_too_large_to_be_one(read: Read) -> None:
    course = read({RECORD: lambda data: data + b" " * (64 << 20)})
    assert [each.reason for each in course.skipped] == [DAMAGED]
