"""What becomes of a cartridge: modules and lessons in their order, and every loss by its name."""

from pathlib import Path

import pytest

from lms_core.plugin_api import CourseImporter

from .cartridge import (
    LIMITS,
    WEB_LINK,
    item,
    lessons,
    lom,
    manifest,
    outline,
    page,
    resource,
    skipped,
    write_zip,
)
from .conftest import Read

APPLICATION = "associatedcontent/imscc_xmlv1p1/learning-application-resource"


@pytest.mark.parametrize("version", ["1p0", "1p1", "1p2", "1p3"])
def test_items_become_modules_and_lessons_in_every_version(read: Read, version: str) -> None:
    number = version.replace("1p", "v1p")
    items = item("One", "", item("Page", "p"), item("Link", "l")) + item("Two", "", item("Slides", "f"))
    course = read(
        manifest(
            resource("f", "slides.pdf"),
            resource("l", "link.xml", kind=f"imswl_xml{number}"),
            resource("p", "a/page.html"),
            items=items,
            version=version,
        ),
        {
            "a/page.html": page("<p>Hello</p>", "Another title"),
            "link.xml": WEB_LINK.format(title="Else", url="https://example.org/?a=1&amp;b=2"),
            "slides.pdf": b"%PDF-1.7",
        },
    )
    assert outline(course) == {"One": ["Page", "Link"], "Two": ["Slides"]}
    found = lessons(course)
    assert found["Page"].html == "<p>Hello</p>"
    assert found["Link"].url == "https://example.org/?a=1&b=2"
    assert found["Slides"].file == "slides.pdf"
    assert course.skipped == []
    file = course.files["slides.pdf"]
    assert (file.key, file.name, file.size) == ("slides.pdf", "slides.pdf", 8)
    for _time in range(2):
        with file.open() as stream:
            assert stream.read() == b"%PDF-1.7"


def test_course_is_described_by_the_metadata(read: Read) -> None:
    metadata = lom(
        "<lomimscc:title><lomimscc:string language='de_AT'>  Über\nuns </lomimscc:string></lomimscc:title>"
        "<lomimscc:description><lomimscc:string>First.\n\nSecond.</lomimscc:string></lomimscc:description>"
    )
    course = read(manifest(metadata=metadata), {})
    assert (course.title, course.description, course.language) == ("Über uns", "First.\n\nSecond.", "de-AT")
    assert course.modules == []


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("fr", "fr"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("sl-rozaj-biske", "sl"),
        ("x-none", "en"),
        ("so so!", "en"),
        ("", "en"),
    ],
)
def test_language_is_a_tag_that_fits(read: Read, said: str, language: str) -> None:
    assert read(manifest(metadata=lom(f"<language>{said}</language>")), {}).language == language


def test_course_without_metadata_has_a_title(read: Read) -> None:
    assert read(manifest(), {}).title == "Imported course"


@pytest.mark.parametrize(
    ("items", "root", "expected"),
    [
        pytest.param(item("M", "", item("P", "p")), "", {"M": ["P"]}, id="untitled root"),
        pytest.param(item("M", "", item("P", "p")), "Course", {"M": ["P"]}, id="titled root"),
        pytest.param(item("M", "", item("P", "p")), None, {"M": ["P"]}, id="no root"),
        pytest.param(item("P", "p"), "Course", {"Course": ["P"]}, id="a root that is the only module"),
        pytest.param(item("P", "p"), "", {"Content": ["P"]}, id="no modules"),
        pytest.param(item("P", "p") + item("M", "", item("Q", "p")), "", {"Content": ["P"], "M": ["Q"]}, id="both"),
        pytest.param(item("M", "p", item("Q", "p")), "", {"M": ["M", "Q"]}, id="a module that is a page"),
        pytest.param(item("M") + item("N", "", item("P", "p")), "", {"M": [], "N": ["P"]}, id="an empty module"),
        pytest.param(item(None) + item("N", "", item("P", "p")), "", {"N": ["P"]}, id="an empty item"),
        pytest.param(
            item("M", "", item("W", "", item("P", "p"), item("V", "", item("Q", "p"))), item("R", "p")),
            "",
            {"M": ["W / P", "W / V / Q", "R"]},
            id="folders",
        ),
        pytest.param(
            item("M", "", item("P", "p", item("Q", "p"))), "", {"M": ["P", "Q"]}, id="a page that is a folder"
        ),
        pytest.param(item("M", "", item(None, "p")), "", {"M": ["In the page"]}, id="the title of the page"),
    ],
)
def test_shapes_of_organizations(read: Read, items: str, root: str | None, expected: dict[str, list[str]]) -> None:
    course = read(manifest(resource("p", "p.html"), items=items, root=root), {"p.html": page("x", "In the page")})
    assert outline(course) == expected


