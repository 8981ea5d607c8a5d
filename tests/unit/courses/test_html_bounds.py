"""Small pages that would take absurdly long to parse are refused; long pages of real courses are not."""

from collections import Counter
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms_core.courses import html_bounds
from lms_core.courses.html import MAX_LENGTH, sanitize
from lms_core.courses.html_bounds import refuse_bombs
from lms_core.kernel.errors import Invalid


def full(piece: str, before: str = "") -> str:
    """As many pieces as a lesson has room for."""
    return before + piece * ((MAX_LENGTH - len(before)) // len(piece))


FONTS = "".join(f"<font color={number}>" for number in range(2_000))
BOMBS = {
    "ampersands": full("&"),
    "ampersands apart": full("& "),
    "ampersands in an attribute": f'<p title="{full("&x", " " * 100)}',
    "broken numbers": full("&#"),
    "broken hexadecimal numbers": full("&#x"),
    "references without an end": full("&a"),
    "nested": "<div>" * 50_000,
    "nested by names that are no names": full("<br-x>"),
    "looked up by end tags": "<span>" * 9_000 + "</div>" * 50_000,
    "looked up by formatting": "<span>" * 4_000 + "</i>" * 49_999,
    "looked up by rules": "<div>" * 9_000 + full("<hr>", " " * 45_000),
    "looked up by paragraphs": "<ul>" * 9_000 + full("<p></p>", " " * 36_000),
    "looked up out of comments": full("<div><!--</div>-->"),
    "looked up out of attributes": full("<div><br title='</div>'>"),
    "looked up out of raw text": full("<div><title></div></title>"),
    "reopened": "<p>" + "".join(f"<b id={number}>" for number in range(2_000)) + "</p>" + "<p>x</p>" * 2_000,
    "reopened in disguise": "<p>" + FONTS.replace("color", "a='>' color") + "</p>" + "<p>x</p>" * 2_000,
    "moved out of a table": full("<br>", "<table>"),
    "moved out of a table, made by end tags": full("x<tr>x</p>", "<table>"),
    "moved out of a table, deep": full("<img>", "<div>" * 5_000 + "<table>"),
    "attributes": f"<p {' '.join(f'a{number}' for number in range(70_000))}>",
    "attributes, quoted": "<p " + "".join(f"""a{number}=">"b{number}='"\'""" for number in range(20_000)) + ">",
    "attributes behind a comment": '<!-- <x a="--><p ' + " ".join(f"a{number}" for number in range(70_000)) + ">",
    "attributes within attributes": full("<a " * 900 + ">"),
}


@pytest.mark.parametrize("html", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_is_parsed(html: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_bombs(html)
    assert refused.value.code == "html_too_complex"
    assert "html" in (refused.value.errors or {})


LONG = {
    "table": "<table>" + "<tr><td>1</td><td>2</td></tr>" * 10_000 + "</table>",
    "table of formatted text": "<table>" + '<tr><td><span class="a">1</span></td></tr>' * 5_000 + "</table>",
    "formatted": "<p><strong>a</strong> <code class=x>b</code></p>" * 5_000,
    "highlighted": "<pre>" + '<span style="color:red">def</span> ' * 9_000 + "</pre>",
    "never closed": "<p>One paragraph<br>after another." * 12_000,
    "commented": "<!-- from an editor --><p><em>a</em> &amp; b</p>" * 6_000,
    "references": full("if (a &lt; b &amp;&amp; c) "),
    "query strings": '<p><a href="/search?a=1&b=2&c=3">found</a></p>' * 5_000,
    "deep": "<div>" * 200 + "<p>a</p>" * 10_000 + "</div>" * 200,
}


@pytest.mark.parametrize("html", LONG.values(), ids=LONG)
def test_a_long_page_of_a_real_course_is_not(html: str) -> None:
    assert len(sanitize(html).html) >= len(html) / 2


class Depth(HTMLParser):
    """How deep the elements of well-formed HTML lie in each other."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.depth = self.deepest = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in html_bounds._VOID:
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1


NAMES = (
    "div", "p", "b", "a", "table", "td", "ul", "li", "button", "object", "select", "option", "math", "mi", "svg",
    "form", "br", "hr", "h1", "caption", "ruby", "rt", "details", "nobr", "marquee", "body", "title", "script",
    "template",
)  # fmt: skip
TAGS = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f"<{name}>"),
    st.sampled_from(NAMES).map(lambda name: f"</{name}>"),
    st.sampled_from(["x", "<!--", "-->", "<br a='", "'>", "<p/>", "</mi >", '<div a="b">', "<", ">", "&amp;"]),
)
DEEPER = 6
"""What a parser adds by itself: the parts of a table that were left out, formatting that it opens again."""


@settings(max_examples=1_000, deadline=None)
@given(st.lists(TAGS, min_size=5, max_size=60).map("".join))
def test_no_page_is_deeper_than_it_was_taken_for(html: str) -> None:
    counted = Counter(name.lower() for name in html_bounds._TAG.findall(html))
    real = Depth(nh3.clean(html, tags=set(NAMES) | {"tbody", "tr"}, clean_content_tags=set())).deepest
    assert real <= html_bounds._depth(html, counted) + DEEPER
