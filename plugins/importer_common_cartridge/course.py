"""From an archive and its manifest to a course: everything is brought once, or named among the skipped."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from posixpath import splitext
from typing import Any

from lms_core.plugin_api import ImportedCourse, ImportedFile, ImportedLesson, ImportedModule, _, referenced_files

from .archive import MANIFEST, Archive
from .canvas import module_meta
from .kinds import SETTINGS_FOLDER, WHY_NOT, Kind, kind_of, main_file
from .lessons import MAX_PAGE, LessonMaker, Report
from .manifest import Manifest, Place, Resource, Section
from .record import RECORD, Record, RecordOfLesson, Unreadable, in_words_of, read_record
from .references import WEB_RESOURCES, is_html
from .text import file_name

_SHELVES = (Kind.PAGE, Kind.ASSIGNMENT, Kind.LINK, Kind.FILE)
"""The modules of what isn't placed anywhere, in their order."""

_SUPPORT = frozenset({".css", ".js", ".mjs", ".map", ".woff", ".woff2", ".ttf", ".otf", ".eot"})
_RUBBISH = re.compile(r"(.*/)?(__MACOSX/.*|\.DS_Store|Thumbs\.db|desktop\.ini|[^/]+\.(xsd|dtd))", re.IGNORECASE)

_NO_RESOURCE = _("The cartridge does not hold what this item stands for.")
_HEADER = _("Text headers inside a module are not imported.")
_SUPPORT_LOST = _("Style sheets, scripts and fonts of pages are not imported.")
_UNNAMED = _("The manifest of the cartridge does not name this file.")

Shelves = dict[Kind, list[ImportedLesson]]


