"""What the profile of Common Cartridge 1.3 demands of a cartridge, held against its bytes."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from lms_core.testing.exporters import entries

CP = "{http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1}"
LOM = "{http://ltsc.ieee.org/xsd/imsccv1p3/LOM/manifest}"
LOM_OF_RESOURCE = "{http://ltsc.ieee.org/xsd/imsccv1p3/LOM/resource}"
LINK = "{http://www.imsglobal.org/xsd/imsccv1p3/imswl_v1p3}"
SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"

TYPES = {"webcontent", "imswl_xmlv1p3", "associatedcontent/imscc_xmlv1p3/learning-application-resource"}
ORDER = ("metadata", "file", "dependency", "variant")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
FILE_BASE = "$IMS-CC-FILEBASE$/"


class Cartridge:
    """A cartridge whose manifest has passed."""

    def __init__(self, data: bytes) -> None:
        self.entries = entries(data)
        self.manifest = fromstring(self.entries["imsmanifest.xml"], forbid_dtd=True)
        self.resources = list(self.manifest.iter(f"{CP}resource"))
        self._check_root()
        self._check_metadata()
        self._check_organization()
        self._check_resources()
        self._check_documents()

    @property
    def items(self) -> list[Element]:
        """The modules."""
        found = self.manifest.findall(f"{CP}organizations/{CP}organization/{CP}item/{CP}item")
        return list(found)

    def resource(self, identifier: str) -> Element:
        [found] = [each for each in self.resources if each.get("identifier") == identifier]
        return found

    def general(self, name: str) -> list[str]:
        """What the metadata say of the course under a name of LOM."""
        path = f"{CP}metadata/{LOM}lom/{LOM}general/{LOM}{name}"
        return ["".join(element.itertext()) for element in self.manifest.findall(path)]

    # The rules.

    def _check_root(self) -> None:
        assert self.manifest.tag == f"{CP}manifest"
        assert [child.tag for child in self.manifest] == [f"{CP}metadata", f"{CP}organizations", f"{CP}resources"]
        locations = self.manifest.attrib[SCHEMA_LOCATION].split()
        assert [f"{{{namespace}}}" for namespace in locations[::2]] == [CP, LOM, LOM_OF_RESOURCE]
        assert all(schema.startswith("http://www.imsglobal.org/profile/cc/ccv1p3/") for schema in locations[1::2])
        named = (element.get("identifier") for element in self.manifest.iter())
        identifiers = [identifier for identifier in named if identifier is not None]
        assert [name for name, times in Counter(identifiers).items() if times > 1] == []
        assert all(_IDENTIFIER.fullmatch(identifier) for identifier in identifiers)

    def _check_metadata(self) -> None:
        metadata = self.manifest.find(f"{CP}metadata")
        assert metadata is not None
        assert [child.tag for child in metadata] == [f"{CP}schema", f"{CP}schemaversion", f"{LOM}lom"]
        assert [metadata[0].text, metadata[1].text] == ["IMS Common Cartridge", "1.3.0"]
        assert len(self.general("title")) == 1

    def _check_organization(self) -> None:
        [organization] = self.manifest.findall(f"{CP}organizations/{CP}organization")
        assert organization.attrib == {"identifier": "organization", "structure": "rooted-hierarchy"}
        [root] = organization
        assert root.tag == f"{CP}item"
        assert set(root.attrib) == {"identifier"}
        assert {child.tag for child in root} <= {f"{CP}item"}, "the root item has items, and no title"
        known = {resource.attrib["identifier"] for resource in self.resources}
        for item in root.iter(f"{CP}item"):
            assert set(item.attrib) <= {"identifier", "identifierref"}
            if item is not root:
                assert item[0].tag == f"{CP}title"
                assert (item[0].text or "").strip()
            if "identifierref" in item.attrib:
                assert item.attrib["identifierref"] in known
                assert len(item) == 1, "what stands for a resource has no items"

    def _check_resources(self) -> None:
        held = [file.attrib["href"] for resource in self.resources for file in resource.findall(f"{CP}file")]
        assert sorted(held) == sorted(set(self.entries) - {"imsmanifest.xml"}), "every entry is one resource's file"
        known = {resource.attrib["identifier"] for resource in self.resources}
        for resource in self.resources:
            assert resource.attrib["type"] in TYPES
            names = [child.tag.removeprefix(CP) for child in resource]
            assert names == sorted(names, key=ORDER.index)
            files = [file.attrib["href"] for file in resource.findall(f"{CP}file")]
            assert len(files) == 1
            has_href = resource.attrib["type"] != "imswl_xmlv1p3"
            assert resource.get("href") == (files[0] if has_href else None)
            assert {part.attrib["identifierref"] for part in resource.findall(f"{CP}dependency")} <= known

    def _check_documents(self) -> None:
        for resource in self.resources:
            path = resource.findall(f"{CP}file")[0].attrib["href"]
            if resource.attrib["type"] == "imswl_xmlv1p3":
                link = fromstring(self.entries[path], forbid_dtd=True)
                assert (link.tag, [child.tag for child in link]) == (f"{LINK}webLink", [f"{LINK}title", f"{LINK}url"])
                assert link[1].attrib["href"]
            elif path.startswith("pages/"):
                self._check_page(self.entries[path].decode())

    def _check_page(self, html: str) -> None:
        page = _Page(html)
        assert page.starts[:6] == ["html", "head", "meta", "title", *page.starts[4:6]]
        assert page.starts.count("body") == page.ends.count("body") == 1
        for reference in page.files:
            assert f"web_resources/{reference}" in self.entries, reference


class _Page(HTMLParser):
    """The tags of a page, and the files of the cartridge that it refers to."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.starts: list[str] = []
        self.ends: list[str] = []
        self.files: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append(tag)
        self.files += list(self._files(attrs))

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)

    @staticmethod
    def _files(attrs: list[tuple[str, str | None]]) -> Iterator[str]:
        for _name, value in attrs:
            if value and value.startswith(FILE_BASE):
                yield unquote(re.split(r"[?#]", value.removeprefix(FILE_BASE))[0])
