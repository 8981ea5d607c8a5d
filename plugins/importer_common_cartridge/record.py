"""What ``exporter_common_cartridge`` writes beside the cartridge: all that an author said and a cartridge cannot.

It is as hostile as the rest of the archive. What is changed in the cartridge counts more than the record of it: a page
or a link whose bytes are others than the record says, and a title or a description of the manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from lms_core.plugin_api import _, map_references

from .archive import Archive
from .text import paragraphs, title_of

RECORD = "lms-core/course.json"
MAX_RECORD = 64 << 20
"""Bytes."""

FORMAT, VERSION = "lms-core course", 1

DAMAGED = _("What this export says of the course beyond the cartridge is damaged; the cartridge itself was read.")
NEWER = _("This export is of a newer version; what it says of the course beyond the cartridge was not read.")

Details = Mapping[str, Any]


class Unreadable(Exception):
    """There is a record, and it cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class RecordOfLesson:
    """``sha256`` is that of the page or link as it was written; "" for a lesson that is a file."""

    details: Details
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """``modules`` and ``lessons`` by the identifiers of their items, ``names`` of files by their paths."""

    course: Details = field(default_factory=dict)
    modules: Mapping[str, Details] = field(default_factory=dict)
    lessons: Mapping[str, RecordOfLesson] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def read_record(archive: Archive) -> Record:
    """Empty without one. Raises :class:`Unreadable`."""
    if RECORD not in archive:
        return Record()
    if archive.size(RECORD) > MAX_RECORD:
        raise Unreadable(DAMAGED)
    try:
        document = _object(orjson.loads(archive.read(RECORD)))
        if document.get("format") != FORMAT:
            raise Unreadable(DAMAGED)
        if document.get("version") != VERSION:
            raise Unreadable(NEWER)
        return _record(document, archive)
    except ValueError as error:
        raise Unreadable(DAMAGED) from error


def _record(document: Details, archive: Archive) -> Record:
    def placed(scheme: str, key: str) -> str:
        """Files by the paths that the archive has them under."""
        return scheme + quote(archive.find(key) or key)

    lessons = _objects(document.get("lessons"))
    files = _objects(document.get("files"))
    return Record(
        course=map_references(_object(document.get("course")), placed),
        modules=map_references(_objects(document.get("modules")), placed),
        lessons={
            item: RecordOfLesson(
                map_references(_object(lesson.get("details")), placed), _text(lesson.get("sha256", ""))
            )
            for item, lesson in lessons.items()
        },
        names={archive.find(path) or path: _text(file.get("name")) for path, file in files.items()},
    )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _objects(value: Any) -> dict[str, dict[str, Any]]:
    return {key: _object(each) for key, each in _object(value).items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def in_words_of(details: Details, title: str, description: str | None = None) -> Details:
    """The details without the title and the description, where the manifest says others."""
    kept = dict(details)
    if title_of(str(kept.get("title", ""))) != title:
        kept.pop("title", None)
    if description is not None and paragraphs(str(kept.get("description") or "")) != description:
        kept.pop("description", None)
    return kept
