"""A page of HTML: its title, what its head says, and its body with every reference rewritten.

Nothing is made safe here, the core does that, and says what it took out; nothing is repaired either. One pass from left
to right, every character looked at a bounded number of times: ``html.parser`` takes quadratic time over crafted pages.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape

from lms_core.plugin_api import FILE_SCHEME, ImportedEmbed

from .text import clean

REFERENCES = frozenset({"href", "src", "poster", "data", "longdesc", "background", "cite"})
"""Attributes that hold a URL."""

Rewrite = Callable[[str], str | None]
"""Takes a reference as the page has it; answers what to write instead, or None to remove it."""

_SPACE = r"[\t\n\f\r ]"
_TAG = re.compile(r"</?([a-zA-Z][^\t\n\f\r />]*+)")
_ATTRIBUTE = re.compile(
    rf"(?:{_SPACE}|/)*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rf"(?:{_SPACE}*+={_SPACE}*+(?:\"([^\"]*+)\"|'([^']*+)'|(?![\"'])([^\t\n\f\r >]*+))|(?!{_SPACE}*+=))"
)
_TAG_END = re.compile(rf"((?:{_SPACE}|/)*+)>")
_COMMENT_END = re.compile(r"--!?>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_STRUCTURE = frozenset({"html", "head", "body", "meta", "link", "base"})
"""Tags that go, while what is between them stays."""

_UNSEEN = frozenset({"script", "style", "title", "iframe"})
"""Elements that go with all that is in them; browsers look for nothing but their end tag inside."""

_EMBEDS = frozenset({"iframe", "embed"})
"""No text may hold another site's page, so what they show becomes a link, to the video for instance."""

_TOLD = frozenset({"script", "style"})
"""Of these a page keeps the empty element, so that who imports it is told that they are gone."""

_GONE = _STRUCTURE | _UNSEEN | _EMBEDS
_LINKED = ("https://", "http://", FILE_SCHEME)

_VERBATIM = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in (*_UNSEEN, "textarea", "xmp", "noembed", "noframes")
}

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(
    r"utf-8|iso8859-\d+|cp(?:125\d|866|874|932|949|950)|koi8-[rut]|mac-\w+|shift_jis|euc_(?:jp|kr)|iso2022_jp"
    r"|gb2312|gbk|gb18030|big5(?:hkscs)?"
)
"""Python's names of what pages are really written in. Some of its other codecs are slow, or no charsets at all."""


@dataclass(slots=True)
class Page:
    title: str = ""
    html: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    embeds: list[ImportedEmbed] = field(default_factory=list)


def decode(data: bytes) -> str:
    """The text of a page by its byte order mark, its declared charset, else as UTF-8, else as Windows-1252."""
    for mark, charset in _BOMS:
        if data.startswith(mark):
            return _without_controls(data[len(mark) :].decode(charset, "replace"))
    declared = _DECLARED.search(data, 0, 2048)
    for charset in (_charset(declared[1].decode("ascii", "replace")) if declared else "", "utf-8"):
        if charset:
            try:
                return _without_controls(data.decode(charset))
            except UnicodeDecodeError:
                continue
    return _without_controls(data.decode("cp1252", "replace"))


