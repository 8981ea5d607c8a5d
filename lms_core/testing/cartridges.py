"""Common Cartridges made to measure, for tests of what reads them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="m" xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1">
<metadata><schema>IMS Common Cartridge</schema><schemaversion>1.3.0</schemaversion>
<lom:lom xmlns:lom="http://ltsc.ieee.org/xsd/imsccv1p3/LOM/manifest"><lom:general>
<lom:title><lom:string>{title}</lom:string></lom:title>
<lom:description><lom:string>{title}, told from the beginning.</lom:string></lom:description></lom:general>
</lom:lom></metadata>
<organizations><organization identifier="o" structure="rooted-hierarchy"><item identifier="root">{items}</item>
</organization></organizations>
<resources>{resources}</resources></manifest>
"""
_LINK = (
    '<webLink xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imswl_v1p3">'
    '<title>{title}</title><url href="{url}"/></webLink>'
)
_FILE = '<file href="{}"/>'


def write_cartridge(
    path: Path,
    title: str,
    modules: Mapping[str, Mapping[str, str]],
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """A cartridge of modules with lessons: an ``https://`` text is a web link, any other the HTML of a page."""
    items: list[str] = []
    resources: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for module, lessons in modules.items():
            inside = []
            for lesson, text in lessons.items():
                number = len(resources)
                link = text.startswith("https://")
                name = f"r{number}.{'xml' if link else 'html'}"
                archive.writestr(name, _LINK.format(title=escape(lesson), url=escape(text)) if link else text)
                kind = "imswl_xmlv1p3" if link else "webcontent"
                href = "" if link else f' href="{name}"'
                resources.append(
                    f'<resource identifier="r{number}" type="{kind}"{href}>{_FILE.format(name)}</resource>'
                )
                inside.append(
                    f'<item identifier="i{number}" identifierref="r{number}"><title>{escape(lesson)}</title></item>'
                )
            items.append(f'<item identifier="m{len(items)}"><title>{escape(module)}</title>{"".join(inside)}</item>')
        for name, content in (files or {}).items():
            archive.writestr(name, content)
            identifier = f'identifier="r{len(resources)}" type="webcontent" href="{name}"'
            resources.append(f"<resource {identifier}>{_FILE.format(name)}</resource>")
        archive.writestr(
            "imsmanifest.xml",
            _MANIFEST.format(title=escape(title), items="".join(items), resources="".join(resources)),
        )
    return path
