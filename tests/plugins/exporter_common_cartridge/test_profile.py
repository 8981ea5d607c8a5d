"""What is written is a Common Cartridge 1.3 to whoever reads it by the book."""

import json

import pytest
from lms_plugins.exporter_common_cartridge import plugin

from lms_core.plugin_api import ExportedCourse
from lms_core.testing.exporters import (
    course_of,
    file_of,
    full_course,
    hostile_course,
    lesson_of,
    module_of,
    written,
)

from .profile import CP, LINK, LOM_OF_RESOURCE, Cartridge, fromstring

EXPORTER = plugin.lms_course_exporters()[0]


def cartridge(course: ExportedCourse) -> Cartridge:
    return Cartridge(written(EXPORTER, course))


@pytest.mark.parametrize("make", [full_course, hostile_course, course_of, lambda: course_of(module_of())])
def test_every_course_keeps_to_the_profile(make) -> None:
    cartridge(make())


def test_the_metadata_say_what_the_course_is() -> None:
    made = cartridge(full_course())
    assert made.general("title") == ["Brot & <Wasser>"]
    assert made.general("language") == ["de-AT"]
    assert made.general("description") == ["Erste Zeile\nZweite Zeile „so“"]
    assert made.general("keyword") == ["bread", "麦"]


def test_modules_and_lessons_stand_in_their_order() -> None:
    made = cartridge(full_course())
    outline = {item[0].text: [lesson[0].text for lesson in item[1:]] for item in made.items}
    assert outline == {
        "一 麦": ["Grain", "קמח ומים", "Elsewhere"],
        "Nothing yet": [],
        "Later": ["Paper", "Draft", "Sim"],
    }


def test_a_lesson_is_a_page_a_link_or_a_file() -> None:
    made = cartridge(full_course())
    kinds = [
        (resource.attrib["type"], resource[-1].get("href") or resource.find(f"{CP}file").attrib["href"])
        for item in made.items
        for resource in (made.resource(lesson.attrib["identifierref"]) for lesson in item[1:])
    ]
    assert kinds == [
        ("webcontent", "pages/001-Grain.html"),
        ("webcontent", "pages/002-קמח_ומים.html"),
        ("imswl_xmlv1p3", "links/003-Elsewhere.xml"),
        ("webcontent", "web_resources/p.pdf"),
        ("webcontent", "pages/005-Draft.html"),
        ("webcontent", "pages/006-Sim.html"),
    ]
    assert made.entries["web_resources/p.pdf"] == b"%PDF-1.7"
    link = fromstring(made.entries["links/003-Elsewhere.xml"])
    assert link.find(f"{LINK}url").attrib["href"] == "https://example.org/?a=1&b='2'#c"


def test_pages_refer_to_their_files_by_the_token() -> None:
    made = cartridge(full_course())
    page = made.entries["pages/001-Grain.html"].decode()
    assert '<img src="$IMS-CC-FILEBASE$/K%C3%A4se.png" alt="x">' in page
    assert "web_resources/Käse.png" in made.entries
    assert "lms-file" not in page
    assert '<a href="#content-end">end</a>' in page


def test_what_students_do_not_see_is_for_instructors() -> None:
    made = cartridge(full_course())
    path = f"{CP}metadata/{LOM_OF_RESOURCE}lom/{LOM_OF_RESOURCE}educational/{LOM_OF_RESOURCE}intendedEndUserRole"
    hidden = {
        resource.findall(f"{CP}file")[0].attrib["href"]
        for resource in made.resources
        if [role[1].text for role in resource.findall(path)] == ["Instructor"]
    }
    # The picture is in a lesson that everybody sees, too.
    assert hidden == {
        "web_resources/p.pdf", "pages/005-Draft.html", "pages/006-Sim.html", "lms-core/course.json",
    }  # fmt: skip


def test_two_lessons_share_a_file_that_is_there_once() -> None:
    offers = [lesson_of("One", file="f"), lesson_of("Two", file="f")]
    made = cartridge(course_of(module_of(*offers), files=[file_of("f", "f.txt", b"once")]))
    [one, two] = made.items[0][1:]
    assert one.attrib["identifierref"] == two.attrib["identifierref"]
    assert [name for name in made.entries if name.startswith("web_resources/")] == ["web_resources/f.txt"]


def test_a_title_that_xml_cannot_hold_leaves_a_manifest_that_can_be_read() -> None:
    lessons = [lesson_of(title, html="<p>x</p>") for title in ("a\ufffe\x0bb", "\uffff")]
    made = cartridge(course_of(module_of(*lessons, title="c\x00d")))
    assert [element.text for element in made.items[0].iter(f"{CP}title")] == ["cd", "ab", "-"]


def test_the_record_is_marked_as_ours() -> None:
    record = json.loads(cartridge(full_course()).entries["lms-core/course.json"])
    assert (record["format"], record["version"]) == ("lms-core course", 1)
    assert record["course"]["code"] == "BR-1"


def test_identifiers_stay_when_the_order_changes() -> None:
    def items(*titles: str) -> dict[str, str]:
        made = cartridge(course_of(module_of(*(lesson_of(title, html="<p>x</p>") for title in titles))))
        return {str(item[0].text): item.attrib["identifier"] for item in made.items[0][1:]}

    before, after = items("A", "B"), items("New", "B", "A")
    assert {title: after[title] for title in before} == before


def test_what_would_look_like_a_bomb_is_not_packed() -> None:
    blank = course_of(module_of(lesson_of("Blank", html=" " * (3 << 20))))
    assert len(written(EXPORTER, blank)) > 3 << 20