def _charset(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    # A page that calls itself Latin-1 means what browsers take it for.
    return "cp1252" if name in {"iso8859-1", "ascii"} else name if _CHARSET.fullmatch(name) else ""


def _without_controls(text: str) -> str:
    return _CONTROL.sub("", text)


def read_page(text: str, rewrite: Rewrite) -> Page:
    """The page in a text of HTML, whole document or fragment."""
    scanner = _Scanner(text, rewrite)
    scanner.run()
    scanner.page.html = "".join(scanner.out).strip()
    return scanner.page


class _Scanner:
    """``out`` collects the body. The methods take a position and answer where to go on; the end drops the rest."""

    def __init__(self, text: str, rewrite: Rewrite) -> None:
        self.page = Page()
        self.out: list[str] = []
        self._text = text
        self._end = len(text)
        self._rewrite = rewrite

    def run(self) -> None:
        position = 0
        while position < self._end:
            start = self._text.find("<", position)
            if start < 0:
                start = self._end
            self.out.append(self._text[position:start])
            position = self._markup(start) if start < self._end else start

    def _markup(self, start: int) -> int:
        text = self._text
        if text.startswith("<!--", start):
            # From its second hyphen pair on: "<!-->" is a whole comment.
            end = _COMMENT_END.search(text, start + 2)
            return end.end() if end else self._end
        if tag := _TAG.match(text, start):
            return self._tag(start, tag[1].lower(), tag.end())
        if text.startswith(("<!", "<?", "</"), start):
            end_of_markup = text.find(">", start)
            return end_of_markup + 1 if end_of_markup >= 0 else self._end
        self.out.append("&lt;")
        return start + 1

    def _tag(self, start: int, name: str, position: int) -> int:
        attributes: list[re.Match[str]] = []
        while not (end := _TAG_END.match(self._text, position)):
            attribute = _ATTRIBUTE.match(self._text, position)
            if not attribute:
                return self._end
            attributes.append(attribute)
            position = attribute.end()
        if name == "meta":
            self._note(attributes)
        opens = self._text[start + 1] != "/"
        if opens and name in _EMBEDS:
            self._link(name, attributes)
        elif opens and name in _TOLD:
            self._leave(name)
        elif name not in _GONE:
            self._write(start, attributes, end.end())
        if opens and name in _VERBATIM:
            return self._verbatim(name, end.end(), closed="/" in end[1])
        return end.end()

    def _write(self, start: int, attributes: list[re.Match[str]], end: int) -> None:
        """The tag as it stands, but for its references."""
        position = start
        for attribute in attributes:
            if attribute[1].lower() not in REFERENCES:
                continue
            old = _value(attribute)
            new = self._rewrite(old)
            if new != old:
                self.out.append(self._text[position : attribute.start()])
                self.out.append("" if new is None else f' {attribute[1]}="{escape(new)}"')
                position = attribute.end()
        self.out.append(self._text[position:end])

    def _leave(self, name: str) -> None:
        self.out.append(f"<{name}></{name}>")

    def _link(self, name: str, attributes: list[re.Match[str]]) -> None:
        values = _values(attributes)
        address = self._rewrite(values.get("src", "")) or ""
        if address.startswith("//"):
            address = f"https:{address}"
        if address.startswith(_LINKED):
            text = clean(values.get("title")) or address
            self.out.append(f'<a href="{escape(address)}">{escape(text)}</a>')
            if not address.startswith(FILE_SCHEME):
                self.page.embeds.append(ImportedEmbed(address, clean(values.get("title"))))
        else:
            self._leave(name)

    def _verbatim(self, name: str, position: int, *, closed: bool) -> int:
        """Past the text of an element that holds no markup, up to its end tag."""
        if closed:  # XHTML: to browsers that read it as HTML, all the rest of the page would be inside.
            if name not in _UNSEEN:
                self.out.append(f"</{name}>")
            return position
        end = _VERBATIM[name].search(self._text, position)
        stop = end.start() if end else self._end
        if name == "title":
            self.page.title = self.page.title or clean(unescape(self._text[position:stop]))
        elif name not in _UNSEEN:
            self.out.append(self._text[position:stop])
        return stop

    def _note(self, attributes: list[re.Match[str]]) -> None:
        values = _values(attributes)
        if name := values.get("name", "").lower():
            self.page.meta.setdefault(name, clean(values.get("content")))


def _values(attributes: list[re.Match[str]]) -> dict[str, str]:
    """By their names in lower case; of several with one name, browsers take the first."""
    return {attribute[1].lower(): _value(attribute) for attribute in reversed(attributes)}


def _value(attribute: re.Match[str]) -> str:
    return unescape(next((value for value in attribute.groups()[1:] if value is not None), ""))
