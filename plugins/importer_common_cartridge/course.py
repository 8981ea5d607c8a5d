"""From an archive and its manifest to a course: everything is brought once, or named among the skipped."""

import re
from collections.abc import Iterator
from posixpath import splitext

from lms_core.plugin_api import ImportedCourse, ImportedLesson, ImportedModule, _

from .archive import MANIFEST, Archive
from .canvas import module_meta
from .kinds import SETTINGS_FOLDER, WHY_NOT, Kind, kind_of, main_file
from .lessons import LessonMaker, Report
from .manifest import Manifest, Place, Resource, Section
from .references import WEB_RESOURCES, is_html

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
        self._places_something = any(section.places for section in manifest.sections)

    def course(self) -> ImportedCourse:
        """Raises ``Invalid`` if anything that is to be brought is damaged or too large."""
        modules = [self._module(section) for section in self._manifest.sections]
        modules += self._unplaced()
        self._report_unnamed()
        needed = {lesson.file for module in modules for lesson in module.lessons if lesson.file}
        paths = sorted(needed | self._maker.references.used.keys())
        for path in paths:
            self._archive.verify(path)
        return ImportedCourse(
            title=self._manifest.title or _("Imported course"),
            modules=modules,
            description=self._manifest.description,
            language=self._manifest.language or "en",
            files={path: self._archive.file(path) for path in paths},
            skipped=self._report.skipped(),
        )

    def _module(self, section: Section) -> ImportedModule:
        visible = section.identifier not in self._meta.hidden
        lessons = (self._lesson(place, visible) for place in section.places)
        return ImportedModule(section.title or _("Content"), [lesson for lesson in lessons if lesson])

    def _lesson(self, place: Place, visible: bool) -> ImportedLesson | None:
        resource = self._resources.get(place.resource)
        if resource is not None:
            visible = visible and place.visible and place.identifier not in self._meta.hidden
            return self._maker.lesson(resource, place.title, place.folder, visible)
        # What an item for an external tool stands for, Canvas says in its own file alone.
        kind = self._meta.kinds.get(place.identifier) or self._meta.kinds.get(place.resource)
        reason = WHY_NOT[kind] if kind else _NO_RESOURCE if place.resource else _HEADER
        self._report.add(place.title or place.resource, reason)
        return None

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
