"""A course as a whole: unpublished, archived, deleted, restored, copied; and what may not change once it is public."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from lms_core.analytics.models import CourseAnalytics
from lms_core.courses.models import Course, Module
from lms_core.testing.courses import make_course

COURSES = "/api/v1/courses"


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2, title="Botany")
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def url(course):
    return f"{COURSES}/{course.id}"


def listed(client):
    return [card["title"] for card in client.get(COURSES).json["items"]]


def test_an_unpublished_course_comes_back_as_it_was(app, instructor, student, course, url):
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    student.client.post_json(f"{lesson}/start")
    assert instructor.client.post_json(f"{url}/unpublish").json["isPublished"] is False
    app.get(url, status=404)
    student.client.get(lesson, status=403)
    assert listed(app) == []
    instructor.client.post_json(f"{url}/publish")
    assert instructor.client.get(f"{url}/versions").json["total"] == 1
    assert student.client.post_json(f"{lesson}/start").json["status"] == "in_progress"


def test_an_archived_course_is_its_students_and_nobody_joins(app, instructor, student, make_person, course, url):
    first = instructor.client.post_json(f"{url}/archive").json["archivedAt"]
    assert instructor.client.post_json(f"{url}/archive").json["archivedAt"] == first
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    app.get(url, status=404)
    make_person().client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=404)
    for method, path, body in (
        ("put", url, {"title": "x"}), ("post", f"{url}/modules", {"title": "x"}), ("post", f"{url}/publish", {}),
        ("put", f"/api/v1/lessons/{course.lessons[0]}", {"title": "x"}),
    ):  # fmt: skip
        send = getattr(instructor.client, f"{method}_json")
        assert send(path, body, status=409).json["code"] == "course_archived"
    instructor.client.post_json(f"{url}/unarchive")
    assert listed(app) == ["Botany"]


def test_a_deleted_course_is_gone_for_all_but_who_may_restore_it(
    app, instructor, student, make_person, admin, course, url
):
    helper = make_person()
    instructor.client.post_json(f"{url}/staff", {"userId": str(helper.id), "role": "co_instructor"}, status=201)
    instructor.client.delete(url, status=204)
    for client in (app, student.client, helper.client, make_person("instructor").client):
        client.get(url, status=404)
        client.post_json(f"{url}/restore", status=404)
        client.get(f"{url}/modules", status=404)
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=404)
    instructor.client.get(f"{COURSES}/{course.slug}", status=404)
    for client in (instructor.client, admin.client):
        assert client.get(url).json["deletedAt"]
    for path, body in ((url, {"title": "x"}),):
        instructor.client.put_json(path, body, status=403)
    for path in ("publish", "archive", "duplicate", "modules"):
        instructor.client.post_json(f"{url}/{path}", {"title": "x"}, status=403)
    instructor.client.get(f"{url}/staff", status=403)

    assert instructor.client.post_json(f"{url}/restore").json["deletedAt"] is None
    assert listed(app) == ["Botany"]
    assert student.client.get("/api/v1/users/me/courses").json["items"][0]["course"]["id"] == str(course.id)


def test_a_co_instructor_deletes_only_where_the_owner_shares_it(instructor, make_person, url):
    helper = make_person()
    body = {"userId": str(helper.id), "role": "co_instructor"}
    instructor.client.post_json(f"{url}/staff", body, status=201)
    helper.client.delete(url, status=403)
    # The group grants deleting to nobody in the scope "assigned", and the course cannot either.
    instructor.client.put_json(f"{url}/staff/{helper.id}", {"permissions": {"courses:delete": True}})
    helper.client.delete(url, status=403)


def test_restoring_finds_code_and_slug_taken(core, instructor, course, url):
    instructor.client.delete(url, status=204)
    code = instructor.client.get(url).json["code"]
    new = {"code": code, "title": "Botany"}
    other = instructor.client.post_json(COURSES, new, status=201).json
    assert other["slug"] == "botany"
    assert instructor.client.post_json(f"{url}/restore", status=409).json["code"] == "code_taken"
    instructor.client.put_json(f"{COURSES}/{other['id']}", {"code": "OTHER"})
    assert instructor.client.post_json(f"{url}/restore").json["slug"] == "botany-2"


def test_a_copy_has_the_content_and_none_of_the_people(core, instructor, make_person, course, url):
    with core.transaction() as db:
        db.get(Module, course.modules[1]).prerequisites = [course.modules[0]]
    instructor.client.put_json(url, {"tags": ["plants"], "price": "12.50", "maxStudents": 9})
    instructor.client.delete(f"/api/v1/lessons/{course.lessons[3]}", status=204)
    made = instructor.client.post_json(f"{url}/duplicate", {}, status=201)
    copy = made.json
    original = instructor.client.get(url).json
    assert made.headers["Location"].endswith(f"{COURSES}/{copy['id']}")
    assert (copy["title"], copy["slug"], copy["code"]) == ("Botany (copy)", "botany-copy", f"{original['code']}-2")
    assert (copy["tags"], copy["price"], copy["maxStudents"]) == (["plants"], "12.50", 9)
    assert (copy["isPublished"], copy["publishedAt"], copy["enrolledCount"]) == (False, None, 0)
    assert copy["durationMinutes"] == original["draftDurationMinutes"] == 3

    def outline(of):
        modules = instructor.client.get(f"{COURSES}/{of}/modules").json["items"]
        return [(module["title"], [lesson["title"] for lesson in module["lessons"]]) for module in modules]

    assert outline(copy["id"]) == outline(course.id) == [
        ("Module 1", ["Lesson 1.1", "Lesson 1.2"]), ("Module 2", ["Lesson 2.1"]),
    ]  # fmt: skip
    with core.reader() as db:
        first, second = db.execute(
            select(Module.id, Module.prerequisites).where(Module.course_id == copy["id"]).order_by(Module.order_index)
        )
    assert second.prerequisites == [first.id]
    assert instructor.client.post_json(f"{url}/duplicate", {}, status=201).json["code"] == f"{original['code']}-3"
    taken = instructor.client.post_json(f"{url}/duplicate", {"code": original["code"]}, status=409)
    assert taken.json["code"] == "code_taken"


def test_who_may_copy(app, student, make_person, instructor, url):
    app.post_json(f"{url}/duplicate", {}, status=401)
    student.client.post_json(f"{url}/duplicate", {}, status=403)
    make_person("instructor").client.post_json(f"{url}/duplicate", {}, status=403)
    helper = make_person("instructor")
    instructor.client.post_json(f"{url}/staff", {"userId": str(helper.id), "role": "co_instructor"}, status=201)
    copy = helper.client.post_json(f"{url}/duplicate", {"title": "Mine", "code": "MINE"}, status=201).json
    assert copy["instructor"]["id"] == str(helper.id)
    assistant = make_person()
    instructor.client.post_json(f"{url}/staff", {"userId": str(assistant.id), "role": "co_instructor"}, status=201)
    assistant.client.post_json(f"{url}/duplicate", {}, status=403)


def test_copying_costs_the_same_whatever_the_size(core, instructor, statements):
    counts = []
    for size in (2, 40):
        made = make_course(core, instructor.id, lessons=size)
        with statements() as seen:
            instructor.client.post_json(f"{COURSES}/{made.id}/duplicate", {}, status=201)
        counts.append(seen.count)
    assert counts[0] == counts[1]


def test_many_copies_at_once_all_have_codes_of_their_own(core, instructor, url):
    token = instructor.client.authorization[1]

    def copy(_number):
        return instructor.client.bearer(token).post_json(f"{url}/duplicate", {}).status_int

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(copy, range(6))) == [201] * 6
    with core.reader() as db:
        codes = list(db.scalars(select(Course.code)))
    assert len(set(codes)) == 7


@pytest.mark.parametrize(("change", "back"), [({"code": "NEW-1"}, "code"), ({"slug": "new-one"}, "slug"),
                                              ({"currency": "EUR"}, "currency")])  # fmt: skip
def test_some_fields_stay_while_a_course_is_published(instructor, url, change, back):
    refused = instructor.client.put_json(url, {**change, "title": "Better"}, status=409).json
    assert (refused["code"], list(refused["errors"])) == ("field_frozen", [back])
    now = instructor.client.get(url).json
    assert now["title"] == "Botany"
    instructor.client.put_json(url, {back: now[back]})
    instructor.client.post_json(f"{url}/unpublish")
    assert instructor.client.put_json(url, change).json[back] == change[back]


def test_a_slug_is_well_formed_and_unique(core, instructor, url):
    instructor.client.post_json(f"{url}/unpublish")
    for slug in ("Not A Slug", "a--b", "-a", "x" * 201, "a/b", ""):
        assert list(instructor.client.put_json(url, {"slug": slug}, status=422).json["errors"]) == ["slug"]
    make_course(core, instructor.id, title="Zoology")
    assert instructor.client.put_json(url, {"slug": "zoology"}, status=409).json["code"] == "slug_taken"
    assert instructor.client.put_json(url, {"slug": "основы-биологии"}).json["slug"] == "основы-биологии"


def test_places_below_those_taken_are_refused(instructor, make_person, course, url):
    make_person().client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    refused = instructor.client.put_json(url, {"maxStudents": 1}, status=409).json
    assert (refused["code"], list(refused["errors"])) == ("capacity_below_enrolled", ["maxStudents"])
    instructor.client.put_json(url, {"maxStudents": 2})


def test_publishing_asks_for_category_and_a_verified_instructor(make_app, make_person, core):
    author = make_person("instructor", email_verified_at=None)
    draft = make_course(core, author.id, published=False)
    token = author.client.authorization[1]
    app = make_app(lms__courses__categories=("Science", "Arts")).bearer(token)
    refused = app.post_json(f"{COURSES}/{draft.id}/publish", status=409).json
    assert set(refused["errors"]) == {"category", "instructor"}


def test_a_new_course_is_told_to_its_author_and_has_figures(core, instructor, deliver):
    made = instructor.client.post_json(COURSES, {"code": "NEW", "title": "New"}, status=201).json
    deliver()
    [told] = instructor.client.get("/api/v1/notifications").json["items"]
    assert (told["type"], told["data"]["courseId"]) == ("course_created", made["id"])
    with core.reader() as db:
        figures = db.execute(select(CourseAnalytics.enrolled_count, CourseAnalytics.course_id)).one()
    assert (figures.enrolled_count, str(figures.course_id)) == (0, made["id"])


def test_who_may_unpublish_archive_and_delete(app, student, make_person, url):
    for client, status in ((app, 401), (student.client, 403), (make_person("instructor").client, 403)):
        for name in ("unpublish", "archive", "unarchive", "restore"):
            client.post_json(f"{url}/{name}", status=status)
        client.delete(url, status=status)


def test_students_are_told_of_a_publication_once_until_they_read(
    instructor, student, make_person, course, url, deliver
):
    other = make_person()
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    for title in ("First", "Second"):
        instructor.client.put_json(lesson, {"title": title})
        instructor.client.post_json(f"{url}/publish")
        deliver()
    told = [each for each in student.client.get("/api/v1/notifications").json["items"]
            if each["type"] == "course_updated"]  # fmt: skip
    assert [(each["title"], each["data"]["courseId"]) for each in told] == [("Botany has been updated", str(course.id))]
    assert other.client.get("/api/v1/notifications").json["items"] == []
