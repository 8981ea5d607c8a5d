"""Cartridges made to measure: manifests from small pieces of XML, archives from dictionaries."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from lms_core.plugin_api import ImportedCourse, ImportedLesson, ImportLimits

LIMITS = ImportLimits(total_bytes=64 << 20, file_bytes=32 << 20, entries=20_000)

WEB_LINK = (
    '<webLink xmlns="http://www.imsglobal.org/xsd/imswl_v1p0"><title>{title}</title><url href="{url}"/></webLink>'
)

Entries = Mapping[str, str | bytes]


def item(title: str | None, ref: str = "", *children: str, attributes: str = "", identifier: str = "") -> str:
    """An item of an organization; ``ref`` is the identifier of its resource."""
    reference = f" identifierref={quoteattr(ref)}" if ref else ""
    name = "" if title is None else f"<title>{escape(title)}</title>"
    return f"<item identifier={quoteattr(identifier)}{reference} {attributes}>{name}{''.join(children)}</item>"


def resource(identifier: str, *files: str, kind: str = "webcontent", href: str | None = None, inside: str = "") -> str:
    """A resource of some files, of which it points to the first unless told otherwise; ``kind`` is its type."""
    main = href if href is not None else next(iter(files), "")
    pointer = f" href={quoteattr(main)}" if main else ""
    listed = "".join(f"<file href={quoteattr(path)}/>" for path in files)
    return f"<resource identifier={quoteattr(identifier)} type={quoteattr(kind)}{pointer}>{listed}{inside}</resource>"


def manifest(*resources: str, items: str = "", root: str | None = "", metadata: str = "", version: str = "1p3") -> str:
    """The manifest of a cartridge whose modules are ``items``; they stand in a root item unless ``root`` is None."""
    wrapped = items if root is None else item(root or None, "", items)
    organization = f'<organization structure="rooted-hierarchy">{wrapped}</organization>' if items else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<manifest xmlns="http://www.imsglobal.org/xsd/imscc{"" if version == "1p0" else "v" + version}/imscp_v1p1"'
        f' xmlns:lomimscc="http://ltsc.ieee.org/xsd/imscc{version}/LOM/manifest">'
        f"<metadata><schema>IMS Common Cartridge</schema>{metadata}</metadata>"
        f"<organizations>{organization}</organizations><resources>{''.join(resources)}</resources></manifest>"
    )


def lom(inside: str) -> str:
    return f"<lomimscc:lom><lomimscc:general>{inside}</lomimscc:general></lomimscc:lom>"


def page(body: str, title: str = "", head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def write_zip(path: Path, entries: Entries, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def outline(course: ImportedCourse) -> dict[str, list[str]]:
    """The titles of the lessons by the titles of the modules."""
    return {module.title: [lesson.title for lesson in module.lessons] for module in course.modules}


def lessons(course: ImportedCourse) -> dict[str, ImportedLesson]:
    """The lessons by their titles."""
    return {lesson.title: lesson for module in course.modules for lesson in module.lessons}


def skipped(course: ImportedCourse) -> list[str]:
    return [skip.name for skip in course.skipped]
