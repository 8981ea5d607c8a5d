"""``imsmanifest.xml``: what the cartridge says it holds, and in which order it wants it read."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from lms_core.plugin_api import ImportLimits, Invalid, _

from .archive import MANIFEST, Archive, invalid, too_large
from .safe_xml import Malformed, attribute, child, children, local, parse_strictly, text
from .text import paragraphs, title_of, within

MAX_MANIFEST = 16 << 20
"""Bytes."""

_MARKS = (b"imscc", b"common cartridge")
_BEGINNING = 1 << 16
_PROBE = ImportLimits(total_bytes=1 << 50, file_bytes=1 << 50, entries=100_000)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resource:
    """``href`` is its main file, ``files`` all of them; ``inline`` is a thin cartridge's description in place."""

    identifier: str
    type: str
    href: str
    files: tuple[str, ...]
    dependencies: tuple[str, ...]
    variants: tuple[str, ...]
    inline: Element | None
    for_learners: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An item that stands for a lesson; ``resource`` is "" for a mere text header."""

    identifier: str
    title: str
    folder: str
    resource: str
    visible: bool


@dataclass(slots=True)
class Section:
    """A top item, or a run of top items that are lessons themselves (then ``title`` is "")."""

    identifier: str
    title: str
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manifest:
    title: str
    description: str
    language: str
    sections: list[Section]
    resources: list[Resource]


def looks_like_cartridge(path: Path) -> bool:
    """Whether this is a zip whose manifest begins like a Common Cartridge's."""
    with suppress(Invalid, OSError):
        archive = Archive.opened(path, _PROBE)
        # UTF-16 has a zero byte beside each of these letters.
        beginning = archive.read(MANIFEST, _BEGINNING).replace(b"\0", b"").lower()
        return any(mark in beginning for mark in _MARKS)
    return False


def read_manifest(archive: Archive) -> Manifest:
    """Raises ``Invalid`` if the manifest is missing, damaged, hostile or of another kind."""
    if archive.size(MANIFEST) > MAX_MANIFEST:
        raise too_large(_("imsmanifest.xml is too large."))
    try:
        root = parse_strictly(archive.read(MANIFEST))
    except Malformed as error:
        raise invalid(_("imsmanifest.xml is not well-formed: ${error}", mapping={"error": str(error)})) from error
    if local(root) != "manifest":
        raise invalid(_("imsmanifest.xml is not a manifest of a Common Cartridge."))
    resources = [_resource(element) for element in children(child(root, "resources"), "resource")]
    sections = [
        section
        for organization in children(child(root, "organizations"), "organization")
        for section in _sections(organization)
    ]
    most = archive.limits.entries
    if len(resources) > most or len(sections) + sum(len(section.places) for section in sections) > most:
        raise too_large(_("imsmanifest.xml has too many items."))
    return Manifest(*_description(root), sections=sections, resources=resources)


def _description(root: Element) -> tuple[str, str, str]:
    """Title, description and language of the course, each "" if the manifest doesn't say."""
    general = child(root, "metadata", "lom", "general")
    title, description = child(general, "title"), child(general, "description")
    strings = [element for element in (title, description) if element is not None]
    spoken = [text(child(general, "language"))] + [
        attribute(string, name) for parent in strings for string in parent for name in ("language", "lang")
    ]
    organization = child(root, "organizations", "organization", "title")
    return (
        title_of(_string(title), text(organization)),
        paragraphs(_string(description)),
        next((language for tag in spoken if (language := _language(tag))), ""),
    )


def _string(element: Element | None) -> str:
    """A text of LOM, which may be there in several languages: the first that says anything."""
    if element is None:
        return ""
    return next((said for string in element if (said := text(string))), "") or text(element)


def _language(tag: str) -> str:
    """``en_US`` as ``en-US``; only the language of what is over ten characters long; "" for what is no tag."""
    tag = tag.strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag) or tag.lower() in {"x-none", "none", "und"}:
        return ""
    return tag if len(tag) <= 10 else tag.split("-")[0]


def _resource(element: Element) -> Resource:
    files = [attribute(file, "href") for file in children(element, "file")]
    href = attribute(element, "href")
    roles = {
        text(role).lower()
        for lom in children(child(element, "metadata"), "lom")
        for role in children(child(lom, "educational"), "intendedenduserrole")
    }
    described = [part for part in element if local(part) in {"weblink", "cartridge_basiclti_link", "assignment"}]
    return Resource(
        identifier=attribute(element, "identifier"),
        type=attribute(element, "type").lower(),
        href=href or next(iter(files), ""),
        files=tuple(dict.fromkeys(path for path in (href, *files) if path)),
        dependencies=_references(element, "dependency"),
        variants=_references(element, "variant"),
        inline=next(iter(described), None),
        for_learners=not roles or any("learner" in role or "student" in role for role in roles),
    )


def _references(element: Element, name: str) -> tuple[str, ...]:
    return tuple(attribute(part, "identifierref") for part in children(element, name))


def _sections(organization: Element) -> Iterator[Section]:
    loose: Section | None = None
    for top in _tops(organization):
        if _resource_of(top) and child(top, "item") is None:
            if loose is None:
                loose = Section("", "")
                yield loose
            loose.places.append(_place(top, ""))
        elif (title := _title(top)) or child(top, "item") is not None:
            loose = None
            yield Section(attribute(top, "identifier"), title, list(_places(top)))


def _tops(organization: Element) -> list[Element]:
    """The items that are modules. Cartridges wrap them in one root item, which as a rule has no title."""
    tops = list(children(organization, "item"))
    if len(tops) == 1 and not _resource_of(tops[0]):
        inner = list(children(tops[0], "item"))
        if inner and (not _title(tops[0]) or any(child(item, "item") is not None for item in inner)):
            return inner
    return tops


def _places(top: Element) -> Iterator[Place]:
    """All lessons under a top item in the order of reading; without recursion, however deep they lie."""
    stack = [(top, "", True)]
    while stack:
        item, folder, visible = stack.pop()
        visible = visible and _visible(item)
        inner = list(children(item, "item"))
        if _resource_of(item) or (not inner and item is not top):
            yield _place(item, folder, visible)
        elif item is not top and (title := _title(item)):
            folder = within(folder, title)
        stack.extend((part, folder, visible) for part in reversed(inner))


def _place(item: Element, folder: str, visible: bool = True) -> Place:
    return Place(attribute(item, "identifier"), _title(item), folder, _resource_of(item), visible and _visible(item))


def _title(item: Element) -> str:
    return title_of(text(child(item, "title")))


def _resource_of(item: Element) -> str:
    return attribute(item, "identifierref")


def _visible(item: Element) -> bool:
    return attribute(item, "isvisible").lower() != "false"
