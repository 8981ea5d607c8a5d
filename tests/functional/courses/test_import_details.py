"""What a source says beyond title and text is kept where an author could have said it, and named where not."""

import json

import pytest
from sqlalchemy import select

from lms_core.courses.importer import import_course
from lms_core.courses.models import Course, Lesson, Module
from lms_core.kernel.errors import LMSError

PAGE = {"title": "Page", "html": "<p>Some words.</p>"}
REFUSED = "Not kept, because it is not valid here: {}."


@pytest.fixture
def bring(toy_registry, instructor, tmp_path):
    """``bring(*lessons, **course)`` imports a course of one module; ``module`` are its details."""

    def bring(*lessons, module=None, registry=toy_registry, **course):
        modules = [{"title": "One", "lessons": lessons or [PAGE], "details": module or {}}]
        path = tmp_path / "course.toy"
        path.write_text(json.dumps({"title": "Toy", "modules": modules, **course}))
        return import_course(registry, path, instructor.email)

    return bring


def only(core, model):
    with core.transaction() as db:
        return db.scalars(select(model)).one()


def told(report):
    return [(each.name, each.reason) for each in report.skipped]


def test_details_count_more_than_the_rest(bring, core):
    details = {
        "title": "  Another  title ", "description": "Two\nlines", "isPublished": False, "isPreview": True,
        "minSeconds": 30, "durationMinutes": 7, "allowComments": False, "transcript": "Said.",
    }  # fmt: skip
    report = bring({**PAGE, "details": details}, details={"title": "Real", "tags": ["a", "b"], "level": "advanced"})
    assert told(report) == []
    lesson, course = only(core, Lesson), only(core, Course)
    assert (lesson.title, lesson.description, lesson.is_published) == ("Another  title", "Two\nlines", False)
    assert (lesson.is_preview, lesson.min_seconds, lesson.duration_minutes) == (True, 30, 7)
    assert (lesson.allow_comments, lesson.transcript) == (False, "Said.")
    assert (course.title, course.tags, course.level) == ("Real", ["a", "b"], "advanced")


@pytest.mark.parametrize(
    ("details", "refused"),
    [
        ({"minSeconds": -1, "isPreview": True}, "minSeconds"),
        ({"minSeconds": "30", "durationMinutes": 1.5}, "durationMinutes, minSeconds"),
        ({"title": "", "description": "x" * 5001}, "description, title"),
        ({"contentType": "a b", "content": {"html": "<p>x</p>"}}, "contentType"),
        ({"content": [], "attachments": "lms-file-id:f"}, "attachments, content"),
        ({"transcript": "x" * 500_001}, "transcript"),
        ({"somethingNew": 1}, "somethingNew"),
        ({"id": "1", "moduleId": "2", "createdAt": "2020-01-01T00:00:00Z"}, "createdAt, id, moduleId"),
    ],
)
def test_what_an_author_could_not_say_of_a_lesson_is_named_and_left(bring, core, details, refused):
    assert told(bring({**PAGE, "details": details})) == [("Page", REFUSED.format(refused))]
    lesson = only(core, Lesson)
    assert (lesson.title, lesson.content, lesson.min_seconds) == ("Page", {"html": "<p>Some words.</p>"}, 0)
    assert lesson.is_preview is details.get("isPreview", False)


@pytest.mark.parametrize(
    ("details", "refused"),
    [
        ({"price": "-1", "currency": "euro"}, "currency, price"),
        ({"price": "NaN", "maxStudents": 0}, "maxStudents, price"),
        ({"thumbnailUrl": "javascript:alert(1)", "introVideoUrl": "/x"}, "introVideoUrl, thumbnailUrl"),
        ({"tags": ["x" * 51], "code": "no spaces"}, "code, tags"),
        ({"slug": "mine", "isPublished": True, "instructorId": "x"}, "instructorId, isPublished, slug"),
        ({"language": "klingon!", "level": "godlike"}, "language, level"),
    ],
)
def test_what_an_author_could_not_say_of_a_course_is_named_and_left(bring, core, details, refused):
    assert told(bring(details={**details, "syllabus": "Kept."})) == [("Toy", REFUSED.format(refused))]
    course = only(core, Course)
    assert (course.title, course.syllabus, course.is_published) == ("Toy", "Kept.", False)


def test_modules_wait_for_modules_of_the_same_course(toy_registry, core, instructor, tmp_path):
    details = [{"prerequisites": []}, {"prerequisites": [0, 7, -1]}, {"unlockType": "never", "prerequisites": [1]}]
    modules = [{"title": str(place), "lessons": [PAGE], "details": each} for place, each in enumerate(details)]
    path = tmp_path / "course.toy"
    path.write_text(json.dumps({"title": "Toy", "modules": modules}))
    report = import_course(toy_registry, path, instructor.email)
    assert told(report) == [("2", REFUSED.format("unlockType"))]
    with core.transaction() as db:
        first, second, third = db.scalars(select(Module).order_by(Module.order_index))
    assert (first.prerequisites, second.prerequisites, third.prerequisites) == ([], [first.id], [second.id])
    assert third.unlock_type == "immediate"


