"""HTML that authors write, made safe for whoever reads it, and how long reading it takes."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from html import unescape

import nh3

from lms_core.courses.html_bounds import FORMATTING, TABLE_PARTS, refuse_bombs
from lms_core.courses.html_tags import start_tags
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _
from lms_core.kernel.texts import VISIBLE

MAX_LENGTH = 500_000
"""Characters of HTML that one lesson may hold."""
WORDS_PER_MINUTE = 200

_ID_PREFIX = "content-"
"""Keeps the ids of a lesson apart from those of the page that shows it."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALLOWED = FORMATTING | TABLE_PARTS | _names("""
    a abbr acronym address article aside bdi bdo blockquote br center cite data dd del details dfn div dl dt figcaption
    figure footer h1 h2 h3 h4 h5 h6 header hgroup hr ins kbd li main mark nav ol p pre q rp rt ruby samp section span
    sub summary sup table time ul var wbr
    audio img picture source track video
    annotation math menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow
    ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics
""")  # fmt: skip
_DROPPED = _names("iframe noembed noframes script select style svg template textarea title")
"""Gone with all that is in them. Of any other element that isn't allowed, what is inside stays."""
_FRAME = _names("body head html")
"""Elements that a lesson has no need of: it is shown within another page."""

_GLOBAL = _names("dir id lang style title")
_ATTRIBUTES = {
    "*": _GLOBAL,
    "a": _names("href hreflang"),
    "annotation": _names("encoding"),
    "audio": _names("loop muted preload src"),
    "col": _names("span width"),
    "colgroup": _names("span width"),
    "data": _names("value"),
    "del": _names("datetime"),
    "details": _names("open"),
    "font": _names("color size"),
    "img": _names("alt height src width"),
    "ins": _names("datetime"),
    "li": _names("value"),
    "math": _names("display"),
    "menclose": _names("notation"),
    "mi": _names("mathvariant"),
    "mo": _names("fence form largeop lspace rspace separator stretchy"),
    "mspace": _names("depth height width"),
    "mstyle": _names("displaystyle mathvariant scriptlevel"),
    "mtable": _names("columnalign rowalign"),
    "mtd": _names("columnspan rowspan"),
    "ol": _names("reversed start type"),
    "source": _names("src type"),
    "table": _names("border summary width"),
    "td": _names("abbr align colspan rowspan valign width"),
    "th": _names("abbr align colspan rowspan scope valign width"),
    "time": _names("datetime"),
    "track": _names("default kind label src srclang"),
    "video": _names("height loop muted poster preload src width"),
}
_STYLES = _names("""
    background-color border border-collapse color direction font-style font-weight height list-style-type margin-left
    max-width padding padding-left text-align text-decoration vertical-align white-space width
""")  # fmt: skip
_SCHEMES = _names("http https mailto tel")
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ADDRESSES = _names("href poster src")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*+(?=:)", re.IGNORECASE)
_PROPERTY = re.compile(r"\s*+([\w-]++)\s*+:")
_CSS_FUNCTIONS = _names("calc clamp hsl hsla hwb lab lch max min oklab oklch rgb rgba")
"""Those that fetch nothing. Any other could, as ``url()`` does, and tell its server who reads the lesson and when."""
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|([^\n]))")
_CSS_FUNCTION = re.compile(r"(?<![\w-])([\w-]++)\(")
_MOST_REMOVED = 100
"""What ``removed`` names at most."""
_MOST_NAMED = 50
"""Characters of each."""


def _without_escapes(css: str) -> str:
    def unescaped(found: re.Match[str]) -> str:
        code = int(found[1], 16) if found[1] else ord(found[2])
        return chr(code) if code <= 0x10FFFF else "\ufffd"

    return _CSS_ESCAPE.sub(unescaped, css)


def _functions(css: str) -> set[str]:
    """The CSS functions in it that might fetch something, in lower case, however they are written."""
    return {name.lower() for name in _CSS_FUNCTION.findall(_without_escapes(css))} - _CSS_FUNCTIONS


def _keep_local(_tag: str, name: str, value: str) -> str:
    """Ids of a lesson get a prefix, and so do the links to them; styles fetch nothing."""
    if name == "style":
        return ";".join(each for each in value.split(";") if not _functions(each)) if _functions(value) else value
    if name == "id":
        return value if value.startswith(_ID_PREFIX) else _ID_PREFIX + value
    if name == "href" and value.startswith("#") and not value.startswith(f"#{_ID_PREFIX}"):
        return f"#{_ID_PREFIX}{value[1:]}" if len(value) > 1 else value
    return value


_CLEANER = nh3.Cleaner(
    tags=_ALLOWED,
    clean_content_tags=_DROPPED,
    attributes=_ATTRIBUTES,
    attribute_filter=_keep_local,
    generic_attribute_prefixes={"aria-"},
    tag_attribute_values={"a": {"target": {"_blank"}}},
    set_tag_attribute_values={"audio": {"controls": ""}, "video": {"controls": ""}},
    url_schemes=_SCHEMES,
    filter_style_properties=_STYLES,
    link_rel="noopener noreferrer",
)


