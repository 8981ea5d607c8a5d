"""One resource, one lesson: a text for a page or an assignment, a link for a web link, a file for anything else."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from posixpath import basename, dirname, splitext
from typing import Any
from xml.etree.ElementTree import Element

from lms_core.plugin_api import ImportedLesson, Skipped, _

from .archive import Archive, too_large
from .canvas import MAX_DESCRIPTION, assignment_meta, is_hidden_page
from .kinds import WHY_NOT, Kind, kind_of, main_file
from .manifest import Resource
from .page import Page, decode, read_page
from .references import NO_FILE, Lost, References, is_html
from .safe_xml import Malformed, attribute, child, children, local, parse, parse_start, text
from .text import file_name, title_of, within

MAX_PAGE = 16 << 20
"""Bytes of one page. A longer one is no lesson, and would be parsed for minutes."""

MAX_TEXT = 128 << 20
"""Bytes of all pages that are read, and characters of all that are brought: unlike files, they are held in memory."""

MAX_URL = 2048
_TITLE_WITHIN = 1 << 16
"""Bytes at the beginning of a description in which its title must stand."""

_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_NO_ADDRESS = _("This link has no web address.")
_UNREADABLE = _("Its description is damaged.")
_TOO_LONG = _("This page is too long for a lesson.")


class Report:
    """What could not be brought, each thing once, in the order of finding it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._skipped: dict[Skipped, None] = {}

    def add(self, name: str, reason: str) -> None:
        """Raises ``Invalid`` when nobody could read the list any more."""
        self._skipped[Skipped(title_of(name) or "?", reason)] = None
        if len(self._skipped) > self._most:
            raise too_large(_("The cartridge holds too much that cannot be imported."))

    def skipped(self) -> list[Skipped]:
        return list(self._skipped)


