"""What an owner lets a member of the staff not read, no view tells them: read permissions against every view."""

import re

import pytest
from sqlalchemy import delete, select

from lms_core.accounts.models import GroupPermission, Permission
from lms_core.kernel.openapi import operations
from lms_core.kernel.openapi.examples import example_of
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ...plugins.content_types.media import PNG

OLD_LESSON, LESSON, MODULE = "medlar jelly", "quince marmalade", "Orchard of drafts"
"""In a lesson as it was published, in a lesson as it is now, and over a module that nobody has published."""
LAST = ("restore", "archive", "unpublish", "drop")
"""After these there is less to see."""


@pytest.fixture
def helper(make_person):
    """Somebody who may own courses, too, and so take copies."""
    return make_person("instructor")


@pytest.fixture
def picture(registry, instructor):
    return make_file(registry, instructor.id, PNG, "plan.png")


@pytest.fixture
def course(core, instructor, picture):
    """A published course whose draft has gone on."""
    made = make_course(core, instructor.id, published=False)
    url, lesson = f"/api/v1/courses/{made.id}", f"/api/v1/lessons/{made.lessons[0]}"
    instructor.client.put_json(lesson, {"content": {"html": f"<p>{OLD_LESSON}</p>"}})
    instructor.client.post_json(f"{url}/publish")
    shown = f'<p>{LESSON}</p><img src="/api/v1/files/{picture.id}/content">'
    instructor.client.put_json(lesson, {"content": {"html": shown}})
    module = instructor.client.post_json(f"{url}/modules", {"title": MODULE}, status=201).json["id"]
    content = {"title": "Grafting", "contentType": "text", "content": {"html": f"<p>{LESSON}</p>"}}
    instructor.client.post_json(f"/api/v1/modules/{module}/lessons", content, status=201)
    return made


class Told:
    """All that somebody is answered."""

    def __init__(self, client):
        self.client, self.answers = client, []

    def ask(self, method, url, body=None):
        if body is None:
            answer = self.client.request(url, method=method, expect_errors=True)
        else:
            answer = getattr(self.client, f"{method.lower()}_json")(url, body, expect_errors=True)
        self.answers.append((method, url, answer))
        return answer

    def telling(self, words):
        return {f"{method} {url}" for method, url, answer in self.answers if words.encode() in answer.body}


@pytest.fixture
def walk(registry, course, student, picture, deliver):
    """``walk(client)`` -> all that every view tells somebody to which a course leads, and what they take along."""
    known = {
        "courseIdOrSlug": course.id, "moduleId": course.modules[0], "lessonId": course.lessons[0], "versionNumber": 1,
        "fileId": picture.id,
    }  # fmt: skip
    bodies = {
        ("put", "/api/v1/lessons/{lessonId}"): {"allowComments": True},
        ("post", "/api/v1/lessons/{lessonId}/move"): {"moduleId": str(course.modules[0])},
        ("put", "/api/v1/modules/{moduleId}"): {"isPublished": True},
        ("put", "/api/v1/modules/{moduleId}/lessons/order"): {"ids": [str(each) for each in course.lessons]},
        ("put", "/api/v1/courses/{courseIdOrSlug}/modules/order"): {"ids": [str(course.modules[0])]},
        ("put", "/api/v1/courses/{courseIdOrSlug}"): {"title": "Pomology"},
        ("post", "/api/v1/courses/{courseIdOrSlug}/exports"): {},
        ("post", "/api/v1/courses/{courseIdOrSlug}/duplicate"): {},
    }
    reached = [
        each for each in operations(registry)
        if (found := re.findall(r"{(\w+)}", each.path)) and known.keys() >= set(found) and each.method != "delete"
    ]  # fmt: skip
    reached.sort(key=lambda each: (each.method != "get", each.path.endswith(LAST)))
    assert len(reached) > 50

    def walk(client):
        told = Told(client)
        for each in reached:
            url = re.sub(r"{(\w+)}", lambda found: str(known[found[1]]), each.path)
            query = f"?userId={student.id}" if url.endswith("/explain") else ""
            body = each.options.get("body")
            sent = bodies.get((each.method, each.path), example_of(body, sent=True) if body else None)
            if each.method in ("post", "put"):
                sent = sent or {}
            answer = told.ask(each.method.upper(), url + query, sent)
            if answer.status_int in (201, 202) and "Location" in answer.headers:
                deliver()
                _follow(told, answer.headers["Location"])
        return told

    return walk


def _follow(told, made):
    """What comes of an export, and of a copy: whatever it shows leads on."""
    told.ask("GET", made)
    told.ask("GET", f"{made}/content")
    modules = told.ask("GET", f"{made}/modules")
    for module in modules.json["items"] if modules.status_int == 200 else []:
        for lesson in module["lessons"]:
            told.ask("GET", f"/api/v1/lessons/{lesson['id']}")


def assign(instructor, course, helper, **permissions):
    body = {"userId": str(helper.id), "role": "co_instructor", "permissions": permissions}
    return instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201).json


def test_a_co_instructor_is_told_all_of_it(instructor, helper, course, walk, picture):
    """What the other tests look for is there to be found, at each place where it was once found by those denied it."""
    assign(instructor, course, helper)
    told, url = walk(helper.client), f"/api/v1/courses/{course.id}"
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    assert {f"GET {lesson}", f"PUT {lesson}"} <= told.telling(LESSON)
    assert len([each for each in told.telling(LESSON) if each.startswith("GET /api/v1/lessons/")]) > 1, "the copy"
    assert f"GET {url}/versions/1/lessons/{course.lessons[0]}" in told.telling(OLD_LESSON)
    modules = told.telling(MODULE)
    assert {f"GET {url}/modules", f"GET {url}/outline", f"GET {url}/changes"} <= modules
    statuses = {f"{method} {asked}": answer.status_int for method, asked, answer in told.answers}
    assert statuses[f"POST {url}/duplicate"] == 201
    assert statuses[f"POST {url}/exports"] == 202
    assert statuses[f"GET /api/v1/files/{picture.id}/content"] == 200