def test_text_header_is_skipped_by_name(read: Read) -> None:
    course = read(
        manifest(resource("p", "p.html"), items=item("M", "", item("Week 1"), item("P", "p"))), {"p.html": "x"}
    )
    assert outline(course) == {"M": ["P"]}
    assert skipped(course) == ["Week 1"]


def test_resource_of_two_items_makes_two_lessons(read: Read) -> None:
    items = item("M", "", item("A", "p"), item("B", "p"), item("C", "f"), item("D", "f"))
    course = read(manifest(resource("p", "p.html"), resource("f", "f.txt"), items=items), {"p.html": "x", "f.txt": "y"})
    assert outline(course) == {"M": ["A", "B", "C", "D"]}
    assert list(course.files) == ["f.txt"]


@pytest.mark.parametrize(
    ("kind", "content", "title", "reason"),
    [
        ("imsdt_xmlv1p1", "<topic><title>T</title></topic>", "T", "Discussions"),
        ("imsqti_xmlv1p2/imscc_xmlv1p1/assessment", '<q><assessment title="T"/></q>', "T", "Quizzes"),
        (
            "imsqti_xmlv1p2/imscc_xmlv1p1/question-bank",
            '<!DOCTYPE q SYSTEM "q.dtd"><q><item title="One"/></q>',
            "x.xml",
            "Quizzes",
        ),
        (
            "imsqti_xmlv1p2/imscc_xmlv1p1/question-bank",
            "<q><f><fieldlabel>bank_title</fieldlabel><fieldentry>T</fieldentry></f><item title='One'/></q>",
            "T",
            "Quizzes",
        ),
        ("imsbasiclti_xmlv1p0", "<l xmlns:b='urn:b'><b:title>T</b:title></l>", "T", "External tools"),
        ("imsbasiclti_xmlv1p0", "<l><title>T</title> and then it brea", "T", "External tools"),
        ("imsbasiclti_xmlv1p0", "no XML", "x.xml", "External tools"),
        (APPLICATION, "<settings/>", "x.xml", "This kind"),
    ],
)
def test_what_no_lesson_can_be_is_skipped_by_name(read: Read, kind: str, content: str, title: str, reason: str) -> None:
    placed = read(
        manifest(resource("x", "x.xml", kind=kind), items=item("M", "", item("Placed", "x"))), {"x.xml": content}
    )
    assert outline(placed) == {"M": []}
    unplaced = read(manifest(resource("x", "x.xml", kind=kind)), {"x.xml": content})
    assert unplaced.modules == []
    for course, name in ((placed, "Placed"), (unplaced, title)):
        assert [skip.name for skip in course.skipped] == [name]
        assert course.skipped[0].reason.startswith(reason)


def test_what_only_describes_something_else_is_not_skipped(read: Read) -> None:
    course = read(
        manifest(
            resource("t", "t.xml", kind="imsdt_xmlv1p1", inside='<dependency identifierref="meta"/>'),
            resource("meta", "meta.xml", kind=APPLICATION),
            resource("s", "course_settings/a.xml", kind=APPLICATION, href="course_settings/canvas_export.txt"),
            resource("v", "v.html", inside='<variant identifierref="w"/>'),
            resource("w", "w.html"),
        ),
        {
            "t.xml": "<topic><title>T</title></topic>",
            "meta.xml": "<m/>",
            "course_settings/a.xml": "<a/>",
            "course_settings/canvas_export.txt": "?",
            "v.html": page("v", "V"),
            "w.html": page("w", "W"),
        },
    )
    assert outline(course) == {"Pages": ["V"]}
    assert skipped(course) == ["T"]