@dataclass(frozen=True, slots=True)
class Sanitized:
    """Safe HTML, and what was taken out, sorted.

    Named are elements (``iframe``), attributes (``onclick``, ``srcset``), schemes of addresses (``data:``), properties
    of styles (``style: position``) and functions in them (``url()``). Not named is what does nothing by itself:
    comments, classes, ``data-`` attributes, elements of no known language (``o:p``, ``my-element``), and the frame of a
    whole page.
    """

    html: str
    removed: list[str]


def sanitize(html: str) -> Sanitized:
    """Keep what teaching needs and no browser runs. Sanitizing again finds nothing more to take out.

    Raises 422 ``html_too_complex`` for what would take a browser, or us, absurdly long to make sense of, and
    ``html_too_long`` for more than ``MAX_LENGTH`` characters of safe HTML, which can be longer than what was sent.
    """
    refuse_bombs(html)
    html = _CONTROL.sub("", html)
    clean = _CLEANER.clean(html)
    if len(clean) > MAX_LENGTH:
        message = _("This page is too long for a lesson.")
        raise Invalid("html_too_long", message, errors={"html": [message]})
    return Sanitized(clean, _removed(html, clean))


def _removed(html: str, clean: str) -> list[str]:
    """What there was more of before. Compared by what it is of, so that none makes up for what another one lost."""
    lost = (_parts(html) - _parts(clean)).keys()
    return sorted({name.replace("\0", "\ufffd")[:_MOST_NAMED] for _tag, name in lost})[:_MOST_REMOVED]


def _parts(html: str) -> Counter[tuple[str, str]]:
    """How many elements there are of each name, and of each what; but for what does nothing by itself."""
    found: Counter[tuple[str, str]] = Counter()
    for tag, attributes in start_tags(html):
        if tag not in _FRAME and ("-" not in tag and ":" not in tag):
            found[tag, tag] += 1
        for name, value in attributes.items():
            if name.startswith("on") or (tag in _ALLOWED and not _idle(name)):
                found.update((tag, part) for part in _said(name, value))
    return found


def _idle(attribute: str) -> bool:
    return attribute == "class" or attribute.startswith(("data-", "xmlns"))


def _said(attribute: str, value: str) -> set[str]:
    """What an attribute is told as: an address by its scheme where that matters, a style by its properties."""
    if attribute == "style":
        return {name for each in value.split(";") if ":" in each for name in _declared(each)}
    if attribute in _ADDRESSES:
        scheme = _SCHEME.match(re.sub(r"^[\x00-\x20]++|[\t\n\r]", "", value))
        if scheme and scheme[0].lower() not in _SCHEMES:
            return {f"{scheme[0].lower()}:"}
    return {attribute}


def _declared(declaration: str) -> set[str]:
    """What a declaration of a style is told as: the property that it is of, or what in it might fetch something."""
    if functions := _functions(declaration):
        return {f"{name}()" for name in functions}
    of = _PROPERTY.match(_without_escapes(declaration))
    return {f"style: {of[1].lower()}"} if of else set()


_LINES = re.compile(r"(?=<(?:br|/(?:p|div|li|h[1-6]|tr|dt|dd|pre|blockquote|section|figure))\b)")


def plain_text(html: str, most: int) -> str:
    """The words of sanitized HTML, a line for each block, in no more than so many characters."""
    text = unescape(nh3.clean(_LINES.sub("\n", html), tags=set()))
    lines = (" ".join(line.split()) for line in text.splitlines())
    words = "\n".join(line for line in lines if line)
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def addresses(html: str) -> list[str]:
    """Where the links, images and media of sanitized HTML lead, in their order."""
    found: list[str] = []
    # Read by the parser that cleaned it: text that only looks like a tag is none.
    nh3.clean(
        html,
        tags=_ALLOWED,
        attributes={"*": {"href", "src", "poster"}},
        attribute_filter=lambda _tag, _name, value: found.append(value),
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return found


_SHOWN = re.compile(r"<(?:audio|img|source|video)\b[^<>]*\ssrc=")


def is_blank(html: str) -> bool:
    """Whether sanitized HTML has nothing to read, to look at or to listen to."""
    return not _SHOWN.search(html) and not VISIBLE.search(unescape(re.sub(r"<[^<>]*>", "", html)))


def reading_minutes(html: str) -> int:
    """Minutes that reading sanitized HTML takes at 200 words a minute: 0 for no text, else at least 1."""
    text = re.sub(r"<[^<>]*>", " ", html)
    # Scripts without spaces between words: two characters are about one word.
    unspaced = len(re.findall(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]", text))
    spaced = len(re.findall(r"[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+", text))
    return math.ceil((spaced + unspaced / 2) / WORDS_PER_MINUTE)