class Cartridge:
    """One import. The order matters: which files pages need is known only once all pages have been read."""

    def __init__(self, archive: Archive, manifest: Manifest) -> None:
        self._archive = archive
        self._manifest = manifest
        self._resources: dict[str, Resource] = {}
        for resource in manifest.resources:
            self._resources.setdefault(resource.identifier, resource)
        self._meta = module_meta(archive)
        self._report = Report(most=2 * archive.limits.entries)
        self._maker = LessonMaker(archive, self._resources.values(), self._report)
        self._record = self._read_record()
        self._places_something = any(section.places for section in manifest.sections)

    def course(self) -> ImportedCourse:
        """Raises ``Invalid`` if anything that is to be brought is damaged or too large."""
        self._need(self._record.course.get("thumbnailFileId"))
        modules = [self._module(section) for section in self._manifest.sections]
        modules += self._unplaced()
        self._report_unnamed()
        needed = {lesson.file for module in modules for lesson in module.lessons if lesson.file}
        paths = sorted(needed | self._maker.references.used.keys())
        for path in paths:
            self._archive.verify(path)
        manifest = self._manifest
        return ImportedCourse(
            title=manifest.title or _("Imported course"),
            modules=modules,
            description=manifest.description,
            language=manifest.language or "en",
            files={path: self._file(path) for path in paths},
            skipped=self._report.skipped(),
            details=in_words_of(self._record.course, manifest.title, manifest.description),
        )

    def _read_record(self) -> Record:
        try:
            return read_record(self._archive)
        except Unreadable as why:
            self._report.add(RECORD, why.args[0])
            return Record()

    def _file(self, path: str) -> ImportedFile:
        file = self._archive.file(path)
        name = file_name(self._record.names.get(path, "").replace("\\", "/"))
        return replace(file, name=name or file.name) if path in self._record.names else file

    def _module(self, section: Section) -> ImportedModule:
        visible = section.identifier not in self._meta.hidden
        lessons = (self._lesson(place, visible) for place in section.places)
        details = in_words_of(self._record.modules.get(section.identifier, {}), section.title)
        return ImportedModule(section.title or _("Content"), [lesson for lesson in lessons if lesson], details)

    def _lesson(self, place: Place, visible: bool) -> ImportedLesson | None:
        resource = self._resources.get(place.resource)
        if resource is not None:
            visible = visible and place.visible and place.identifier not in self._meta.hidden
            known = self._record.lessons.get(place.identifier)
            if known is not None:
                return self._recorded(known, resource, place, visible)
            return self._maker.lesson(resource, place.title, place.folder, visible)
        # What an item for an external tool stands for, Canvas says in its own file alone.
        kind = self._meta.kinds.get(place.identifier) or self._meta.kinds.get(place.resource)
        reason = WHY_NOT[kind] if kind else _NO_RESOURCE if place.resource else _HEADER
        self._report.add(place.title or place.resource, reason)
        return None

    def _recorded(
        self, known: RecordOfLesson, resource: Resource, place: Place, visible: bool
    ) -> ImportedLesson | None:
        """A lesson as the record says it was; of what was changed since, as the cartridge says."""
        details = dict(in_words_of(known.details, place.title))
        path = self._archive.find(main_file(resource))
        if path is None or not self._is_unchanged(path, known):
            details.pop("content", None)
        self._need(details)
        html = details["content"].get("html") if isinstance(details.get("content"), dict) else None
        if isinstance(html, str) and path is not None:
            # Not read from the page, which would tell of every link that leads out of the cartridge.
            return self._maker.known_page(path, place.title, html, visible, details)
        if known.sha256:
            lesson = self._maker.lesson(resource, place.title, place.folder, visible)
        else:  # Whatever it is named: a file that ends in .html is no page here.
            lesson = self._maker.file(main_file(resource), place.title, place.folder, visible)
        return replace(lesson, details=details) if lesson is not None else None

    def _need(self, details: Any) -> None:
        """Bring the files that these refer to."""
        for key in referenced_files(details):
            if key in self._archive:
                self._maker.references.used[key] = None

    def _is_unchanged(self, path: str, known: RecordOfLesson) -> bool:
        if not known.sha256:
            return True
        whole = self._archive.size(path) <= MAX_PAGE
        return whole and hashlib.sha256(self._archive.read(path)).hexdigest() == known.sha256

    def _unplaced(self) -> list[ImportedModule]:
        shelves: Shelves = {kind: [] for kind in _SHELVES}
        waiting: dict[str, bool] = {}
        for resource in self._leftovers():
            kind, main = kind_of(resource), main_file(resource)
            if kind is Kind.FILE or _is_stored_page(main):
                waiting.setdefault(main, resource.for_learners)
            elif self._archive.find(main) not in self._maker.made_of and (lesson := self._maker.lesson(resource)):
                shelves[kind].append(lesson)
        for resource in self._manifest.resources:
            for path in self._files_beside(resource):
                waiting.setdefault(path, resource.for_learners)
        # Pages first: a file that one of them shows needs no lesson of its own.
        for path in sorted(waiting, key=lambda path: not is_html(path)):
            self._shelve(path, waiting[path], shelves)
        return [ImportedModule(kind.value, lessons) for kind, lessons in shelves.items() if lessons]

    def _leftovers(self) -> Iterator[Resource]:
        """What no item stands for, and what is not merely the settings or another form of something else."""
        used = {place.resource for section in self._manifest.sections for place in section.places}
        used |= {variant for resource in self._manifest.resources for variant in resource.variants}
        parts = {part for resource in self._manifest.resources for part in resource.dependencies}
        for resource in self._manifest.resources:
            kind, identifier = kind_of(resource), resource.identifier
            settings = kind is Kind.SETTINGS or (kind in {Kind.QUIZ, Kind.OTHER} and identifier in parts)
            settings = settings or main_file(resource) == RECORD
            # Of several resources with one identifier, items stand for the first.
            taken = identifier in used and self._resources[identifier] is resource
            if not settings and not taken:
                yield resource

    def _files_beside(self, resource: Resource) -> Iterator[str]:
        """The files of a resource that are neither its lesson nor only there to dress it up."""
        kind, main = kind_of(resource), main_file(resource)
        if kind not in {Kind.PAGE, Kind.ASSIGNMENT, Kind.FILE}:
            return
        for path in resource.files:
            ending = splitext(path)[1].lower()
            if is_html(main) and ending in _SUPPORT:
                self._report.add(path, _SUPPORT_LOST)
            elif path != main and not (kind is Kind.ASSIGNMENT and ending == ".xml"):
                yield path

    def _shelve(self, path: str, visible: bool, shelves: Shelves) -> None:
        found = self._archive.find(path)
        if found in self._maker.made_of or found in self._maker.references.used:
            return
        shelf = Kind.PAGE if is_html(path) and not _is_stored_page(path) else Kind.FILE
        visible = visible and not (shelf is Kind.FILE and self._places_something)
        lesson = (self._maker.page if is_html(path) else self._maker.file)(path, visible=visible)
        shelves[shelf] += [lesson] if lesson else []

    def _report_unnamed(self) -> None:
        named = {self._archive.find(path) for resource in self._manifest.resources for path in resource.files}
        named |= self._maker.references.used.keys()
        for path in self._archive:
            known = path == MANIFEST or path in named or path.startswith(SETTINGS_FOLDER)
            if not known and not _RUBBISH.fullmatch(path):
                self._report.add(path, _UNNAMED)


def _is_stored_page(path: str) -> bool:
    """Whether a page lies in the file store of Canvas, not among its pages."""
    return is_html(path) and path.startswith(WEB_RESOURCES + "/")
