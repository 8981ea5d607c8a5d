"""Pages: their body, their title, their encoding, and where their references lead."""

import time
from html import unescape

import pytest
from lms_plugins.importer_common_cartridge.page import decode, read_page

from .cartridge import item, lessons, manifest, page, resource, skipped
from .conftest import Read


def body(html: str) -> str:
    return read_page(html, lambda reference: reference).html


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<!DOCTYPE html><html lang=en><head><title>T</title></head><body class=x><p>a</p></body></html>", "<p>a</p>"),
        ("<p>fragment</p>", "<p>fragment</p>"),
        ("just text, 1 < 2", "just text, 1 &lt; 2"),
        (
            "<head><style>p > a {}</style><script>if (a < b) '</p>'</script></head><p>a</p>",
            "<style></style><script></script><p>a</p>",
        ),
        ("<title>never closed", ""),
        (
            "<?xml version='1.0'?><html><head><title/><script src='a.js'/></head><body>a<br/></body></html>",
            "<script></script>a<br/>",
        ),
        ("a<!-- <img src=x> -->b<!-->c<!--->d<!-- e --!>f<!-- never closed", "abcdf"),
        ("<textarea><p></textarea><p>", "<textarea><p></textarea><p>"),
        ("<textarea/><p>a</p>", "<textarea/></textarea><p>a</p>"),
        ("<p title='a > b'>c</p>", "<p title='a > b'>c</p>"),
        ("<p>cut <a href='", "<p>cut"),
        ("", ""),
    ],
)
def test_body_of_a_page(html: str, expected: str) -> None:
    assert body(html) == expected


def test_title_of_a_page() -> None:
    html = page("<svg><title>not me</title></svg>", "Salt &amp; <b>\n pepper\x07")
    assert read_page(html, lambda reference: reference).title == "Salt & <b> pepper"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("\ufeffé".encode(), "é"),
        ("\ufeffé".encode("utf-16-le"), "é"),
        ("\ufeffé".encode("utf-16-be"), "é"),
        ("é".encode(), "é"),
        ("é€".encode("cp1252"), "é€"),
        ("<meta charset='iso-8859-1'>€".encode("cp1252"), "<meta charset='iso-8859-1'>€"),
        ('<meta content="text/html; charset=koi8-r">Ж'.encode("koi8-r"), '<meta content="text/html; charset=koi8-r">Ж'),
        (
            "<?xml version='1.0' encoding='Shift_JIS'?>日".encode("shift_jis"),
            "<?xml version='1.0' encoding='Shift_JIS'?>日",
        ),
        ("<meta charset=utf-16>é".encode(), "<meta charset=utf-16>é"),
        ("<meta charset=punycode>é".encode(), "<meta charset=punycode>é"),
        ("<meta charset=hex>é".encode(), "<meta charset=hex>é"),
        ("<meta charset=no-such>é".encode(), "<meta charset=no-such>é"),
        ("<meta charset=utf-8>é".encode("cp1252"), "<meta charset=utf-8>é"),
        (b"a\x00b\x08\tc\n", "ab\tc\n"),
    ],
)
def test_encoding_of_a_page(data: bytes, expected: str) -> None:
    assert decode(data) == expected


FILES = {
    "web_resources/A b (1).png": "1",
    "web_resources/Übung.pdf": "2",
    "wiki_content/near.png": "3",
    "root.png": "4",
    "wiki_content/other.html": page("o", "Other"),
    "wiki_content/100%.png": "5",
}


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("$IMS-CC-FILEBASE$/A%20b%20(1).png", "web_resources/A%20b%20%281%29.png"),
        (
            "%24IMS-CC-FILEBASE%24/A%20b%20(1).png?canvas_download=1&amp;canvas_qs_wrap=1",
            "web_resources/A%20b%20%281%29.png",
        ),
        ("$IMS_CC_FILEBASE$/A b (1).png", "web_resources/A%20b%20%281%29.png"),
        ("$IMS-CC-FILEBASE$near.png", "wiki_content/near.png"),
        ("$IMS-CC-FILEBASE$../root.png", "root.png"),
        ("$IMS-CC-FILEBASE$/U%CC%88bung.pdf#page=2", "web_resources/%C3%9Cbung.pdf"),
        ("$CANVAS_COURSE_REFERENCE$/file_ref/file-id/download?download_frd=1", "root.png"),
        ("near.png", "wiki_content/near.png"),
        (" ne\nar.png ", "wiki_content/near.png"),
        ("./near.png", "wiki_content/near.png"),
        ("../root.png", "root.png"),
        ("/root.png", "root.png"),
        ("100%25.png", "wiki_content/100%25.png"),
    ],
)
def test_reference_to_a_file_names_the_imported_file(read: Read, reference: str, key: str) -> None:
    html = f'<img alt="a" src="{reference}" width=3>'
    course = read(
        manifest(
            resource("p", "wiki_content/p.html"),
            resource("file-id", "root.png"),
            items=item("M", "", item("P", "p")),
        ),
        {"wiki_content/p.html": page(html), **FILES},
    )
    assert lessons(course)["P"].html == f'<img alt="a" src="lms-file:{key}" width=3>'


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("missing.png", "missing.png"),
        ("$IMS-CC-FILEBASE$/missing.png?a=b", "missing.png"),
        ("$CANVAS_COURSE_REFERENCE$/file_ref/none", "file_ref/none"),
        ("../../../../etc/passwd", "../../../../etc/passwd"),
        ("/courses/1/files/2", "/courses/1/files/2"),
        ("$WIKI_REFERENCE$/pages/other", "pages/other"),
        ("%24CANVAS_OBJECT_REFERENCE%24/modules/m1", "modules/m1"),
        ("other.html#part", "wiki_content/other.html"),
    ],
)
def test_reference_that_leads_nowhere_is_removed_and_named(read: Read, reference: str, name: str) -> None:
    course = read(
        manifest(
            resource("p", "wiki_content/p.html"),
            resource("o", "wiki_content/other.html"),
            items=item("M", "", item("P", "p")),
        ),
        {"wiki_content/p.html": page(f'<a class="x" href="{reference}" id=y>words</a>'), **FILES},
    )
    assert lessons(course)["P"].html == '<a class="x" id=y>words</a>'
    assert [skip.split(" → ") for skip in skipped(course) if "→" in skip] == [["P", name.removeprefix("wiki_content/")]]


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.org/a?b=$c$",
        "//example.org",
        "mailto:a@b.c",
        "#part",
        "",
        "?page=2",
        "data:image/png;base64,AA==",
    ],
)
def test_reference_to_the_outside_stays(read: Read, reference: str) -> None:
    html = f"<a href='{reference}'>words</a>"
    course = read(manifest(resource("p", "p.html")), {"p.html": page(html, "P")})
    assert lessons(course)["P"].html == html
    assert course.skipped == []


