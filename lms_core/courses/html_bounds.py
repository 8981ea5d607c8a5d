"""How much work a page of HTML may be: what would take a parser absurdly long is refused before one sees it.

HTML's rules let a small page grow without bound. An element that formats text and isn't closed is opened again in
every following paragraph; what is wrongly put into a table is moved before it, one by one; every block and every end
tag looks up through all that it is in. So what multiplies is counted first, and from above: no tag begins without "<"
and its name, wherever it stands. Of a page whose tags can be told apart exactly the depth is known, too. The bounds
keep the worst page at about a second; lessons of real courses stay far below.
"""

import re
from collections import Counter

from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FORMATTING = _names("b big code em font i s small strike strong tt u")
TABLE_PARTS = _names("caption col colgroup tbody td tfoot th thead tr")

_MOST_LOOKED_UP = 25_000_000
_MOST_REOPENED = 1_000_000
_MOST_BESIDE_TABLES = 25_000
_MOST_AMPERSANDS = 40_000
_MOST_ATTRIBUTES = 1_000
_MOST_READ_AGAIN = 8

_TAG = re.compile(r"<([a-zA-Z][^ \t\n\f\r/>]*+)")
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_NEVER_NESTED = TABLE_PARTS | _VOID | {"p"}
_MAKING_END = re.compile(r"</(?:p|br)(?![^ \t\n\f\r/>])", re.IGNORECASE)
"""End tags that make an element where they find none to end."""
_OPEN_FORMATTING = re.compile(rf"<(?:{'|'.join(sorted(FORMATTING | {'nobr'}))})(?=[\s/>])", re.IGNORECASE)
_PLAIN_ATTRIBUTES = re.compile(r"""(?:\s++[a-zA-Z-]++(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`/]++))?+)*+\s*+>""")
# An ampersand that begins no complete reference is dear: the parser goes on to look for one, and comes back.
_AMPERSAND = re.compile(r"&(?!(?:[a-z][a-z0-9]*+|#[0-9]++|#x[0-9a-f]++);)", re.IGNORECASE)

# What a parser takes for one attribute, with what stands before it and whatever is wrong with it. HTML's blanks are
# not all that \s means.
_BLANK = r"[ \t\n\f\r]"
_VALUE = r"""(?:"[^"]*+"|'[^']*+'|[^ \t\n\f\r>"'][^ \t\n\f\r>]*+)"""
_ATTRIBUTE = rf"(?:{_BLANK}|/)*+[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+(?:{_BLANK}*+={_BLANK}*+{_VALUE})?+"
_ATTRIBUTES = re.compile(rf"(?:{_ATTRIBUTE}){{0,{_MOST_ATTRIBUTES}}}+")
_ONE_MORE = re.compile(_ATTRIBUTE)

# A page made of these alone is read here as a parser reads it.
_PLAIN = rf"""(?:{_BLANK}++[a-zA-Z:_-]++(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^ \t\n\f\r"'<>=`]++))?+)*+{_BLANK}*+"""
_TOKEN = re.compile(
    rf"[^<]++|<(?![a-zA-Z/!?])|<!--(?!-?>)(?:[^-]|-(?!-))*+-->|<(/?)([a-zA-Z][a-zA-Z0-9]*+){_PLAIN}/?+>"
)
_UNPARSED = _names("iframe noembed noframes noscript plaintext script style template textarea title xmp")


def refuse_bombs(html: str) -> None:
    """Raises 422 ``html_too_complex``."""
    tags = Counter(name.lower() for name in _TAG.findall(html))
    if (
        _depth(html, tags) * html.count("<") > _MOST_LOOKED_UP
        or tags.total() * _reopened(html) > _MOST_REOPENED
        or ("table" in tags and _beside_tables(html, tags) > _MOST_BESIDE_TABLES)
        or len(_AMPERSAND.findall(html)) > _MOST_AMPERSANDS
        or _has_endless_tag(html)
    ):
        raise too_complex()


def too_complex() -> Invalid:
    message = _("This HTML is too complex.")
    return Invalid("html_too_complex", message, errors={"html": [message]})


def _depth(html: str, tags: Counter[str]) -> int:
    """How deep elements lie in each other at most: each that can hold another counts, closed or not.

    Where every tag is written plainly, an end tag that fits the last one open is known to close it.
    """
    nested = tags.total() - sum(tags[name] for name in _NEVER_NESTED)
    if tags.keys() & _UNPARSED:
        return nested
    opened: list[str] = []
    deepest = position = 0
    for token in _TOKEN.finditer(html):
        if token.start() != position:
            return nested
        position = token.end()
        name = (token[2] or "").lower()
        if token[1] and opened and opened[-1] == name:
            opened.pop()
        elif name and not token[1] and name not in _VOID:
            opened.append(name)
            deepest = max(deepest, len(opened))
    return min(deepest, nested) if position == len(html) else nested


def _beside_tables(html: str, tags: Counter[str]) -> int:
    """How many elements may have to be moved out of a table, each past all that were moved before."""
    return tags.total() - sum(tags[name] for name in TABLE_PARTS) + len(_MAKING_END.findall(html))


def _reopened(html: str) -> int:
    """How many elements a paragraph may have to open again: of equal ones, HTML remembers three."""
    equal: set[str] = set()
    odd = 0
    for tag in _OPEN_FORMATTING.finditer(html):
        rest = _PLAIN_ATTRIBUTES.match(html, tag.end())
        if rest:
            equal.add(tag[0].lower() + rest[0])
        else:
            odd += 1
    return 3 * len(equal) + odd


def _has_endless_tag(html: str) -> bool:
    """Whether an element may have more attributes than anybody writes: each is compared with all before it.

    Looked at is what follows each "<" and a name, tag or not, since what is one depends on all that stands before. A
    page in which that overlaps again and again is no better.
    """
    read = 0
    for tag in _TAG.finditer(html):
        attributes = _ATTRIBUTES.match(html, tag.end())
        end = attributes.end() if attributes else tag.end()
        read += end - tag.start()
        if read > _MOST_READ_AGAIN * len(html) or _ONE_MORE.match(html, end):
            return True
    return False
