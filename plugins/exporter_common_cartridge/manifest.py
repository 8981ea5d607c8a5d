"""``imsmanifest.xml`` as the profile of Common Cartridge 1.3 wants it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .documents import XSI, xml

CP = "http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1"
LOM_OF_COURSE = "http://ltsc.ieee.org/xsd/imsccv1p3/LOM/manifest"
LOM_OF_RESOURCE = "http://ltsc.ieee.org/xsd/imsccv1p3/LOM/resource"

WEB_CONTENT = "webcontent"
WEB_LINK = "imswl_xmlv1p3"
ASSOCIATED = "associatedcontent/imscc_xmlv1p3/learning-application-resource"

_PROFILE = "http://www.imsglobal.org/profile/cc/ccv1p3"
_SCHEMAS = (
    (CP, f"{_PROFILE}/ccv1p3_imscp_v1p2_v1p0.xsd"),
    (LOM_OF_COURSE, f"{_PROFILE}/LOM/ccv1p3_lommanifest_v1p0.xsd"),
    (LOM_OF_RESOURCE, f"{_PROFILE}/LOM/ccv1p3_lomresource_v1p0.xsd"),
)
_FOR_INSTRUCTORS = (
    "<metadata><lom:lom><lom:educational><lom:intendedEndUserRole><lom:source>IMSGLC_CC_Rolesv1p2</lom:source>"
    "<lom:value>Instructor</lom:value></lom:intendedEndUserRole></lom:educational></lom:lom></metadata>"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """``href`` is its file. Web links have no href of their own in the profile, everything else has."""

    identifier: str
    type: str
    href: str
    dependencies: Sequence[str] = ()
    for_instructors: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A lesson where it stands for a resource, else a module."""

    identifier: str
    title: str
    resource: str = ""
    items: Sequence["Item"] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What the metadata say of a course."""

    identifier: str
    title: str
    description: str
    language: str
    keywords: Sequence[str]


def manifest(about: About, items: Iterable[Item], resources: Iterable[Resource]) -> bytes:
    locations = " ".join(f"{namespace} {schema}" for namespace, schema in _SCHEMAS)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<manifest identifier="{about.identifier}" xmlns="{CP}" xmlns:lomimscc="{LOM_OF_COURSE}"'
        f' xmlns:lom="{LOM_OF_RESOURCE}" xmlns:xsi="{XSI}" xsi:schemaLocation="{locations}">',
        "<metadata>",
        "<schema>IMS Common Cartridge</schema>",
        "<schemaversion>1.3.0</schemaversion>",
        *_about(about),
        "</metadata>",
        "<organizations>",
        '<organization identifier="organization" structure="rooted-hierarchy">',
        '<item identifier="root">',
        *(line for item in items for line in _item(item)),
        "</item>",
        "</organization>",
        "</organizations>",
        "<resources>",
        *(line for resource in resources for line in _resource(resource)),
        "</resources>",
        "</manifest>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _about(about: About) -> Iterator[str]:
    def string(name: str, text: str) -> str:
        said = f'<lomimscc:string language="{xml(about.language)}">{xml(text)}</lomimscc:string>'
        return f"<lomimscc:{name}>{said}</lomimscc:{name}>"

    yield "<lomimscc:lom>"
    yield "<lomimscc:general>"
    yield string("title", about.title)
    yield f"<lomimscc:language>{xml(about.language)}</lomimscc:language>"
    if about.description:
        yield string("description", about.description)
    yield from (string("keyword", keyword) for keyword in about.keywords)
    yield "</lomimscc:general>"
    yield "</lomimscc:lom>"


def _item(item: Item) -> Iterator[str]:
    stands_for = f' identifierref="{item.resource}"' if item.resource else ""
    yield f'<item identifier="{item.identifier}"{stands_for}>'
    yield f"<title>{xml(item.title).strip() or '-'}</title>"
    for inner in item.items:
        yield from _item(inner)
    yield "</item>"


def _resource(resource: Resource) -> Iterator[str]:
    href = "" if resource.type == WEB_LINK else f' href="{xml(resource.href)}"'
    yield f'<resource identifier="{resource.identifier}" type="{resource.type}"{href}>'
    if resource.for_instructors:
        yield _FOR_INSTRUCTORS
    yield f'<file href="{xml(resource.href)}"/>'
    for dependency in resource.dependencies:
        yield f'<dependency identifierref="{dependency}"/>'
    yield "</resource>"
