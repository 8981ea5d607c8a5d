"""XML from strangers: no entities, no DTD, bounded in size; walked by local names, whatever the namespace."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from lms_core.plugin_api import _

from .archive import invalid, too_large

MAX_ELEMENTS = 250_000
"""Of one document. An element takes 300 to 600 bytes of memory, so this is about 150 MB at worst."""


class Malformed(Exception):
    """Not well-formed XML; the message says where."""


class _Builder(TreeBuilder):
    """Builds the tree, keeps its root in reach from the first tag on, and stops at a flood of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Element | None = None
        self._left = MAX_ELEMENTS

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._left -= 1
        if self._left < 0:
            raise too_large(_("An XML file of the archive has too many elements."))
        element = super().start(tag, attrs)
        if self.root is None:
            self.root = element
        return element


class _Parser(XMLParser):
    """Allows a document type that only names its DTD, as QTI files do; nothing ever fetches it."""

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: bool
    ) -> None:
        if has_internal_subset:
            super().defused_start_doctype_decl(name, sysid, pubid, has_internal_subset)


def _parse(data: bytes, parser_class: type[XMLParser], *, whole: bool) -> Element | None:
    builder = _Builder()
    parser = parser_class(target=builder, forbid_dtd=True)
    try:
        parser.feed(data)
        if whole:
            parser.close()
    except DefusedXmlException as error:
        raise invalid(_("An XML file of the archive declares entities or a document type.")) from error
    except (ParseError, LookupError, ValueError) as error:  # The latter two: encodings that aren't known.
        if whole:
            raise Malformed(str(error)) from error
    return builder.root


def parse_strictly(data: bytes) -> Element:
    """The root of a document that may have no document type at all. Raises ``Invalid`` or :class:`Malformed`."""
    return _some(_parse(data, XMLParser, whole=True))


def parse(data: bytes) -> Element:
    """The root of a document. Raises ``Invalid`` if it is hostile, :class:`Malformed` if it is damaged."""
    return _some(_parse(data, _Parser, whole=True))


def parse_start(data: bytes) -> Element | None:
    """What the beginning of a document tells: its root with the elements met so far; None if there is none."""
    return _parse(data, _Parser, whole=False)


def _some(root: Element | None) -> Element:
    if root is None:
        raise Malformed("empty")
    return root


def local(element: Element) -> str:
    """The element's name without its namespace, in lower case."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def children(element: Element | None, name: str) -> Iterator[Element]:
    return (child for child in (element if element is not None else ()) if local(child) == name)


def child(element: Element | None, *path: str) -> Element | None:
    """The first element at a path of local names below this one."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text(element: Element | None) -> str:
    """All text in the element."""
    return "" if element is None else "".join(element.itertext()).strip()


def attribute(element: Element, name: str) -> str:
    """The attribute of that local name, in whichever namespace; "" without one."""
    if (plain := element.get(name)) is not None:
        return plain.strip()
    return next((value.strip() for key, value in element.items() if key.rpartition("}")[2] == name), "")
