"""The start tags in a text of HTML, as a browser's tokenizer finds them, each with its attributes.

No tree is made of them: what a parser would put elsewhere, or leave out, is here as it was written. One pass from left
to right, every character looked at a bounded number of times.
"""

import re
from collections.abc import Iterator
from html import unescape

_BLANK = r"[ \t\n\f\r]"
_TAG = re.compile(r"<(/?)([a-zA-Z][^ \t\n\f\r/>]*+)")
_ATTRIBUTE = re.compile(
    rf"(?:{_BLANK}|/)*+([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"
    rf"(?:{_BLANK}*+={_BLANK}*+(?:\"([^\"]*+)\"|'([^']*+)'|(?![\"'])([^ \t\n\f\r>]*+))|(?!{_BLANK}*+=))"
)
_TAG_END = re.compile(rf"(?:{_BLANK}|/)*+>")
_COMMENT_END = re.compile(r"--!?>")
_FOREIGN = frozenset({"math", "svg"})
"""What is in them has rules of its own: a style holds elements there, for instance."""
_VERBATIM = {
    name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE)
    for name in ("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp")
}
"""Elements that hold no others, and where they end."""
_NEVER = re.compile(r"(?!)")


def start_tags(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Names in lower case, and attributes by theirs; a tag that is cut off by the end of the text is one too.

    Of formulas and drawings, what only looks like a tag may be among them.
    """
    position = foreign = 0
    while (start := html.find("<", position)) >= 0:
        tag = _TAG.match(html, start)
        if tag is None:
            position = _past(html, start)
            continue
        name = tag[2].lower()
        attributes, position = _attributes(html, tag.end())
        if name in _FOREIGN:
            foreign = max(0, foreign + (-1 if tag[1] else 1))
        if tag[1]:
            continue
        yield ("img" if name == "image" else name), attributes
        if not foreign and (name in _VERBATIM or name == "plaintext"):
            end = _VERBATIM.get(name, _NEVER).search(html, position)
            position = end.start() if end else len(html)


def _attributes(html: str, position: int) -> tuple[dict[str, str], int]:
    """Those of a tag, and where it ends. Of two with one name, browsers take the first."""
    found: dict[str, str] = {}
    while not (end := _TAG_END.match(html, position)):
        attribute = _ATTRIBUTE.match(html, position)
        if attribute is None:
            return found, len(html)
        value = next((each for each in attribute.groups()[1:] if each is not None), "")
        found.setdefault(attribute[1].lower(), unescape(value))
        position = attribute.end()
    return found, end.end()


def _past(html: str, start: int) -> int:
    """Where it goes on behind a comment, a declaration, or a "<" that is none of these."""
    if html.startswith("<!--", start):
        # From its second hyphen pair on: "<!-->" is a whole comment.
        end = _COMMENT_END.search(html, start + 2)
        return end.end() if end else len(html)
    if html.startswith(("<!", "<?", "</"), start):
        return html.find(">", start) + 1 or len(html)
    return start + 1
