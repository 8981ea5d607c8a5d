"""Manifests and descriptions that are broken, malicious or absurd."""

import unicodedata

import pytest
from lms_plugins.importer_common_cartridge import lessons as lessons_module
from lms_plugins.importer_common_cartridge import safe_xml

from lms_core.plugin_api import Invalid

from .cartridge import LIMITS, WEB_LINK, item, lessons, lom, manifest, outline, page, resource, skipped
from .conftest import Read

BILLION_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE x [<!ENTITY % i SYSTEM "http://127.0.0.1:1/x.dtd"> %i;]>'
DEFAULTS = f'<!DOCTYPE x [<!ATTLIST item title CDATA "{"x" * 1000}">]>'


def declaring(doctype: str, xml: str) -> str:
    """The document with a document type, and with the entity ``i`` in its first title."""
    declaration, _, rest = xml.rpartition("?>")
    return f"{declaration}{_}{doctype}{rest}".replace("<title>", "<title>&i;", 1)


def refusal(read: Read, xml: str, **files: str) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        read(xml, files)
    return caught.value.code, str(caught.value.detail)


@pytest.mark.parametrize(
    "doctype", [BILLION_LAUGHS, EXTERNAL, PARAMETER, DEFAULTS, '<!DOCTYPE manifest SYSTEM "x.dtd">']
)
def test_document_types_and_entities_in_the_manifest(read: Read, doctype: str) -> None:
    xml = declaring(doctype, manifest(resource("p", "p.html"), items=item("M", "", item("P", "p"))))
    code, detail = refusal(read, xml)
    assert code == "import_invalid"
    assert "entities" in detail


@pytest.mark.parametrize("doctype", [BILLION_LAUGHS, EXTERNAL, PARAMETER, DEFAULTS])
@pytest.mark.parametrize("kind", ["imswl_xmlv1p1", "imsdt_xmlv1p1", "assignment_xmlv1p0"])
def test_entities_in_descriptions(read: Read, doctype: str, kind: str) -> None:
    link = declaring(doctype, WEB_LINK.format(title="L", url="http://example.org"))
    with pytest.raises(Invalid, match="import_invalid"):
        read(manifest(resource("l", "l.xml", kind=kind)), {"l.xml": link})


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "   ",
        "no XML",
        "<manifest>",
        "<manifest></other>",
        "<manifest>&nbsp;</manifest>",
        "<manifest>\x00</manifest>",
        "<manifest a='1' a='2'/>",
        '<?xml version="1.0" encoding="no-such"?><manifest/>',
        '<?xml version="1.0" encoding="gb18030"?><manifest/>',
        '<?xml version="1.0" encoding="hex"?><manifest/>',
    ],
)
def test_broken_manifest(read: Read, xml: str) -> None:
    code, detail = refusal(read, xml)
    assert code == "import_invalid"
    assert "not well-formed" in detail


@pytest.mark.parametrize("xml", ["<html/>", "<questestinterop/>", "<package xmlns='urn:x'/>", "<x><manifest/></x>"])
def test_wrong_root(read: Read, xml: str) -> None:
    code, detail = refusal(read, xml)
    assert (code, "is not a manifest" in detail) == ("import_invalid", True)


def test_empty_manifest_is_an_empty_course(read: Read) -> None:
    course = read("<manifest/>", {})
    assert (course.modules, course.skipped, dict(course.files)) == ([], [], {})


@pytest.mark.parametrize("depth", [1000, 50_000])
def test_items_nested_deeply(read: Read, depth: int) -> None:
    deep = "<item><title>F</title>" * depth + item("P", "p") + "</item>" * depth
    course = read(manifest(resource("p", "p.html"), items=deep), {"p.html": "x"})
    (title,) = outline(course)["F"]
    assert title.startswith("F / F / ")
    assert title.endswith(" / P")
    assert len(title) <= 255


def test_other_elements_nested_deeply(read: Read) -> None:
    deep = "<a>" * 100_000 + "</a>" * 100_000
    assert read(manifest(metadata=lom(f"<title>{deep}</title>")), {}).title == "Imported course"


def test_flood_of_items(read: Read) -> None:
    code, _ = refusal(read, manifest(items=item("x") * (LIMITS.entries + 1)))
    assert code == "import_too_large"


def test_flood_of_resources(read: Read) -> None:
    code, _ = refusal(read, manifest(resource("x") * (LIMITS.entries + 1)))
    assert code == "import_too_large"