class LessonMaker:
    """``made_of`` are the paths of the files that lessons were made of; ``references.used`` those that pages need."""

    def __init__(self, archive: Archive, resources: Iterable[Resource], report: Report) -> None:
        self.made_of: set[str] = set()
        self.references = References(archive, {resource.identifier: main_file(resource) for resource in resources})
        self._archive = archive
        self._report = report
        self._pages: dict[str, Page] = {}
        self._text_left = MAX_TEXT

    def lesson(
        self, resource: Resource, title: str = "", folder: str = "", visible: bool = True
    ) -> ImportedLesson | None:
        """The lesson of a resource, by the title and within the folder of its item; None if it had to be skipped."""
        kind = kind_of(resource)
        visible = visible and resource.for_learners
        path = main_file(resource)
        if kind in WHY_NOT:
            self._report.add(title or self._title_of(resource), WHY_NOT[kind])
            return None
        if kind is Kind.LINK:
            return self._link(resource, title, folder, visible)
        if kind is Kind.ASSIGNMENT:
            meta = assignment_meta(self._archive, resource.files)
            visible = visible and not meta.hidden
            if not is_html(path):
                return self._assignment(resource, title, folder, visible)
            return self.page(path, title or meta.title, folder, visible)
        return self.page(path, title, folder, visible) if is_html(path) else self.file(path, title, folder, visible)

    def file(self, path: str, title: str = "", folder: str = "", visible: bool = True) -> ImportedLesson | None:
        found = self._find(path, title)
        if found is None:
            return None
        self.made_of.add(found)
        return ImportedLesson(within(folder, title or file_name(found)), file=found, is_published=visible)

    def page(self, path: str, title: str = "", folder: str = "", visible: bool = True) -> ImportedLesson | None:
        found = self._find(path, title)
        if found is None:
            return None
        self.made_of.add(found)
        if self._archive.size(found) > MAX_PAGE:
            self._report.add(title or found, _TOO_LONG)
            return None
        page = self._page(found, title)
        self._charge(len(page.html))
        title = title_of(title, page.title, splitext(basename(found))[0])
        visible = visible and not is_hidden_page(page.meta)
        return ImportedLesson(within(folder, title), html=page.html, is_published=visible, embeds=page.embeds)

    def known_page(self, path: str, title: str, html: str, visible: bool, details: Mapping[str, Any]) -> ImportedLesson:
        """The page of which the course's own record has the HTML."""
        self.made_of.add(path)
        self._charge(len(html))
        return ImportedLesson(title, html=html, is_published=visible, details=details)

    def _page(self, path: str, title: str) -> Page:
        """A page that several items stand for is read once."""
        if path not in self._pages:
            self._charge(self._archive.size(path))
            self._pages[path] = self._read(decode(self._archive.read(path)), path, title)
        return self._pages[path]

    def _read(self, html: str, path: str, title: str) -> Page:
        lost: Lost = {}
        page = read_page(html, lambda reference: self.references.rewrite(reference, dirname(path), lost))
        for target, reason in lost.items():
            self._report.add(f"{title_of(title, page.title, path)} → {target}", reason)
        return page

    def _link(self, resource: Resource, title: str, folder: str, visible: bool) -> ImportedLesson | None:
        root = self._description(resource, title)
        if root is None:
            return None
        title = title or title_of(text(child(root, "title")), main_file(resource), resource.identifier)
        url = child(root, "url")
        address = _CONTROL.sub("", attribute(url, "href")).replace(" ", "%20") if url is not None else ""
        if not _WEB.match(address) or len(address) > MAX_URL:
            self._report.add(title, _NO_ADDRESS)
            return None
        return ImportedLesson(within(folder, title), url=address, is_published=visible)

    def _assignment(self, resource: Resource, title: str, folder: str, visible: bool) -> ImportedLesson | None:
        """The IMS assignment extension: the text is in the description itself, attachments beside it."""
        root = self._description(resource, title)
        if root is None:
            return None
        title = title or title_of(text(child(root, "title")), resource.identifier)
        said = child(root, "text")
        html = text(said)
        if said is not None and attribute(said, "texttype") == "text/plain":
            html = f"<p>{escape(html)}</p>".replace("\n", "<br>")
        for attached in children(child(root, "attachments"), "attachment"):
            path = attribute(attached, "href")
            html += f'<p><a href="{escape(path)}">{escape(file_name(path))}</a></p>'
        page = self._read(html, main_file(resource), title)
        self._charge(len(page.html))
        return ImportedLesson(within(folder, title), html=page.html, is_published=visible, embeds=page.embeds)

    def _description(self, resource: Resource, title: str) -> Element | None:
        """The XML that the resource is, in its file or in the manifest; None, and a line in the report, without it."""
        if resource.inline is not None:
            return resource.inline
        path = self._find(main_file(resource), title or resource.identifier)
        if path is None:
            return None
        if self._archive.size(path) <= MAX_DESCRIPTION:
            self._charge(self._archive.size(path))
            try:
                return parse(self._archive.read(path))
            except Malformed:
                pass
        self._report.add(title or path, _UNREADABLE)
        return None

    def _title_of(self, resource: Resource) -> str:
        """The title in the description of something that no item names; its file, else its identifier without one."""
        path = self._archive.find(main_file(resource))
        root = resource.inline
        if root is None and path is not None and path.lower().endswith((".xml", ".qti")):
            root = parse_start(self._archive.read(path, _TITLE_WITHIN))
        return title_of(_described_title(root), main_file(resource), resource.identifier)

    def _find(self, path: str, title: str) -> str | None:
        found = self._archive.find(path)
        if found is None:
            self._report.add(f"{title} ({path})" if title and path else title or path, NO_FILE)
        return found

    def _charge(self, size: int) -> None:
        self._text_left -= size
        if self._text_left < 0:
            raise too_large(_("The pages of the cartridge are too large together."))


def _described_title(root: Element | None) -> str:
    """The title of a topic or a tool, of a QTI assessment, or of a Canvas question bank."""
    label = ""
    for element in root.iter() if root is not None else ():
        name = local(element)
        if name == "item":  # From here on titles are those of questions.
            break
        if name == "title":
            return text(element)
        if name == "assessment" and (title := attribute(element, "title")):
            return title
        if name == "fieldlabel":
            label = text(element)
        if name == "fieldentry" and label == "bank_title":
            return text(element)
    return ""
