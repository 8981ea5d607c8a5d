"""What an importer hands over becomes a course: files stored, pages sanitized, and what cannot be brought is named."""

import json

import pytest
from sqlalchemy import select

from lms_core.courses.importer import import_course
from lms_core.courses.models import Course, Lesson, Module
from lms_core.files.models import FileUpload
from lms_core.kernel.errors import LMSError
from lms_core.kernel.models import AuditLog, Outbox

PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)).hex()
PDF = b"%PDF-1.7 \0".hex()
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"
PAGE = {"title": "Page", "html": "<p>Some words.</p>"}


@pytest.fixture
def bring(toy_registry, instructor, tmp_path):
    """``bring(lessons, files, **course)`` imports a course of one module."""

    def bring(*lessons, files=None, publish=False, progress=None, **course):
        made = {"title": "Toy", "modules": [{"title": "One", "lessons": lessons}], "files": files or {}, **course}
        path = tmp_path / "course.toy"
        path.write_text(json.dumps(made))
        return import_course(toy_registry, path, instructor.email.upper(), publish=publish, progress=progress)

    return bring


@pytest.fixture
def lessons(core):
    """``lessons()`` -> the lessons in the database, in order."""

    def read():
        with core.transaction() as db:
            order = select(Lesson).join(Module, Module.id == Lesson.module_id)
            return list(db.scalars(order.order_by(Module.created_at, Module.order_index, Lesson.order_index)))

    return read


def only(core, model):
    with core.transaction() as db:
        return db.scalars(select(model)).one()


def test_a_whole_course_arrives(bring, core, lessons, instructor, app):
    report = bring(
        PAGE,
        {"title": "Web", "url": "https://example.com/a"},
        {"title": "Paper", "file": "paper", "is_published": False, "description": "Read it."},
        files={"paper": {"name": "Paper.docx", "hex": PDF}},
        title="Ökologie  für alle",
        description="Line one\nLine two",
        language="de_AT",
        publish=True,
        skipped=[["Quiz", "Not yet."]],
    )
    assert (report.slug, report.title) == ("ökologie-für-alle", "Ökologie für alle")
    assert (report.modules, report.lessons, report.files) == (1, 3, 1)
    assert [(each.name, each.reason) for each in report.skipped] == [("Quiz", "Not yet.")]
    course = app.get(f"/api/v1/courses/{report.course_id}").json
    assert course["instructor"]["id"] == str(instructor.id)
    assert (course["language"], course["description"]) == ("de-AT", "Line one\nLine two")
    assert (course["isPublished"], course["durationMinutes"]) == (True, 1)
    made = lessons()
    assert [(each.title, each.content_type, each.is_published) for each in made] == [
        ("Page", "text", True), ("Web", "link", True), ("Paper", "pdf", False),
    ]  # fmt: skip
    assert made[0].content == {"html": "<p>Some words.</p>"}
    assert made[1].content == {"url": "https://example.com/a"}
    file = only(core, FileUpload)
    assert made[2].content == {
        "fileId": str(file.id), "name": "Paper.docx", "size": 10, "mimeType": "application/pdf",
    }  # fmt: skip
    assert made[2].description == "Read it."
    assert file.uploaded_by == instructor.id


def test_a_second_import_is_a_second_course(bring):
    first, second = bring(PAGE), bring(PAGE)
    assert (first.slug, second.slug) == ("toy", "toy-2")


def test_pages_find_their_files(bring, core, lessons, instructor):
    report = bring(
        {"title": "P", "html": "<img src='lms-file:a%20b/%C3%BC.png'><img src=\"lms-file:a%20b/%C3%BC.png?x=1#y\">"
                               "<a href=lms-file:gone>Gone</a><a href='other:a'>x</a>"},
        PAGE,
        files={"a b/ü.png": {"name": "ü.png", "hex": PNG}, "unused": {"name": "spare.txt", "text": "a"}},
    )  # fmt: skip
    file = only(core, FileUpload)
    address = f"/api/v1/files/{file.id}/content"
    page, plain = lessons()
    assert page.content["html"] == (
        f'<img src="{address}"><img src="{address}?x=1#y">'
        '<a rel="noopener noreferrer">Gone</a><a rel="noopener noreferrer">x</a>'
    )
    assert page.attachments == [{"fileId": str(file.id), "name": "ü.png", "size": 80, "type": "image/png"}]
    assert plain.attachments == []
    assert instructor.client.get(address).content_type == "image/png"
    assert [(each.name, each.reason) for each in report.skipped] == [
        ("spare.txt", "No lesson uses this file."),
        ("gone", "“P” refers to this file, and it is not there."),
        ("P", "Removed from the page: other:."),
    ]