def test_flood_of_elements(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_ELEMENTS", 1000)
    code, _ = refusal(read, manifest(metadata="<a/>" * 1001))
    assert code == "import_too_large"


def test_manifest_of_many_megabytes(read: Read) -> None:
    code, detail = refusal(read, manifest(metadata=" " * (16 << 20)))
    assert (code, detail) == ("import_too_large", "imsmanifest.xml is too large.")


def test_titles_of_absurd_length_are_cut(read: Read) -> None:
    long = "wörd " * 100_000
    course = read(
        manifest(
            resource("p", "p.html"),
            resource("f", "f" * 300 + ".pdf"),
            items=item(long, "", item(long, "", item(long, "p"), item("Short", "p")), item(long, "nothing")),
            metadata=lom(f"<title>{long}</title>"),
        ),
        {"p.html": page("x"), "f" * 300 + ".pdf": "y"},
    )
    titles = [course.title, *outline(course), *lessons(course), *skipped(course)]
    assert all(0 < len(title) <= 255 for title in titles)
    assert course.title.startswith("wörd wörd")
    assert [title for title in titles if title.endswith(" / Short")]
    (file,) = course.files.values()
    assert (len(file.name), file.name[-4:]) == (255, ".pdf")


def test_control_characters_in_titles(read: Read) -> None:
    title = "A&#9;B&#10;&#x85;C&#x9f;&#x2028; D"
    course = read(
        manifest(
            resource("p", "p.html"),
            resource("q", "q.html"),
            items=item("M", "", item("T", "p"), item(None, "q")).replace("T", title),
            metadata=lom(f"<title>{title}</title><description>{title}</description>"),
        ),
        {"p.html": "x", "q.html": page("x", "E&#1;F&#0;\x1bG")},
    )
    assert course.title == "A B C D"
    assert list(lessons(course)) == ["A B C D", "EF\ufffdG"]
    assert {letter for letter in course.description if unicodedata.category(letter) == "Cc"} <= {"\n", "\t"}


def test_titles_that_say_nothing(read: Read) -> None:
    course = read(manifest(resource("p", "p.html"), items=item("\n", "", item(" ", "p"))), {"p.html": page("x", " ")})
    assert outline(course) == {"Content": ["p"]}


@pytest.mark.parametrize(
    "href", ["../../etc/passwd", "/etc/passwd", "..", "C:\\x", "%2e%2e/x", "p.html\x7f", "a" * 5000]
)
def test_resources_whose_files_are_elsewhere(read: Read, href: str) -> None:
    course = read(manifest(resource("x", href), items=item("M", "", item("X", "x"))), {})
    assert outline(course) == {"M": []}
    assert len(skipped(course)) == 1
    assert skipped(course)[0].startswith("X (")


def test_identifiers_that_are_there_twice(read: Read) -> None:
    course = read(
        manifest(resource("p", "1.html"), resource("p", "2.html"), items=item("M", "", item("P", "p"))),
        {"1.html": page("one"), "2.html": page("two")},
    )
    assert lessons(course)["P"].html == "one"
    assert outline(course) == {"M": ["P"], "Pages": ["2"]}


def test_damaged_descriptions_beside_the_manifest_do_no_harm(read: Read) -> None:
    course = read(
        manifest(
            resource(
                "a", "a/a.html", "a/assignment_settings.xml", kind="associatedcontent/x/learning-application-resource"
            )
        ),
        {
            "a/a.html": page("a", "A"),
            "a/assignment_settings.xml": "<broken",
            "course_settings/module_meta.xml": "<broken",
        },
    )
    assert outline(course) == {"Assignments": ["A"]}


def test_page_that_is_too_long_is_skipped_by_name(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons_module, "MAX_PAGE", 1000)
    course = read(manifest(resource("p", "p.html"), items=item("M", "", item("P", "p"))), {"p.html": "x" * 1001})
    assert (outline(course), skipped(course)) == ({"M": []}, ["P"])


def test_one_page_placed_a_thousand_times_fills_no_memory(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons_module, "MAX_TEXT", 100_000)
    xml = manifest(resource("p", "p.html"), items=item("M", "", item("P", "p") * 1000))
    with pytest.raises(Invalid, match="import_too_large"):
        read(xml, {"p.html": "x" * 1000})


def test_page_of_broken_links_only(read: Read) -> None:
    links = "".join(f"<a href={number}>" for number in range(LIMITS.entries + 1))
    with pytest.raises(Invalid, match="import_too_large"):
        read(manifest(resource("p", "p.html")), {"p.html": links})
