"""Files that authors put beside the content of a lesson: who may read them, and that they stay."""

import pytest

from lms_core.files.models import FileUpload
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ...plugins.content_types.media import MP4_HEAD, PNG, pdf

NOBODYS = "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, lessons=1)


@pytest.fixture
def lesson(course):
    """Where a lesson is, whose content uses no file."""
    return f"/api/v1/lessons/{course.lessons[0]}"


@pytest.fixture
def change(instructor):
    """``change(url, **fields)`` -> the answer to the author."""
    return lambda url, status=200, **fields: instructor.client.put_json(url, fields, status=status).json


@pytest.fixture
def upload(registry, instructor):
    """``upload(content)`` -> the id of a file of the author's."""
    return lambda content, owner=instructor, name="A file": str(make_file(registry, owner.id, content, name).id)


def ids(lesson, mark="attached"):
    return [entry["fileId"] for entry in lesson["attachments"] if entry[mark]]


def address(file):
    return f"/api/v1/files/{file}/content"


def test_an_author_says_which_files_there_are_and_in_which_order(lesson, change, upload, instructor):
    sheet, picture = upload(pdf(1), name="Sheet.pdf"), upload(PNG)
    assert ids(change(lesson, attachments=[sheet, picture, sheet])) == [sheet, picture]
    first = instructor.client.get(lesson).json["attachments"][0]
    assert first == {
        "fileId": sheet, "name": "Sheet.pdf", "url": address(sheet), "size": len(pdf(1)), "type": "application/pdf",
        "attached": True, "derived": False,
    }  # fmt: skip
    assert ids(change(lesson, attachments=[picture, sheet])) == [picture, sheet]
    assert ids(change(lesson, title="Another")) == [picture, sheet]
    instructor.client.delete(f"/api/v1/files/{sheet}", status=409)
    assert ids(change(lesson, attachments=[])) == []
    instructor.client.delete(f"/api/v1/files/{sheet}", status=204)


@pytest.mark.parametrize("of", ["lessons", "modules"])
def test_what_was_deleted_keeps_no_file_but_that_of_a_version(core, upload, instructor, change, of):
    """Nobody could take a file off a lesson that is not there any more."""
    course = make_course(core, instructor.id, lessons=1, published=False)
    sheet, paper = upload(pdf(1)), upload(pdf(2))
    lesson, course_url = f"/api/v1/lessons/{course.lessons[0]}", f"/api/v1/courses/{course.id}"
    change(lesson, attachments=[sheet])
    instructor.client.post_json(f"{course_url}/publish")
    change(lesson, attachments=[paper])
    instructor.client.delete(f"/api/v1/{of}/{getattr(course, of)[0]}", status=204)
    instructor.client.delete(f"/api/v1/files/{paper}", status=204)
    instructor.client.delete(f"/api/v1/files/{sheet}", status=409)
    instructor.client.post_json(f"{course_url}/versions/1/restore")
    assert ids(instructor.client.get(lesson).json) == [sheet]


def test_a_lesson_is_made_with_its_files(course, upload, instructor):
    sheet, film = upload(pdf(1)), upload(MP4_HEAD)
    body = {"title": "L", "contentType": "video", "content": {"fileId": film}, "attachments": [sheet]}
    made = instructor.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons", body, status=201).json
    assert [(each["fileId"], each["attached"]) for each in made["attachments"]] == [(film, False), (sheet, True)]


def test_another_content_leaves_them_where_they_are(lesson, change, upload):
    sheet, picture = upload(pdf(1)), upload(PNG)
    shown = {"html": f'<img src="{address(picture)}">'}
    changed = change(lesson, attachments=[sheet], content=shown)
    assert [(each["fileId"], each["attached"]) for each in changed["attachments"]] == [(picture, False), (sheet, True)]
    assert ids(change(lesson, content={"html": "<p>Words</p>"})) == [sheet]


def test_a_file_of_the_content_can_be_attached_as_well(lesson, change, upload, instructor):
    picture = upload(PNG)
    shown = {"html": f'<img src="{address(picture)}">'}
    change(lesson, content=shown, attachments=[picture])
    assert ids(change(lesson, content={"html": "<p>Words</p>"})) == [picture]
    change(lesson, content=shown)
    kept = change(lesson, attachments=[])["attachments"]
    assert [(each["fileId"], each["attached"]) for each in kept] == [(picture, False)]
    instructor.client.delete(f"/api/v1/files/{picture}", status=409)


