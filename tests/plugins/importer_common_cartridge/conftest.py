"""Reading a cartridge made of a manifest and files."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lms_plugins.importer_common_cartridge import plugin

from lms_core.plugin_api import CourseImporter, ImportedCourse

from .cartridge import LIMITS, Entries, write_zip

Read = Callable[[str, Entries], ImportedCourse]


@pytest.fixture
def importer() -> CourseImporter:
    return plugin.lms_course_importers()[0]


@pytest.fixture
def read(importer: CourseImporter, tmp_path: Path) -> Read:
    """``read(manifest, files)``: the course in a cartridge of these."""

    def read(manifest: str, files: Entries) -> ImportedCourse:
        # Stored, so that absurd content meets the checks of content, not those of zip bombs.
        path = write_zip(tmp_path / "course.imscc", {"imsmanifest.xml": manifest, **files}, zipfile.ZIP_STORED)
        return importer.read(path, LIMITS)

    return read
