"""The Common Cartridge importer owes what every importer owes."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from lms_plugins.importer_common_cartridge import plugin

from lms_core.plugin_api import CourseImporter
from lms_core.testing.importers import ZipImporterConformance

from .cartridge import WEB_LINK, item, manifest, page, resource, write_zip

SOUND = manifest(
    resource("p", "p.html"), resource("f", "f.bin"), resource("i", "i.png"),
    resource("l", "l.xml", kind="imswl_xmlv1p1"), resource("d", "d.xml", kind="imsdt_xmlv1p1"),
    items=item("M", "", item("P", "p"), item("F", "f"), item("L", "l"), item("D", "d")),
)  # fmt: skip
EXTERNAL = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE m [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]>'
LAUGHS = '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY x "&b;&b;">]>'


def entries(xml: str) -> dict[str, str | bytes]:
    return {
        "imsmanifest.xml": xml,
        "p.html": page('<p>Words, <a href="f.bin">a file</a> and <img src="i.png">.</p>', "P"),
        "f.bin": b"0123456789" * 100,
        "i.png": b"\x89PNG\r\n\x1a\n",
        "l.xml": WEB_LINK.format(title="L", url="https://example.org/"),
        "d.xml": "<topic><title>D</title></topic>",
    }


class TestCommonCartridge(ZipImporterConformance):
    @pytest.fixture
    def importer(self) -> CourseImporter:
        return plugin.lms_course_importers()[0]

    @pytest.fixture
    def sound(self, tmp_path: Path) -> Path:
        return write_zip(tmp_path / "course.imscc", entries(SOUND))

    @pytest.fixture
    def hostile(self, tmp_path: Path) -> Mapping[str, tuple[Path, str]]:
        def spoiled(name: str, xml: str) -> Path:
            return write_zip(tmp_path / f"{name}.imscc", entries(xml), zipfile.ZIP_STORED)

        def declaring(doctype: str) -> str:
            return SOUND.replace("?>", f"?>{doctype}", 1).replace("<title>M", "<title>&x;", 1)

        return {
            "reads a file of the server": (spoiled("external", declaring(EXTERNAL)), "import_invalid"),
            "asks another server": (spoiled("remote", declaring(REMOTE)), "import_invalid"),
            "grows in memory": (spoiled("laughs", declaring(LAUGHS)), "import_invalid"),
            "ends in the middle": (spoiled("broken", SOUND[: len(SOUND) // 2]), "import_invalid"),
        }
