"""From a course to the entries of a cartridge."""

import hashlib
import json
from collections.abc import Iterator
from itertools import count
from typing import Any, BinaryIO
from urllib.parse import quote

from lms_core.plugin_api import ExportedCourse, ExportedLesson, map_references

from .archive import Archive
from .documents import page, web_link
from .manifest import ASSOCIATED, WEB_CONTENT, WEB_LINK, About, Item, Resource, manifest
from .names import safe_name, unique_names

FILES = "web_resources"
"""What Canvas, and by now most, take ``$IMS-CC-FILEBASE$`` for."""
FILE_BASE = "$IMS-CC-FILEBASE$"
RECORD = "lms-core/course.json"
RECORD_FORMAT = "lms-core course"
RECORD_VERSION = 1


def write_cartridge(course: ExportedCourse, sink: BinaryIO) -> None:
    """What comes from the storage is written last: if that fails, nobody has waited for the rest."""
    cartridge = _Cartridge(course)
    with Archive(sink) as archive:
        archive.add("imsmanifest.xml", cartridge.manifest())
        for path, data in cartridge.documents():
            archive.add(path, data)
        archive.add(RECORD, cartridge.record())
        for key, file in course.files.items():
            with file.open() as source:
                archive.stream(cartridge.paths[key], file.size, source)


class _Cartridge:
    """``paths`` are those of the files, by their keys."""

    def __init__(self, course: ExportedCourse) -> None:
        self._course = course
        names = unique_names(file.name for file in course.files.values())
        self.paths = {key: f"{FILES}/{name}" for key, name in zip(course.files, names, strict=True)}
        self._lessons = [lesson for module in course.modules for lesson in module.lessons]
        self._hrefs = dict(zip((lesson.key for lesson in self._lessons), self._places(), strict=True))
        self._digests: dict[str, str] = {}

    def _places(self) -> Iterator[str]:
        """Where each lesson lies: numbered, so that a folder of them reads in their order."""
        for number, lesson in zip(count(1), self._lessons):
            name = f"{number:03d}-{safe_name(lesson.title, 'lesson')}"
            if lesson.html is not None:
                yield f"pages/{name}.html"
            elif lesson.url is not None:
                yield f"links/{name}.xml"
            else:
                yield self.paths[lesson.file or ""]

    # The manifest.

    def manifest(self) -> bytes:
        course = self._course
        tags = [str(tag) for tag in course.details.get("tags") or ()]
        about = About(_identifier(course.key), course.title, course.description, course.language, tags)
        items = (
            Item(_identifier(module.key), module.title, items=[self._item(lesson) for lesson in module.lessons])
            for module in course.modules
        )
        return manifest(about, items, self._resources())

    def _item(self, lesson: ExportedLesson) -> Item:
        return Item(_identifier(lesson.key), lesson.title, _resource_of(lesson))

    def _resources(self) -> Iterator[Resource]:
        shown = {key for module in self._course.modules for lesson in module.lessons for key in lesson.files
                 if lesson.is_published and module.is_published}  # fmt: skip
        for module in self._course.modules:
            for lesson in module.lessons:
                if lesson.file is None:
                    hidden = not (lesson.is_published and module.is_published)
                    kind = WEB_CONTENT if lesson.html is not None else WEB_LINK
                    used = [_identifier(key) for key in lesson.files]
                    yield Resource(_resource_of(lesson), kind, self._hrefs[lesson.key], used, hidden)
        for key, path in self.paths.items():
            yield Resource(_identifier(key), WEB_CONTENT, path, for_instructors=key not in shown)
        yield Resource("record", ASSOCIATED, RECORD, for_instructors=True)

    # What lies in it.

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """The pages and web links. What they are is remembered, for whoever reads the record."""
        for lesson in self._lessons:
            if lesson.html is not None:
                html = str(map_references(lesson.html, self._address))
                data = page(lesson.title, lesson.description, self._course.language, html)
            elif lesson.url is not None:
                data = web_link(lesson.title, lesson.url)
            else:
                continue
            self._digests[lesson.key] = hashlib.sha256(data).hexdigest()
            yield self._hrefs[lesson.key], data

    def record(self) -> bytes:
        """What a cartridge cannot say: everything by the identifiers of its items and the paths of its files."""
        course = self._course
        document = {
            "format": RECORD_FORMAT,
            "version": RECORD_VERSION,
            "course": self._travelling(course.details),
            "modules": {
                _identifier(module.key): self._travelling(module.details) for module in course.modules
            },
            "lessons": {_identifier(lesson.key): self._record_of(lesson) for lesson in self._lessons},
            "files": {self.paths[key]: {"name": file.name} for key, file in course.files.items()},
        }  # fmt: skip
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()

    def _record_of(self, lesson: ExportedLesson) -> dict[str, Any]:
        """``sha256`` is of the page or link: what somebody has changed since counts more than the record."""
        digest = {"sha256": self._digests[lesson.key]} if lesson.key in self._digests else {}
        return {"details": self._travelling(lesson.details), **digest}

    def _address(self, scheme: str, key: str) -> str:
        if key not in self.paths:
            return scheme + key
        return f"{FILE_BASE}/{quote(self.paths[key].removeprefix(f'{FILES}/'))}"

    def _travelling(self, details: Any) -> Any:
        """With files named by their paths here: ids mean nothing elsewhere."""
        return map_references(details, lambda scheme, key: scheme + quote(self.paths.get(key, key)))


def _identifier(key: str) -> str:
    """What XML takes for an identifier: it begins with a letter and has no spaces."""
    return "i" + "".join(letter for letter in key if letter.isascii() and letter.isalnum())


def _resource_of(lesson: ExportedLesson) -> str:
    return _identifier(lesson.file) if lesson.file is not None else f"{_identifier(lesson.key)}_r"
