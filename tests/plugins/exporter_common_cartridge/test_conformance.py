"""The Common Cartridge exporter owes what every exporter owes, and loses nothing on the way back."""

import pytest
from lms_plugins.exporter_common_cartridge import plugin as exporting
from lms_plugins.importer_common_cartridge import plugin as importing

from lms_core.plugin_api import CourseExporter, CourseImporter
from lms_core.testing.exporters import RoundTripConformance, ZipExporterConformance


class TestCommonCartridge(ZipExporterConformance, RoundTripConformance):
    @pytest.fixture
    def exporter(self) -> CourseExporter:
        return exporting.lms_course_exporters()[0]

    @pytest.fixture
    def importer(self) -> CourseImporter:
        return importing.lms_course_importers()[0]