def test_what_is_not_placed_comes_in_modules_by_its_kind(read: Read) -> None:
    course = read(
        manifest(
            resource("f", "web_resources/b.pdf"),
            resource("h", "web_resources/tool/index.html"),
            resource("l", "l.xml", kind="imswl_xmlv1p1"),
            resource("a", "a/a.html", "a/assignment_settings.xml", kind=APPLICATION),
            resource("q", "wiki_content/q.html"),
            resource("p", "p.html"),
            items=item("M", "", item("P", "p")),
        ),
        {
            "web_resources/b.pdf": "b",
            "web_resources/tool/index.html": page("t", "Tool"),
            "l.xml": WEB_LINK.format(title="L", url="http://example.org"),
            "a/a.html": page("do it", "Assignment: A"),
            "a/assignment_settings.xml": "<assignment><title>A</title></assignment>",
            "wiki_content/q.html": page("q", "Q"),
            "p.html": page("p"),
        },
    )
    assert outline(course) == {
        "M": ["P"],
        "Pages": ["Q"],
        "Assignments": ["A"],
        "Links": ["L"],
        "Files": ["Tool", "b.pdf"],
    }
    found = lessons(course)
    assert found["A"].html == "do it"
    drafts = [lesson.title for lesson in found.values() if not lesson.is_published]
    assert drafts == ["Tool", "b.pdf"]
    assert skipped(course) == []


def test_files_of_a_cartridge_that_places_nothing_are_no_drafts(read: Read) -> None:
    course = read(manifest(resource("f", "f.pdf"), resource("g", "g.pdf")), {"f.pdf": "f", "g.pdf": "g"})
    assert outline(course) == {"Files": ["f.pdf", "g.pdf"]}
    assert all(lesson.is_published for lesson in lessons(course).values())


def test_files_beside_a_page_are_brought_or_named(read: Read) -> None:
    files = ["p.html", "used.png", "unused.png", "next.html", "style.css", "missing.png"]
    course = read(
        manifest(resource("p", *files), items=item("M", "", item("P", "p"))),
        {
            "p.html": page('<img src="used.png">'),
            "used.png": "1",
            "unused.png": "2",
            "next.html": page("next", "Next"),
            "style.css": "p {}",
        },
    )
    assert outline(course) == {"M": ["P"], "Pages": ["Next"], "Files": ["unused.png"]}
    assert list(course.files) == ["unused.png", "used.png"]
    assert skipped(course) == ["style.css", "missing.png"]


def test_entries_that_the_manifest_does_not_name_are_skipped_by_name(read: Read) -> None:
    course = read(
        manifest(resource("p", "p.html"), items=item("M", "", item("P", "p"))),
        {
            "p.html": '<img src="shown.png">',
            "shown.png": "1",
            "forgotten.txt": "2",
            "course_settings/rubrics.xml": "<r/>",
            "schemas/ims.xsd": "<x/>",
            "__MACOSX/._p.html": "3",
            "a/.DS_Store": "4",
        },
    )
    assert skipped(course) == ["forgotten.txt"]
    assert list(course.files) == ["shown.png"]


@pytest.mark.parametrize(("ref", "name"), [("nothing", "A"), ("gone", "A (gone.pdf)")])
def test_items_without_content_are_skipped_by_name(read: Read, ref: str, name: str) -> None:
    resources = [resource("p", "p.html"), resource("gone", "gone.pdf")]
    items = item("M", "", item("A", ref), item("P", "p"), item("B", "gone"))
    course = read(manifest(*resources, items=items), {"p.html": "x"})
    assert outline(course) == {"M": ["P"]}
    assert skipped(course) == [name, "B (gone.pdf)"]


@pytest.mark.parametrize(
    "link",
    [
        WEB_LINK.format(title="L", url="javascript:alert(1)"),
        WEB_LINK.format(title="L", url="/courses/1"),
        WEB_LINK.format(title="L", url="http://" + "a" * 3000),
        WEB_LINK.format(title="L", url=""),
        "<webLink><title>L</title></webLink>",
        "<webLink><title>L</ti",
    ],
)
def test_links_that_lead_nowhere_are_skipped_by_name(read: Read, link: str) -> None:
    course = read(
        manifest(resource("l", "l.xml", kind="imswl_xmlv1p2"), items=item("M", "", item("L", "l"))), {"l.xml": link}
    )
    assert (outline(course), skipped(course)) == ({"M": []}, ["L"])


def test_thin_cartridge_describes_its_links_in_the_manifest(read: Read) -> None:
    inline = WEB_LINK.format(title="Inline", url="https://example.org/a b")
    course = read(manifest(resource("l", kind="imswl_xmlv1p3", inside=inline)), {})
    assert lessons(course)["Inline"].url == "https://example.org/a%20b"