def test_what_is_found_out_about_the_content_is_kept_apart(course, upload, instructor, deliver, change):
    """An attached film is not the lesson's own, and both change without each other."""
    sheet, other = upload(pdf(3)), upload(pdf(1))
    body = {"title": "L", "contentType": "pdf", "content": {"fileId": sheet}, "attachments": [other]}
    made = instructor.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons", body, status=201).json
    url = f"/api/v1/lessons/{made['id']}"
    deliver()
    assert instructor.client.get(url).json["content"]["pages"] == 3
    assert change(url, attachments=[])["content"]["pages"] == 3
    assert ids(change(url, attachments=[other])) == [other]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([NOBODYS], "file_unknown"),
        (["x"], "invalid"),
        ("x", "invalid"),
        (None, "invalid"),
        ([NOBODYS] * 51, "invalid"),
    ],
)
def test_what_is_no_list_of_files_is_refused(lesson, change, upload, sent, code):
    sheet = upload(pdf(1))
    change(lesson, attachments=[sheet])
    refused = change(lesson, attachments=sent, title="No", status=422)
    assert (refused["code"], set(refused["errors"])) == (code, {"attachments"})
    kept = change(lesson)
    assert (ids(kept), kept["title"]) == ([sheet], "Lesson 1.1")


def test_files_of_others_and_infected_ones_are_refused(lesson, change, upload, core, make_person):
    theirs, infected = upload(pdf(1), owner=make_person("instructor")), upload(pdf(2))
    assert change(lesson, attachments=[theirs], status=422)["code"] == "file_unknown"
    with core.transaction() as db:
        db.query(FileUpload).filter_by(id=infected).update({"virus_scan_result": "infected"})
    assert change(lesson, attachments=[infected], status=422)["code"] == "file_infected"


def test_what_students_see_can_be_put_back_by_another_author(lesson, change, upload, course, instructor, make_person):
    """What an author has taken off the draft by mistake, the course still has."""
    helper, course_url = make_person("instructor"), f"/api/v1/courses/{course.id}"
    sheet = upload(pdf(1), owner=helper)
    instructor.client.post_json(f"{course_url}/staff", {"userId": str(helper.id), "role": "co_instructor"}, status=201)
    helper.client.put_json(lesson, {"attachments": [sheet]})
    change(lesson, attachments=[])
    assert change(lesson, attachments=[sheet], status=422)["code"] == "file_unknown"
    helper.client.put_json(lesson, {"attachments": [sheet]})
    instructor.client.post_json(f"{course_url}/publish")
    change(lesson, attachments=[])
    assert ids(change(lesson, attachments=[sheet])) == [sheet]


def test_students_of_the_course_download_them_once_they_are_published(
    lesson, change, upload, course, instructor, student, app, make_person
):
    sheet, stranger = upload(pdf(1)), make_person()
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    change(lesson, attachments=[sheet])
    student.client.get(address(sheet), status=404)
    assert student.client.get(lesson).json["attachments"] == []
    publish = f"/api/v1/courses/{course.id}/publish"
    instructor.client.post_json(publish)
    listed = student.client.get(lesson).json["attachments"]
    assert [each["url"] for each in listed] == [address(sheet)]
    assert student.client.get(listed[0]["url"]).body == pdf(1)
    stranger.client.get(address(sheet), status=404)
    app.get(address(sheet), status=404)
    change(lesson, attachments=[])
    student.client.get(address(sheet), status=200)
    instructor.client.post_json(publish)
    student.client.get(address(sheet), status=404)


def test_an_earlier_version_and_a_copy_have_them_too(lesson, change, upload, course, instructor):
    sheet = upload(pdf(1))
    change(lesson, attachments=[sheet])
    course_url = f"/api/v1/courses/{course.id}"
    instructor.client.post_json(f"{course_url}/publish")
    change(lesson, attachments=[])
    instructor.client.post_json(f"{course_url}/versions/2/restore")
    assert ids(instructor.client.get(lesson).json) == [sheet]
    copy = instructor.client.post_json(f"{course_url}/duplicate", {"title": "Copy"}, status=201).json
    [module] = instructor.client.get(f"/api/v1/courses/{copy['id']}/modules").json["items"]
    [copied] = instructor.client.get(f"/api/v1/modules/{module['id']}/lessons").json["items"]
    assert ids(instructor.client.get(f"/api/v1/lessons/{copied['id']}").json) == [sheet]