def test_a_category_that_is_not_offered_here(configure_with_toy, bring, core):
    registry = configure_with_toy(lms__courses__categories=("Food",))
    report = bring(registry=registry, details={"category": "Weapons", "subCategory": "Knives"})
    assert told(report) == [("Toy", "There is no category Weapons here.")]
    assert (only(core, Course).category, only(core, Course).sub_category) == (None, "Knives")


def test_completion_criteria_are_those_of_the_content_type(bring, core):
    report = bring({**PAGE, "details": {"completionCriteria": {"playedPercent": 50}}})
    assert told(report) == [("Page", REFUSED.format("completionCriteria"))]
    assert only(core, Lesson).completion_criteria == {}


def test_content_names_files_by_their_keys(bring, core):
    files = {"a b": {"name": "p.pdf", "hex": b"%PDF-1.7 \0".hex()}}
    details = {"contentType": "pdf", "content": {"fileId": "lms-file-id:a%20b"}}
    report = bring({**PAGE, "details": details}, files=files)
    assert (told(report), report.files) == ([], 1)
    lesson = only(core, Lesson)
    assert (lesson.content_type, lesson.content["name"]) == ("pdf", "p.pdf")
    assert lesson.content["fileId"] == lesson.attachments[0]["fileId"]


@pytest.mark.parametrize(
    "content",
    [
        {"fileId": "lms-file-id:gone"},
        {"fileId": "00000000-0000-0000-0000-000000000000"},
        {"fileId": 1},
        {},
        {"fileId": "lms-file-id:a", "script": "<script>"},
    ],
)
def test_content_that_its_type_refuses_gives_way(bring, core, content):
    report = bring({**PAGE, "details": {"contentType": "pdf", "content": content}})
    assert {each.name for each in report.skipped} <= {"Page", "gone", "a"}
    assert report.skipped
    assert only(core, Lesson).content == {"html": "<p>Some words.</p>"}


def test_what_came_beside_a_page_outlives_its_next_edit(bring, core, instructor):
    files = {"a": {"name": "sheet.pdf", "hex": b"%PDF-1.7 \0".hex()}}
    assert told(bring({**PAGE, "details": {"attachments": ["lms-file-id:a"]}}, files=files)) == []
    lesson = f"/api/v1/lessons/{only(core, Lesson).id}"
    changed = instructor.client.put_json(lesson, {"content": {"html": "<p>Other words.</p>"}}).json
    assert [(each["name"], each["attached"]) for each in changed["attachments"]] == [("sheet.pdf", True)]


def test_files_of_others_stay_theirs(bring, core, registry, make_person):
    """An id is no way to a file that the import did not bring."""
    theirs = make_person("instructor").client.send("POST", "/api/v1/files?name=x.pdf", b"%PDF-1.7 \0", headers={
        "Content-Type": "application/octet-stream"}).json["id"]  # fmt: skip
    details = {"contentType": "pdf", "content": {"fileId": theirs}, "attachments": [f"lms-file-id:{theirs}"]}
    bring({**PAGE, "details": details}, {"title": "Two", "html": f'<a href="/api/v1/files/{theirs}/content">x</a>'})
    with core.transaction() as db:
        lessons = db.scalars(select(Lesson)).all()
    assert [lesson.attachments for lesson in lessons] == [[], []]
    assert theirs not in json.dumps([lesson.content for lesson in lessons])


def test_what_is_nested_absurdly_deep_is_refused(bring, core):
    deep = "x"
    for _level in range(100):
        deep = [deep]
    with pytest.raises(LMSError) as refused:
        bring({**PAGE, "details": {"content": {"a": deep}}})
    assert refused.value.code == "import_invalid"


def test_characters_that_nothing_can_hold_are_left_out(bring, core):
    bring({**PAGE, "details": {"title": "a\0b\x07c", "transcript": "x\ud800y"}}, details={"syllabus": "a\0b"})
    lesson = only(core, Lesson)
    assert (lesson.title, lesson.transcript, only(core, Course).syllabus) == ("abc", "xy", "ab")


def test_a_title_that_turns_the_direction_of_text_does_so_no_longer(bring, core):
    report = bring({**PAGE, "title": "Les\u202eson"}, title="\u2067Toy", details={"category": "\u202eyoT"})
    assert (only(core, Course).title, only(core, Course).category) == ("Toy", None)
    assert only(core, Lesson).title == "Lesson"
    assert told(report) == [("Toy", REFUSED.format("category"))]