@pytest.mark.parametrize("role", ["co_instructor", "teaching_assistant"])
def test_lessons_denied_are_told_by_no_view(instructor, helper, course, walk, picture, role):
    every = dict.fromkeys(("courses:update", "courses:export", "courses:publish", "lessons:update"), True)
    body = {"userId": str(helper.id), "role": role, "permissions": {**every, "lessons:read": False}}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
    told = walk(helper.client)
    assert not told.telling(LESSON)
    assert not told.telling(OLD_LESSON)
    assert not [each for each in told.answers if PNG in each[2].body]
    statuses = {f"{method} {asked}": answer.status_int for method, asked, answer in told.answers}
    url = f"/api/v1/courses/{course.id}"
    assert statuses[f"GET {url}/versions/1/lessons/{course.lessons[0]}"] == 403
    assert statuses[f"POST {url}/duplicate"] == 403
    assert statuses[f"POST {url}/exports"] == 403
    assert statuses[f"PUT /api/v1/lessons/{course.lessons[0]}"] == 403
    assert statuses[f"GET {url}/modules"] == 200


def test_modules_denied_are_told_by_no_view(instructor, helper, course, walk):
    assign(instructor, course, helper, **{"modules:read": False})
    told = walk(helper.client)
    assert not told.telling(MODULE)
    published = helper.client.get(f"/api/v1/courses/{course.id}/modules").json["items"]
    assert [each["title"] for each in published] == ["Module 1"], "what anybody sees"


def test_a_card_of_a_draft_shows_no_module_to_who_may_read_none(core, instructor, helper):
    draft = make_course(core, instructor.id, published=False)
    assign(instructor, draft, helper)
    drafts = {"status": "draft"}
    [card] = helper.client.get("/api/v1/courses", drafts).json["items"]
    assert card["firstModule"]["id"] == str(draft.modules[0])
    url = f"/api/v1/courses/{draft.id}/staff/{helper.id}"
    instructor.client.put_json(url, {"permissions": {"modules:read": False}})
    [card] = helper.client.get("/api/v1/courses", drafts).json["items"]
    assert card["firstModule"] is None
    [card] = instructor.client.get("/api/v1/courses", drafts).json["items"]
    assert card["firstModule"]["id"] == str(draft.modules[0])


def test_what_no_group_grants_is_not_effective(core, instructor, helper, course):
    """A role gives it, and yet the views refuse it."""
    with core.transaction() as db:
        granted = select(Permission.id).filter_by(resource="lessons", action="update", scope="assigned")
        db.execute(delete(GroupPermission).where(GroupPermission.permission_id.in_(granted)))
    held = set(assign(instructor, course, helper)["effective"])
    assert "lessons:create" in held
    assert "lessons:update" not in held
    helper.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "Mine"}, status=403)


def test_who_takes_the_course_besides_sees_what_students_see(instructor, helper, course):
    helper.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    assign(instructor, course, helper, **{"lessons:read": False, "modules:read": False})
    lesson = helper.client.get(f"/api/v1/lessons/{course.lessons[0]}").json
    assert OLD_LESSON in lesson["content"]["html"]
    assert [each["title"] for each in helper.client.get(f"/api/v1/courses/{course.id}/outline").json["modules"]] == [
        "Module 1"
    ]


def test_a_preview_shows_everybody_the_same(instructor, helper, course):
    lesson, url = f"/api/v1/lessons/{course.lessons[0]}", f"/api/v1/courses/{course.id}"
    instructor.client.put_json(lesson, {"isPreview": True, "content": {"html": f"<p>{OLD_LESSON}</p>"}})
    instructor.client.post_json(f"{url}/publish")
    instructor.client.put_json(lesson, {"content": {"html": f"<p>{LESSON}</p>"}})
    assign(instructor, course, helper, **{"lessons:read": False})
    assert OLD_LESSON in helper.client.get(lesson).json["content"]["html"]
    helper.client.put_json(lesson, {"allowComments": True}, status=403)


def test_what_needs_reading_goes_with_it(instructor, helper, course):
    made = assign(instructor, course, helper, **{"lessons:read": False})
    held = set(made["effective"])
    assert not {each for each in held if each.startswith("lessons:")}
    assert "courses:export" not in held
    assert {"modules:read", "modules:update", "courses:update"} <= held
    url = f"/api/v1/courses/{course.id}/staff/{helper.id}"
    assert instructor.client.put_json(url, {"permissions": {"courses:read": False}}).json["effective"] == []


def test_a_file_exported_before_is_not_downloaded_after(instructor, helper, course, deliver):
    assign(instructor, course, helper)
    job = helper.client.post_json(f"/api/v1/courses/{course.id}/exports", {}, status=202).json["id"]
    deliver()
    helper.client.get(f"/api/v1/exports/{job}/content")
    url = f"/api/v1/courses/{course.id}/staff/{helper.id}"
    instructor.client.put_json(url, {"permissions": {"lessons:read": False}})
    helper.client.get(f"/api/v1/exports/{job}/content", status=403)


def test_a_draft_course_is_a_strangers_to_who_may_not_read_it(instructor, helper, walk, course):
    instructor.client.post_json(f"/api/v1/courses/{course.id}/unpublish")
    assign(instructor, course, helper, **{"courses:read": False})
    told = walk(helper.client)
    assert not told.telling(LESSON) | told.telling(OLD_LESSON) | told.telling(MODULE)
    helper.client.get(f"/api/v1/courses/{course.id}", status=404)
