"""Courses as IMS Common Cartridges 1.3 (``.imscc``).

What becomes of what:

- The modules are the items under the root item, the lessons the items in them.
- A lesson that is a page becomes web content in ``pages/``, one that is a link a web link in ``links/``, one that is a
  file that file. Files lie in ``web_resources/``, each once, under a name that every file system takes; pages refer to
  them by ``$IMS-CC-FILEBASE$``, which is that folder to the importers that know the token.
- Unpublished lessons are for the role of instructors: the profile has no other way to hide an item.
- All that the profile has no place for (durations, previews, unlocking, transcripts, content types, ...) stands in
  ``lms-core/course.json``, a learning application resource that others leave alone. ``importer_common_cartridge``
  reads it, and the course comes back as it was.

Identifiers come from the course's own ids: whoever imports a newer export finds the same lessons under the same names,
and no two courses share one. The same course gives the same bytes.
"""

from typing import BinaryIO

from lms_core.plugin_api import CourseExporter, ExportedCourse, _, hookimpl

from .cartridge import write_cartridge


class CommonCartridgeExporter:
    """The :class:`~lms_core.plugin_api.CourseExporter` of this format."""

    name = "common_cartridge"
    title = _("IMS Common Cartridge")
    media_type = "application/zip"
    suffix = ".imscc"

    def write(self, course: ExportedCourse, sink: BinaryIO) -> None:
        write_cartridge(course, sink)


class CommonCartridgePlugin:
    """What the entry point names."""

    api_version = "1"

    @hookimpl
    def lms_course_exporters(self) -> list[CourseExporter]:
        return [CommonCartridgeExporter()]


plugin = CommonCartridgePlugin()
