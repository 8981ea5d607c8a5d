"""Courses from IMS Common Cartridges (``.imscc``, versions 1.0 to 1.3 and their thin variants).

What becomes of what:

- The organization's top items become modules, the items under them lessons, in their order. Deeper folders give
  their title to what lies in them (``Week 1 / Reading``); an item without content (a text header) is skipped by name.
- A page, a Canvas assignment or a syllabus becomes a text lesson, a web link a link lesson, any other file a file
  lesson. Discussions, quizzes, question banks and external tools are skipped by name.
- What the organization doesn't place follows in modules of its own: "Pages", "Assignments", "Links" and "Files".
  Files that a page shows or links to come along with the page and are not listed there. Unplaced files are drafts,
  because students shouldn't have to work through every icon of the source's file store to complete a course; an
  author publishes what they should see. A cartridge that places nothing has no such drafts.
- What the source hides is a draft: unpublished Canvas pages, items, modules and assignments, items with
  ``isvisible="false"``, resources meant for other roles than learners.
- In a page, references to files of the cartridge name the imported file. A link to another part of the course, or to
  a file that isn't there, keeps its text and loses its target, and is listed as skipped. What a page embeds of another
  site (a video in an ``iframe``) becomes a link to it, and a lesson of its own where that site may be embedded.
- Style sheets, scripts and fonts that belong to a page, and files that the manifest doesn't name, are skipped by name.
"""

from pathlib import Path

from lms_core.plugin_api import CourseImporter, ImportedCourse, ImportLimits, _, hookimpl

from .archive import Archive
from .course import Cartridge
from .manifest import looks_like_cartridge, read_manifest


class CommonCartridgeImporter:
    """The :class:`~lms_core.plugin_api.CourseImporter` of this format."""

    name = "common_cartridge"
    title = _("IMS Common Cartridge")

    def recognizes(self, path: Path) -> bool:
        """Whether the file is named ``.imscc``, or is a zip whose manifest speaks of a Common Cartridge."""
        return path.suffix.lower() == ".imscc" or looks_like_cartridge(path)

    def read(self, path: Path, limits: ImportLimits) -> ImportedCourse:
        """The course in the file; raises ``Invalid`` as the protocol says, and ``OSError`` if it cannot be opened."""
        archive = Archive.opened(path, limits)
        return Cartridge(archive, read_manifest(archive)).course()


class CommonCartridgePlugin:
    """What the entry point names."""

    api_version = "1"

    @hookimpl
    def lms_course_importers(self) -> list[CourseImporter]:
        return [CommonCartridgeImporter()]


plugin = CommonCartridgePlugin()