def test_what_is_taken_out_of_a_page_is_named(bring, lessons):
    report = bring({"title": "P", "html": "a\0<script>lms-file:x</script><p onclick=x>b<iframe src=y></iframe></p>"})
    assert [each.content["html"] for each in lessons()] == ["a<p>b</p>"]
    assert ("P", "Removed from the page: iframe, onclick, script.") in [(s.name, s.reason) for s in report.skipped]


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "video", None),
        (b"ID3\x04\0\0\0\0\0\0", "audio", None),
        (bytes.fromhex(PNG), "text", '<p><a href="{address}" rel="noopener noreferrer">'
                                     '<img src="{address}" alt="&lt;b&gt; &amp; c"></a></p>'),
        (b"PK\x03\x04\x14\0\0\0\0\0", "text",
         '<p><a href="{address}" rel="noopener noreferrer">&lt;b&gt; &amp; c</a></p>'),
    ],
    ids=["video", "audio", "image", "other"],
)  # fmt: skip
def test_files_become_lessons_by_their_content(bring, core, lessons, content, kind, shown):
    bring({"title": "F", "file": "f"}, files={"f": {"name": "<b> & c", "hex": content.hex()}})
    [lesson], file = lessons(), only(core, FileUpload)
    assert lesson.content_type == kind
    assert [each["fileId"] for each in lesson.attachments] == [str(file.id)]
    if shown is None:
        assert lesson.content["fileId"] == str(file.id)
        assert lesson.content["mimeType"].startswith(f"{kind}/")
    else:
        assert lesson.content == {"html": shown.format(address=f"/api/v1/files/{file.id}/content")}


@pytest.mark.parametrize(
    ("lesson", "reason"),
    [
        ({"title": "X", "url": "javascript:alert(1)"}, "This link has no web address."),
        ({"title": "X", "url": "ftp://example.com/a"}, "This link has no web address."),
        ({"title": "X", "url": ""}, "This link has no web address."),
        ({"title": "X", "file": "gone"}, "The file of this lesson is not there."),
        ({"title": "X"}, "The file of this lesson is not there."),
        ({"title": "X", "html": "<div>" * 30_000}, "This HTML is too complex."),
        ({"title": "X", "html": "word " * 100_001}, "This page is too long for a lesson."),
    ],
)
def test_a_lesson_that_cannot_be_brought_is_named_and_the_rest_arrives(bring, lessons, lesson, reason):
    report = bring(lesson, PAGE)
    assert [(each.name, each.reason) for each in report.skipped] == [("X", reason)]
    assert [(each.title, each.order_index) for each in lessons()] == [("Page", 0)]
    assert report.lessons == 1


def test_an_empty_page_is_brought_as_a_draft(bring, lessons):
    report = bring({"title": "P", "html": "<p> </p>"}, PAGE, publish=True)
    assert [(each.title, each.is_published) for each in lessons()] == [("P", False), ("Page", True)]
    told = "There is nothing on this page; students will not see it."
    assert [(each.name, each.reason) for each in report.skipped] == [("P", told)]


FILM = {"url": "http://www.youtube.com/embed/x?a=1", "title": "A film"}
FILM_LINK = '<a href="http://www.youtube.com/embed/x?a=1">A film</a>'


def test_what_a_page_embeds_follows_it_where_it_may(bring, lessons):
    other = {"url": "https://elsewhere.example/x"}
    page = {"title": "P", "html": f"<p>Words and {FILM_LINK}</p>", "embeds": [FILM, other, FILM], "is_published": False}
    report = bring(page, PAGE)
    assert [(each.title, each.content_type, each.is_published) for each in lessons()] == [
        ("P", "text", False), ("A film", "interactive", False), ("Page", "text", True),
    ]  # fmt: skip
    film = lessons()[1].content
    assert (film["src"], film["title"]) == ("https://www.youtube.com/embed/x?a=1", "A film")
    assert [(each.name, each.reason) for each in report.skipped] == [
        ("P", "https://elsewhere.example/x may not be embedded here; a link to it remains.")
    ]


def test_a_page_that_was_nothing_but_an_embedded_one_becomes_it(bring, lessons):
    alone, pictured = f"<div><p>{FILM_LINK}</p></div>", f'<p>{FILM_LINK}<img src="https://example.org/x.png"></p>'
    bring(*({"title": "P", "html": html, "embeds": [FILM]} for html in (alone, pictured)))
    assert [each.content_type for each in lessons()] == ["interactive", "text", "interactive"]


def test_without_a_type_for_it_a_link_remains(bring, lessons):
    nameless = {"url": "javascript:alert(1)"}
    report = bring({"title": "P", "html": f"<p>{FILM_LINK}</p>", "embeds": [nameless]})
    assert [each.content_type for each in lessons()] == ["text"]
    assert [each.name for each in report.skipped] == ["P"]
    many = [{"url": f"https://www.youtube.com/embed/{number}"} for number in range(25)]
    report = bring({"title": "P", "html": "<p>x</p>", "embeds": many})
    assert report.lessons == 21
    assert [each.reason for each in report.skipped] == ["This page embeds too much of other sites."]


def test_files_of_another_installation_are_nobodys(bring, lessons):
    gone = "/api/v1/files/5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a/content"
    bring({"title": "P", "html": f'<p><a href="{gone}">x</a></p>'})
    assert lessons()[0].content["html"] == '<p><a href="#" rel="noopener noreferrer">x</a></p>'