@pytest.mark.parametrize("reference", ["lms-file:root.png", "LMS-FILE:root.png", "lms\n-file:root.png"])
def test_page_cannot_name_imported_files_itself(read: Read, reference: str) -> None:
    course = read(
        manifest(resource("p", "p.html")), {"p.html": page(f'<a href="{reference}">x</a>', "P"), "root.png": "1"}
    )
    assert lessons(course)["P"].html == "<a>x</a>"
    assert course.files == {}


@pytest.mark.parametrize("name", ["href", "SRC", "poster", "data", "longdesc", "background", "cite"])
@pytest.mark.parametrize("form", ['<x {}="f.png"/>', "<x {}='f.png'>", "<x {} = f.png >", "<x a{}='f.png' {}=f.png>"])
def test_every_attribute_that_refers_is_rewritten(name: str, form: str) -> None:
    html = form.format(name, name)
    seen: list[str] = []

    def rewrite(reference: str) -> str:
        seen.append(reference)
        return 'new"'

    assert f' {name}="new&quot;"' in read_page(html, rewrite).html
    assert seen == ["f.png"]


@pytest.mark.parametrize(
    ("embedded", "link"),
    [
        ("<iframe src='//a.example/v?x=1&amp;y=2'>old</iframe>", ("https://a.example/v?x=1&amp;y=2",) * 2),
        ("<IFRAME src='https://a.example' title='A &lt; B' src=c></IFRAME>", ("https://a.example", "A &lt; B")),
        ("<iframe title=V src='https://a.example'/>", ("https://a.example", "V")),
        ("<iframe src='film.mp4' title=Film></iframe>", ("lms-file:film.mp4", "Film")),
        ("<embed src='film.mp4' title=Film>", ("lms-file:film.mp4", "Film")),
    ],
)
def test_what_a_page_embeds_becomes_a_link(read: Read, embedded: str, link: tuple[str, str]) -> None:
    files = {"p.html": page(f"<p>a{embedded}b</p>", "P"), "film.mp4": "film"}
    course = read(manifest(resource("p", "p.html")), files)
    address, text = link
    made = lessons(course)["P"]
    assert made.html == f'<p>a<a href="{address}">{text}</a>b</p>'
    assert [each.url for each in made.embeds] == ([unescape(address)] if address.startswith("https") else [])


@pytest.mark.parametrize(
    "embedded",
    [
        "<iframe></iframe>",
        "<iframe src=''></iframe>",
        "<iframe src='javascript:alert(1)'></iframe>",
        "<iframe src='data:text/html,x'></iframe>",
        "<iframe src='gone.mp4'></iframe>",
    ],
)
def test_of_what_embeds_nothing_no_more_than_the_element_stays(read: Read, embedded: str) -> None:
    course = read(manifest(resource("p", "p.html")), {"p.html": page(f"<p>a{embedded}b</p>", "P")})
    assert lessons(course)["P"].html == "<p>a<iframe></iframe>b</p>"
    assert skipped(course) == (["P → gone.mp4"] if "gone" in embedded else [])


def test_scripts_and_styles_that_go_are_there_to_be_told_of() -> None:
    page = "<p>a<SCRIPT src=x>if (a < b) '</p>'</SCRIPT><style>p {}</style>b</p>"
    assert body(page) == "<p>a<script></script><style></style>b</p>"


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<a b='", "<!--", "<!", "</", "<script", "<title>", "<a b=", "&", "</title"]
)
def test_crafted_pages_take_linear_time(piece: str) -> None:
    started = time.perf_counter()
    body(piece * ((1 << 18) // len(piece)))
    body("<a" + piece * ((1 << 18) // len(piece)))
    assert time.perf_counter() - started < 10  # Quadratic time would be minutes.