def test_assignment_of_the_ims_extension_is_a_text(read: Read) -> None:
    assignment = (
        "<assignment><title>Essay</title><text texttype='text/html'>&lt;p&gt;Write.&lt;/p&gt;</text>"
        "<attachments><attachment href='../form.pdf' role='All'/></attachments></assignment>"
    )
    plain = "<assignment><title>Plain</title><text texttype='text/plain'>1 &lt; 2\nGo</text></assignment>"
    course = read(
        manifest(
            resource("a", "a/a.xml", kind="assignment_xmlv1p0"),
            resource("b", "b.xml", kind="assignment_xmlv1p0"),
            resource("f", "form.pdf"),
        ),
        {"a/a.xml": assignment, "b.xml": plain, "form.pdf": "x"},
    )
    assert outline(course) == {"Assignments": ["Essay", "Plain"]}
    found = lessons(course)
    assert found["Essay"].html == '<p>Write.</p><p><a href="lms-file:form.pdf">form.pdf</a></p>'
    assert found["Plain"].html == "<p>1 &lt; 2<br>Go</p>"


def test_what_the_source_hides_is_a_draft(read: Read) -> None:
    teachers = (
        "<metadata><l:lom xmlns:l='urn:lom'><l:educational><l:intendedEndUserRole><l:value>Instructor</l:value>"
        "</l:intendedEndUserRole></l:educational></l:lom></metadata>"
    )
    unpublished = '<meta name="workflow_state" content="unpublished">'
    items = item(
        "M",
        "",
        item("Page", "draft"),
        item("Invisible", "p", attributes='isvisible="false"'),
        item("Folder", "", item("In it", "p"), attributes='isvisible="false"'),
        item("Item", "p", identifier="hidden-item"),
        item("Assignment", "a"),
        item("Teachers", "t"),
        item("Shown", "p"),
    )
    items += item("Hidden module", "", item("Inside", "p"), identifier="hidden-module")
    course = read(
        manifest(
            resource("draft", "draft.html"),
            resource("p", "p.html"),
            resource("a", "a/a.html", "a/assignment_settings.xml", kind=APPLICATION),
            resource("t", "t.html", inside=teachers),
            items=items,
        ),
        {
            "draft.html": page("d", head=unpublished),
            "p.html": page("p", head='<meta name="workflow_state" content="active">'),
            "a/a.html": page("a"),
            "a/assignment_settings.xml": "<a><workflow_state>unpublished</workflow_state></a>",
            "t.html": page("t"),
            "course_settings/module_meta.xml": (
                "<modules><module identifier='hidden-module'><workflow_state>unpublished</workflow_state></module>"
                "<module identifier='m'><workflow_state>active</workflow_state><items>"
                "<item identifier='hidden-item'><workflow_state>unpublished</workflow_state></item>"
                "</items></module></modules>"
            ),
        },
    )
    assert [lesson.title for lesson in lessons(course).values() if lesson.is_published] == ["Shown"]
    assert skipped(course) == []


def test_cartridge_zipped_with_its_folder_is_read(importer: CourseImporter, tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "again.zip",
        {"course/imsmanifest.xml": manifest(resource("p", "p.html")), "course/p.html": page("x", "P")},
    )
    assert importer.recognizes(path)
    assert outline(importer.read(path, LIMITS)) == {"Pages": ["P"]}


@pytest.mark.parametrize(
    ("name", "content", "known"),
    [
        ("a.imscc", b"not even a zip", True),
        ("a.IMSCC", {"imsmanifest.xml": manifest()}, True),
        ("a.zip", {"imsmanifest.xml": manifest()}, True),
        ("a.zip", {"imsmanifest.xml": manifest().replace("UTF-8", "UTF-16").encode("utf-16")}, True),
        ("a.zip", {"imsmanifest.xml": "<manifest><schema>ADL SCORM</schema></manifest>"}, False),
        ("a.zip", {"other.xml": manifest()}, False),
        ("a.zip", b"not even a zip", False),
        ("a.zip", b"", False),
    ],
)
def test_recognizes_cartridges(
    importer: CourseImporter, tmp_path: Path, name: str, content: bytes | dict[str, str | bytes], known: bool
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_zip(path, content)
    assert importer.recognizes(path) is known
    assert not importer.recognizes(tmp_path / "missing.zip")


def test_manifest_may_be_utf_16(importer: CourseImporter, tmp_path: Path) -> None:
    text = manifest(resource("p", "p.html"), items=item("Ünit", "", item("P", "p"))).replace("UTF-8", "UTF-16")
    path = write_zip(tmp_path / "a.imscc", {"imsmanifest.xml": text.encode("utf-16"), "p.html": "x"})
    assert outline(importer.read(path, LIMITS)) == {"Ünit": ["P"]}