@pytest.mark.parametrize(
    ("kind", "content", "files"),
    [
        ("video", {"fileId": "lms-file-id:film", "durationSeconds": 90,
                   "tracks": [{"fileId": "lms-file-id:words", "kind": "captions", "language": "en"}]},
         ["film", "words"]),
        ("interactive", {"src": "https://h5p.org/1", "allow": ["fullscreen"]}, []),
        ("pdf", {"fileId": "lms-file-id:paper"}, ["paper"]),
    ],
)  # fmt: skip
def test_a_lesson_of_any_type_comes_back_as_it_was(bring, lessons, core, kind, content, files):
    made = {
        "film": {"name": "film", "hex": MP4.hex()},
        "words": {"name": "words", "text": "WEBVTT\n\n"},
        "paper": {"name": "paper", "hex": PDF},
    }
    details = {"contentType": kind, "content": content, "durationMinutes": 7}
    report = bring({"title": "L", "html": "<p>Else</p>", "details": details}, files={key: made[key] for key in files})
    assert report.skipped == []
    [lesson] = lessons()
    assert (lesson.content_type, lesson.duration_minutes, lesson.duration_given) == (kind, 7, True)
    assert len(lesson.attachments) == len(files)
    assert "lms-file" not in json.dumps(lesson.content)
    bad = {**content, "evil": "<script>"}
    bring({"title": "L", "html": "<p>Else</p>", "details": {**details, "content": bad}}, files={})
    assert lessons()[-1].content_type == "text"


def test_what_the_source_does_not_say_is_filled_in(bring, core, lessons):
    report = bring({**PAGE, "title": " \0 "}, title="", language="klingon!", publish=True)
    course = only(core, Course)
    assert (report.title, course.language) == ("Imported course", "en")
    assert course.description == "Imported from course.toy."
    assert [each.title for each in lessons()] == ["Untitled"]


def test_texts_are_kept_within_bounds(bring, core, lessons):
    bring({**PAGE, "title": "t" * 300}, title="A\nB\x07" + "c" * 300, description="d" * 30_000)
    course = only(core, Course)
    assert course.title == "A B" + "c" * 251 + "…"
    assert len(course.description) == 20_000
    assert len(lessons()[0].title) == 255


def test_a_module_without_anything_to_read_is_a_draft(bring, core):
    modules = [
        {"title": "Full", "lessons": [PAGE]},
        {"title": "Empty", "lessons": []},
        {"title": "Hidden", "lessons": [{**PAGE, "is_published": False}]},
    ]
    bring(modules=modules, publish=True)
    with core.transaction() as db:
        made = db.execute(select(Module.title, Module.is_published).order_by(Module.order_index)).all()
    assert [tuple(row) for row in made] == [("Full", True), ("Empty", False), ("Hidden", False)]


def test_reading_times_add_up(bring, core):
    bring({"title": "A", "html": "word " * 500}, {"title": "B", "html": "word " * 100})
    assert only(core, Module).estimated_duration_minutes == 4
    assert only(core, Course).duration_minutes == 4


def test_progress_is_told(bring):
    told = []
    bring(
        PAGE,
        {"title": "F", "file": "f"},
        files={"f": {"name": "f", "text": "12345"}},
        progress=lambda *step: told.append(step),
    )
    assert told == [("reading", 0, 1), ("reading", 1, 1), ("files", 5, 5), ("lessons", 2, 2)]


def test_an_import_is_audited_and_announced(bring, core):
    report = bring(PAGE, publish=True)
    entry = only(core, AuditLog)
    assert (entry.action, entry.resource_id) == ("courses.import", report.course_id)
    with core.transaction() as db:
        assert list(db.scalars(select(Outbox.name).order_by(Outbox.id))) == [
            "courses.created", "courses.lesson_content_changed", "courses.published",
        ]  # fmt: skip


def test_the_cost_does_not_grow_with_the_length_of_modules(bring, statements):
    def cost(number):
        with statements() as seen:
            bring(*[PAGE] * number)
        return seen.count

    assert cost(60) == cost(3)


def refused(call, *arguments, **named):
    with pytest.raises(LMSError) as error:
        call(*arguments, **named)
    return error.value.code


def test_only_instructors_get_courses(toy_registry, tmp_path, make_person, admin):
    path = tmp_path / "course.toy"
    path.write_text(json.dumps({"title": "T", "modules": []}))
    student, gone = make_person("student"), make_person("instructor", is_active=False)
    assert refused(import_course, toy_registry, path, student.email) == "instructor_not_allowed"
    assert refused(import_course, toy_registry, path, gone.email) == "instructor_unknown"
    assert refused(import_course, toy_registry, path, "nobody@example.com") == "instructor_unknown"
    assert import_course(toy_registry, path, admin.email).lessons == 0


def test_a_file_that_no_importer_knows(toy_registry, tmp_path, instructor):
    path = tmp_path / "notes.txt"
    path.write_text("Not a course.")
    assert refused(import_course, toy_registry, path, instructor.email) == "import_unknown_format"
    assert refused(import_course, toy_registry, tmp_path / "gone.toy", instructor.email) == "import_unreadable"
    assert refused(import_course, toy_registry, tmp_path, instructor.email) == "import_unreadable"
