"""Versions: students see what was published, editors what will be, and an old version comes back whole."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from lms_core.courses.models import LessonRevision
from lms_core.testing.courses import make_course


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}"


def lesson_url(lesson):
    return f"/api/v1/lessons/{lesson}"


def outline(person, url):
    return [(module["title"], [lesson["title"] for lesson in module["lessons"]])
            for module in person.client.get(f"{url}/modules").json["items"]]  # fmt: skip


def changes(person, url):
    return [
        (each["kind"], each["title"], each["changes"]) for each in person.client.get(f"{url}/changes").json["items"]
    ]


FIRST = [("Module 1", ["Lesson 1.1", "Lesson 1.2"]), ("Module 2", ["Lesson 2.1", "Lesson 2.2"])]


def test_students_see_what_was_published_until_the_next_time(instructor, student, course, url):
    first, second = course.lessons[:2]
    assert changes(instructor, url) == []
    instructor.client.put_json(
        lesson_url(first), {"title": "Rewritten", "content": {"html": "<p>New words.</p>"}, "isPreview": True}
    )
    instructor.client.delete(lesson_url(second), status=204)
    instructor.client.post_json(f"{url}/modules", {"title": "Module 3"}, status=201)

    assert outline(student, url) == FIRST
    assert student.client.get(lesson_url(first)).json["content"] == {"html": "<p>Some words to read.</p>"}
    assert student.client.get(lesson_url(second)).json["title"] == "Lesson 1.2"
    assert instructor.client.get(lesson_url(first)).json["title"] == "Rewritten"
    instructor.client.get(lesson_url(second), status=404)
    assert changes(instructor, url) == [
        ("lesson", "Lesson 1.2", ["removed"]),
        ("lesson", "Rewritten", ["edited"]),
        ("module", "Module 3", ["added"]),
    ]

    refused = instructor.client.post_json(f"{url}/publish", status=409).json
    assert "Module 3" in refused["errors"]["modules"][0]
    third = instructor.client.get(f"{url}/modules").json["items"][-1]["id"]
    instructor.client.put_json(f"/api/v1/modules/{third}", {"isPublished": False})
    instructor.client.post_json(f"{url}/publish")
    assert outline(student, url) == [("Module 1", ["Rewritten"]), FIRST[1]]
    student.client.get(lesson_url(second), status=404)
    assert changes(instructor, url) == []


def test_versions_are_listed_and_can_be_looked_into(instructor, course, url):
    instructor.client.put_json(lesson_url(course.lessons[0]), {"title": "Rewritten"})
    instructor.client.post_json(f"{url}/publish")
    instructor.client.put_json(f"{url}/versions/2", {"note": "A better title."})
    listed = instructor.client.get(f"{url}/versions").json["items"]
    assert [(each["number"], each["note"], each["isCurrent"], each["lessonsTotal"]) for each in listed] == [
        (2, "A better title.", True, 4),
        (1, None, False, 4),
    ]
    assert listed[0]["publishedBy"]["id"] == str(instructor.id)
    old = instructor.client.get(f"{url}/versions/1").json
    assert [lesson["title"] for lesson in old["modules"][0]["lessons"]] == ["Lesson 1.1", "Lesson 1.2"]
    lesson = instructor.client.get(f"{url}/versions/1/lessons/{course.lessons[0]}").json
    assert (lesson["title"], lesson["courseId"]) == ("Lesson 1.1", str(course.id))


def test_an_old_version_comes_back_and_nothing_else_is_lost(instructor, student, course, url):
    instructor.client.delete(f"/api/v1/modules/{course.modules[0]}", status=204)
    instructor.client.put_json(lesson_url(course.lessons[2]), {"title": "Changed"})
    added = {"title": "Only here", "contentType": "text", "content": {"html": "<p>Mine.</p>"}}
    instructor.client.post_json(f"/api/v1/modules/{course.modules[1]}/lessons", added, status=201)
    instructor.client.post_json(f"{url}/publish")
    assert outline(student, url) == [("Module 2", ["Changed", "Lesson 2.2", "Only here"])]

    instructor.client.post_json(f"{url}/versions/1/restore")
    assert outline(student, url) == [("Module 2", ["Changed", "Lesson 2.2", "Only here"])]
    kept = [FIRST[0], ("Module 2", ["Lesson 2.1", "Lesson 2.2", "Only here"])]
    assert outline(instructor, url) == kept
    last = instructor.client.get(f"{url}/modules").json["items"][1]["lessons"][2]
    assert last["isPublished"] is False

    instructor.client.post_json(f"{url}/publish")
    assert outline(student, url) == FIRST
    first, third = (instructor.client.get(f"{url}/versions/{number}").json["modules"] for number in (1, 3))
    assert third == first


def test_progress_survives_a_lesson_that_comes_and_goes(instructor, student, course, url):
    lesson = course.lessons[0]
    student.client.post_json(f"{lesson_url(lesson)}/start")
    student.client.post_json(f"{lesson_url(lesson)}/complete")
    instructor.client.delete(lesson_url(lesson), status=204)
    instructor.client.post_json(f"{url}/publish")
    student.client.post_json(f"{lesson_url(lesson)}/start", status=404)
    instructor.client.post_json(f"{url}/versions/1/restore")
    instructor.client.post_json(f"{url}/publish")
    assert student.client.post_json(f"{lesson_url(lesson)}/start").json["status"] == "completed"


def test_what_did_not_change_is_not_stored_again(core, instructor, course, url):
    instructor.client.put_json(lesson_url(course.lessons[0]), {"title": "Changed"})
    instructor.client.post_json(f"{url}/publish")
    instructor.client.post_json(f"{url}/versions/1/restore")
    instructor.client.post_json(f"{url}/publish")
    assert instructor.client.get(f"{url}/versions").json["total"] == 3
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(LessonRevision)) == 5


def test_publishing_without_a_change_makes_no_version(instructor, course, url):
    instructor.client.post_json(f"{url}/publish")
    assert instructor.client.get(f"{url}/versions").json["total"] == 1


def test_versions_are_the_editors_business(app, student, instructor, make_person, admin, course, url):
    helper = make_person()
    assistant = {"userId": str(helper.id), "role": "teaching_assistant"}
    instructor.client.post_json(f"{url}/staff", assistant, status=201)
    paths = ["/versions", "/versions/1", f"/versions/1/lessons/{course.lessons[0]}", "/changes"]
    for path in paths:
        admin.client.get(url + path)
        app.get(url + path, status=401)
        for person in (student, helper, make_person("instructor")):
            person.client.get(url + path, status=403)
    student.client.post_json(f"{url}/versions/1/restore", status=403)
    helper.client.put_json(f"{url}/versions/1", {"note": "x"}, status=403)


def test_restoring_takes_every_permission_that_it_uses(instructor, make_person, course, url):
    helper, lesson = make_person(), lesson_url(course.lessons[0])
    staff = {"userId": str(helper.id), "role": "teaching_assistant", "permissions": {"courses:update": True}}
    instructor.client.post_json(f"{url}/staff", staff, status=201)
    instructor.client.put_json(lesson, {"title": "Not yet published"})
    helper.client.get(f"{url}/versions")
    helper.client.post_json(f"{url}/versions/1/restore", status=403)
    for missing in ("lessons:update", "modules:update", "lessons:delete", "modules:delete"):
        given = {"role": "co_instructor", "permissions": {missing: False}}
        instructor.client.put_json(f"{url}/staff/{helper.id}", given)
        helper.client.post_json(f"{url}/versions/1/restore", status=403)
    assert instructor.client.get(lesson).json["title"] == "Not yet published"
    instructor.client.put_json(f"{url}/staff/{helper.id}", {"role": "co_instructor", "permissions": {}})
    helper.client.post_json(f"{url}/versions/1/restore")
    assert instructor.client.get(lesson).json["title"] == "Lesson 1.1"


@pytest.mark.parametrize("number", ["0", "-1", "2", "01", "x", "99999999999", "1%00"])
def test_no_such_version(instructor, url, number):
    instructor.client.get(f"{url}/versions/{number}", status=404)
    instructor.client.post_json(f"{url}/versions/{number}/restore", status=404)


def test_a_lesson_of_another_course_is_in_no_version_of_this_one(core, instructor, course, url):
    other = make_course(core, instructor.id)
    instructor.client.get(f"{url}/versions/1/lessons/{other.lessons[0]}", status=404)


def test_reading_versions_costs_at_most_four_statements(instructor, course, url, statements):
    for path in ("/versions", "/versions/1", f"/versions/1/lessons/{course.lessons[0]}", "/changes"):
        with statements() as seen:
            instructor.client.get(url + path)
        assert seen.count <= 4, seen


def test_publishing_costs_the_same_whatever_the_size(core, instructor, statements):
    counts = []
    for size in (2, 40):
        made = make_course(core, instructor.id, modules=2, lessons=size, published=False)
        with statements() as seen:
            instructor.client.post_json(f"/api/v1/courses/{made.id}/publish")
        counts.append(seen.count)
    assert counts[0] == counts[1]


def test_a_version_is_whole_whoever_edits_meanwhile(instructor, course, url):
    """Edits and publications at once: each version has every lesson, each in one of its states."""
    token = instructor.client.authorization[1]

    def edit(number):
        lesson = lesson_url(course.lessons[number % 4])
        return instructor.client.bearer(token).put_json(lesson, {"title": f"Edit {number}"}).status_int

    def publish(_number):
        return instructor.client.bearer(token).post_json(f"{url}/publish").status_int

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(publish if number % 3 == 0 else edit, number) for number in range(24)]
        assert {each.result() for each in work} == {200}
    for version in instructor.client.get(f"{url}/versions").json["items"]:
        modules = instructor.client.get(f"{url}/versions/{version['number']}").json["modules"]
        assert [len(module["lessons"]) for module in modules] == [2, 2]
