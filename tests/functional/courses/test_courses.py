"""Authoring and reading courses: who may what, what is refused, and what it costs."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from lms_core.courses.models import Course
from lms_core.testing.courses import make_course

COURSES = "/api/v1/courses"
NEW = {"code": "BIO-101", "title": "Life: an introduction", "description": "Cells and more."}


def test_an_instructor_builds_a_course_and_publishes_it(instructor, app):
    made = instructor.client.post_json(COURSES, NEW, status=201)
    course = made.json
    assert made.headers["Location"].endswith(f"/api/v1/courses/{course['id']}")
    assert (course["slug"], course["isPublished"], course["price"]) == ("life-an-introduction", False, "0.00")
    assert course["instructor"]["id"] == str(instructor.id)

    [introduction] = instructor.client.get(f"{COURSES}/{course['id']}/modules").json["items"]
    assert (introduction["title"], introduction["lessons"]) == ("Introduction", [])
    lesson = {"title": "Cells", "contentType": "text", "content": {"html": "<p>Small<script>alert(1)</script></p>"}}
    saved = instructor.client.post_json(f"/api/v1/modules/{introduction['id']}/lessons", lesson, status=201).json
    assert saved["content"] == {"html": "<p>Small</p>"}
    assert saved["removed"] == ["script"]
    assert saved["durationMinutes"] == 1

    published = instructor.client.post_json(f"{COURSES}/{course['id']}/publish").json
    assert published["isPublished"] is True
    assert published["durationMinutes"] == 1
    [card] = app.get(COURSES).json["items"]
    assert (card["title"], card["firstModule"]["title"]) == (NEW["title"], "Introduction")
    assert app.get(f"{COURSES}/life-an-introduction").json["id"] == course["id"]


def test_all_that_is_missing_is_said_at_once(instructor):
    course = instructor.client.post_json(COURSES, {"code": "X", "title": "Bare"}, status=201).json
    refused = instructor.client.post_json(f"{COURSES}/{course['id']}/publish", status=409).json
    assert refused["code"] == "course_incomplete"
    assert set(refused["errors"]) == {"description", "modules"}
    assert "Introduction" in refused["errors"]["modules"][0]


def test_publishing_twice_changes_nothing(core, instructor):
    course = make_course(core, instructor.id)
    first = instructor.client.get(f"{COURSES}/{course.id}").json
    assert instructor.client.post_json(f"{COURSES}/{course.id}/publish").json == first


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "Learn \u202egnipe"}, "title"),
        ({"category": "Sci\u2066ence"}, "category"),
        ({"tags": ["fine", "not\x9bfine"]}, "tags"),
        ({"description": "Two\nlines\x7f"}, "description"),
        ({"code": "no spaces"}, "code"),
        ({"level": "divine"}, "level"),
        ({"price": "-1"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"maxStudents": 0}, "maxStudents"),
        ({"maxStudents": 1.5}, "maxStudents"),
        ({"currency": "euro"}, "currency"),
        ({"enrollmentType": "zzz"}, "enrollmentType"),
        ({"language": "<b>"}, "language"),
        ({"tags": ["x"] * 31}, "tags"),
        ({"thumbnailUrl": "javascript:alert(1)"}, "thumbnailUrl"),
        ({"isPublished": True}, "isPublished"),
        ({"instructorId": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"}, "instructorId"),
    ],
)
def test_bad_fields_are_named(instructor, change, field):
    refused = instructor.client.post_json(COURSES, {**NEW, **change}, status=422)
    assert refused.content_type == "application/problem+json"
    assert list(refused.json["errors"]) == [field]


def test_a_price_is_kept_as_it_was_sent_or_refused(instructor):
    url = f"{COURSES}/{instructor.client.post_json(COURSES, NEW, status=201).json['id']}"
    for price in ("0.004", "9.999", 0.001, "1e-3"):
        refused = instructor.client.put_json(url, {"price": price}, status=422).json
        assert refused["errors"] == {"price": ["No more than two decimals."]}
    for price, kept in (("9.990", "9.99"), (5, "5.00"), ("1e2", "100.00"), (0.1, "0.10")):
        assert instructor.client.put_json(url, {"price": price}).json["price"] == kept


INVISIBLE = [
    "\u200b",
    "\u2060\u200b",
    "\u00ad",
    "\u3164",
    "\u180e",
    "\ufeff \u2800",
    "\u115f\uffa0",
    "\u202e",
    "\U000e0041",
]


@pytest.mark.parametrize("title", INVISIBLE)
def test_a_title_can_be_seen(instructor, title):
    refused = instructor.client.post_json(COURSES, {**NEW, "title": title}, status=422).json
    assert refused["errors"] == {"title": ["Must not be empty."]}
    course = instructor.client.post_json(COURSES, {**NEW, "description": title}, status=201).json
    assert course["description"] == ""
    modules = f"{COURSES}/{course['id']}/modules"
    assert list(instructor.client.post_json(modules, {"title": title}, status=422).json["errors"]) == ["title"]
    seen = f"{title}\N{ZERO WIDTH JOINER}a" if title != "\u202e" else "a"
    assert instructor.client.post_json(modules, {"title": seen}, status=201).json["title"] == seen.strip()


@pytest.mark.parametrize("html", ["", "<p> </p>", "<p>&nbsp;&#x200b;</p><hr>" * 500, "<img alt=gone>"])
def test_an_empty_lesson_is_a_draft_and_keeps_its_course_from_being_published(instructor, html):
    client = instructor.client
    course = client.post_json(COURSES, NEW, status=201).json
    url = f"{COURSES}/{course['id']}"
    [module] = client.get(f"{url}/modules").json["items"]
    lesson = {"title": "Begun", "contentType": "text", "content": {"html": html}}
    lesson = client.post_json(f"/api/v1/modules/{module['id']}/lessons", lesson, status=201).json
    refused = client.post_json(f"{url}/publish", {}, status=409).json
    assert refused["code"] == "course_incomplete"
    assert refused["errors"]["lessons"] == ["The lesson Begun in Introduction is empty."]
    for shown in ("<p>Words</p>", "<p>+</p>", "<img src=/a.png>", "<video><source src=a></video>"):
        client.put_json(f"/api/v1/lessons/{lesson['id']}", {"content": {"html": shown}})
        assert client.post_json(f"{url}/publish", {}).json["isPublished"]


def test_a_code_is_unique_whatever_its_capitals(instructor):
    client = instructor.client
    course = client.post_json(COURSES, NEW, status=201).json
    url = f"{COURSES}/{course['id']}"
    assert client.post_json(COURSES, {**NEW, "code": "bio-101"}, status=409).json["code"] == "code_taken"
    assert client.put_json(url, {"code": "Bio-101"}).json["code"] == "Bio-101"
    other = client.post_json(COURSES, {**NEW, "code": "bio-101-2"}, status=201).json
    assert client.put_json(f"{COURSES}/{other['id']}", {"code": "BIO-101"}, status=409).json["code"] == "code_taken"
    assert client.post_json(f"{url}/duplicate", {}, status=201).json["code"] == "Bio-101-3"


def test_a_slug_is_no_courses_id(instructor):
    """An address that names an id names that course alone, so a slug that looked like one would name nothing."""
    looks = str(uuid.uuid4())
    made = instructor.client.post_json(COURSES, {"title": looks.upper(), "code": "ID-1"}, status=201).json
    assert made["slug"] == f"{looks}-2"
    assert instructor.client.get(f"{COURSES}/{made['slug']}").json["id"] == made["id"]
    url = f"{COURSES}/{made['id']}"
    assert list(instructor.client.put_json(url, {"slug": looks}, status=422).json["errors"]) == ["slug"]


def test_a_code_is_unique_and_a_slug_finds_its_way(instructor):
    instructor.client.post_json(COURSES, NEW, status=201)
    assert instructor.client.post_json(COURSES, NEW, status=409).json["code"] == "code_taken"
    second = instructor.client.post_json(COURSES, {**NEW, "code": "BIO-102"}, status=201).json
    assert second["slug"] == "life-an-introduction-2"
    cyrillic = instructor.client.post_json(COURSES, {"code": "RU", "title": "Основы  биологии!"}, status=201).json
    assert cyrillic["slug"] == "основы-биологии"


def test_one_title_created_by_many_at_once(core, instructor):
    def create(number: int) -> int:
        body = {"code": f"RACE-{number}", "title": "The same title"}
        return instructor.client.bearer(instructor.client.authorization[1]).post_json(COURSES, body).status_int

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(create, range(8))) == [201] * 8
    with core.reader() as db:
        slugs = set(db.scalars(select(Course.slug)))
    assert slugs == {"the-same-title", *(f"the-same-title-{number}" for number in range(2, 9))}


def test_who_may_author(app, student, instructor, make_person, admin, core):
    course = make_course(core, instructor.id)
    other = make_person("instructor")
    assert app.post_json(COURSES, NEW, status=401).json["code"] == "unauthorized"
    student.client.post_json(COURSES, NEW, status=403)
    change = {"title": "Mine now"}
    app.put_json(f"{COURSES}/{course.id}", change, status=401)
    student.client.put_json(f"{COURSES}/{course.id}", change, status=403)
    other.client.put_json(f"{COURSES}/{course.id}", change, status=403)
    other.client.post_json(f"{COURSES}/{course.id}/modules", {"title": "M"}, status=403)
    other.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons",
                           {"title": "L", "contentType": "text", "content": {"html": ""}}, status=403)  # fmt: skip
    other.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", change, status=403)
    instructor.client.put_json(f"{COURSES}/{course.id}", {"title": "Better"})
    assert admin.client.put_json(f"{COURSES}/{course.id}", {"level": "beginner"}).json["title"] == "Better"


def test_a_draft_is_nobodys_business(app, student, instructor, make_person, core):
    draft = make_course(core, instructor.id, published=False)
    urls = [f"{COURSES}/{draft.id}", f"{COURSES}/{draft.slug}", f"{COURSES}/{draft.id}/modules",
            f"/api/v1/modules/{draft.modules[0]}", f"/api/v1/modules/{draft.modules[0]}/lessons",
            f"/api/v1/lessons/{draft.lessons[0]}"]  # fmt: skip
    for url in urls:
        instructor.client.get(url)
        for caller in (app, student.client, make_person("instructor").client):
            assert caller.get(url, status=404).json["code"] == "not_found"
    assert app.get(COURSES).json["total"] == 0


def test_content_is_for_who_is_enrolled_and_previews_for_all(app, student, instructor, core):
    course = make_course(core, instructor.id)
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    app.get(lesson, status=401)
    student.client.get(lesson, status=403)
    instructor.client.put_json(lesson, {"isPreview": True})
    app.get(lesson, status=401)
    instructor.client.post_json(f"{COURSES}/{course.id}/publish")
    assert app.get(lesson).json["content"]["html"]
    instructor.client.put_json(lesson, {"isPublished": False})
    assert app.get(lesson).json["isPublished"] is True
    instructor.client.post_json(f"{COURSES}/{course.id}/publish", status=200)
    app.get(lesson, status=404)
    assert course.lessons[0] != app.get(f"{COURSES}/{course.id}/modules").json["items"][0]["lessons"][0]["id"]


@pytest.mark.parametrize("path", ["courses/nope", "modules/1", "lessons/%FF", "lessons/x%00y",
                                  "modules/5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a", "courses/a/b/c"])  # fmt: skip
def test_what_does_not_exist_is_404(app, path):
    assert app.get(f"/api/v1/{path}", status=404).content_type == "application/problem+json"


def test_a_wrong_method_is_405(app):
    assert app.delete(COURSES, status=405).json["code"] == "method_not_allowed"


def test_if_match_saves_the_slower_editor(instructor, core):
    url = f"{COURSES}/{make_course(core, instructor.id).id}"
    tag = instructor.client.get(url).headers["ETag"]
    assert instructor.client.get(url, headers={"If-None-Match": tag}, status=304).body == b""
    instructor.client.put_json(url, {"title": "First"}, headers={"If-Match": tag})
    refused = instructor.client.put_json(url, {"title": "Second"}, headers={"If-Match": tag}, status=412)
    assert refused.json["code"] == "stale"
    assert instructor.client.get(url).json["title"] == "First"


def test_two_editors_with_one_etag_at_once(instructor, core):
    url = f"{COURSES}/{make_course(core, instructor.id).id}"
    tag = instructor.client.get(url).headers["ETag"]

    def edit(title: str) -> int:
        client = instructor.client.bearer(instructor.client.authorization[1])
        return client.put_json(url, {"title": title}, headers={"If-Match": tag}, expect_errors=True).status_int

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(edit, "abcd")) == [200, 412, 412, 412]


def test_the_course_limit_holds_under_a_race(make_app, core, instructor):
    token = instructor.client.authorization[1]
    app = make_app(lms__courses__limit=3).bearer(token)

    def create(number: int) -> int:
        body = {"code": f"L-{number}", "title": f"L {number}"}
        return app.bearer(token).post_json(COURSES, body, expect_errors=True).status_int

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(create, range(6))) == [201, 201, 201, 409, 409, 409]
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Course)) == 3


def test_reads_cost_at_most_four_statements_whatever_the_size(student, instructor, core, statements):
    for _course in range(6):
        course = make_course(core, instructor.id, modules=3, lessons=4)
    urls = [COURSES, f"{COURSES}?limit=100", f"{COURSES}?page=2&limit=3", f"{COURSES}/{course.slug}",
            f"{COURSES}/{course.id}/modules", f"/api/v1/modules/{course.modules[0]}",
            f"/api/v1/modules/{course.modules[0]}/lessons"]  # fmt: skip
    for url in urls:
        with statements() as seen:
            student.client.get(url)
        assert seen.count <= 3, seen
    with statements() as seen:
        instructor.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    assert seen.count <= 3, seen


def test_many_lessons_added_at_once_keep_their_places(instructor, core, app):
    course = make_course(core, instructor.id, lessons=0, published=False)
    url = f"/api/v1/modules/{course.modules[0]}/lessons"

    def add(number: int) -> int:
        body = {"title": f"L{number}", "contentType": "link", "content": {"url": "https://example.org/"}}
        return instructor.client.bearer(instructor.client.authorization[1]).post_json(url, body).status_int

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(add, range(8))) == [201] * 8
    assert [lesson["orderIndex"] for lesson in instructor.client.get(url).json["items"]] == list(range(8))


@pytest.mark.parametrize("value", ["yes", "true", "1", 1, 0, 1.0, "off", [], {}])
def test_what_only_looks_like_a_boolean_is_none(instructor, value):
    refused = instructor.client.post_json(COURSES, {**NEW, "completionCertificate": value}, status=422).json
    assert (refused["code"], list(refused["errors"])) == ("invalid", ["completionCertificate"])
    made = instructor.client.post_json(COURSES, {**NEW, "completionCertificate": False}, status=201).json
    assert made["completionCertificate"] is False


@pytest.mark.parametrize(("word", "status"), [("true", 200), ("yes", 200), ("1", 200), ("False", 200), ("maybe", 422)])
def test_a_query_says_booleans_in_words(instructor, word, status):
    instructor.client.get(f"{COURSES}?mine={word}", status=status)
