"""Ways into a course: what is listed, what authors choose, and the four things that a method can decide."""

import pytest
from sqlalchemy import func, select, update

from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment, EnrollmentRequest
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"
METHODS = "/api/v1/enrollment-methods"


@pytest.fixture
def as_person(school):
    """The same person, a caller of the school's application."""
    return lambda person: school.bearer(person.client.authorization[1])


def course_of(instructor, **values):
    """A published course, its way in chosen by its author over HTTP."""
    client = instructor.client if hasattr(instructor, "client") else instructor
    made = client.post_json("/api/v1/courses", {"code": "WAY-1", "title": "Ways", "description": "In.", **values})
    module = client.get(f"/api/v1/courses/{made.json['id']}/modules").json["items"][0]["id"]
    client.put_json(f"/api/v1/modules/{module}", {"isPublished": True})
    lesson = {"title": "L", "contentType": "text", "content": {"html": "<p>x</p>"}, "isPublished": True}
    client.post_json(f"/api/v1/modules/{module}/lessons", lesson)
    client.post(f"/api/v1/courses/{made.json['id']}/publish")
    return made.json["id"]


def test_a_client_can_build_every_form(app, make_app, school, statements):
    with statements() as seen:
        items = {each["name"]: each for each in app.get(METHODS).json["items"]}
    assert seen.count == 0, seen
    assert {"open", "approval"} <= set(items)
    assert items["open"]["schema"]["properties"] == {}
    assert items["approval"]["schema"]["properties"]["reason"]["maxLength"] == 2000
    german = app.get(METHODS, headers={"Accept-Language": "de"}).json["items"]
    titles = {each["name"]: each["settings"]["properties"] for each in german}
    assert titles["approval"]["question"]["title"] == "Was Bewerber gefragt werden"
    assert "password" in [each["name"] for each in school.get(METHODS).json["items"]]
    off = make_app(lms__plugins__disabled=("enrollment_approval",))
    assert "approval" not in [each["name"] for each in off.get(METHODS).json["items"]]


def test_by_approval_there_is_a_request(student, instructor):
    course = course_of(instructor, enrollmentType="approval")
    body = {"courseId": course, "reason": " I want\nto know. "}
    asked = student.client.post_json(ENROLLMENTS, body, status=202).json
    assert (asked["status"], asked["reasonForJoining"], asked["courseId"]) == ("pending", "I want\nto know.", course)
    assert asked["userId"] == str(student.id)
    again = student.client.post_json(ENROLLMENTS, body, status=409)
    assert again.json["code"] == "already_requested"
    assert student.client.get(f"/api/v1/courses/{course}").json["enrolledCount"] == 0


def test_what_an_author_chooses_is_kept_by_method(student, instructor):
    chosen = {"question": "Why?", "reasonRequired": True}
    course = course_of(instructor, enrollmentType="approval", enrollmentSettings=chosen)
    url = f"/api/v1/courses/{course}"
    assert student.client.get(url).json["enrollmentSettings"] == chosen
    refused = student.client.post_json(ENROLLMENTS, {"courseId": course, "reason": "  "}, status=422).json
    assert (refused["code"], list(refused["errors"])) == ("reason_required", ["reason"])
    away = instructor.client.put_json(url, {"enrollmentType": "open"}).json
    assert away["enrollmentSettings"] == {}
    back = instructor.client.put_json(url, {"enrollmentType": "approval"}).json
    assert back["enrollmentSettings"] == chosen
    assert instructor.client.put_json(url, back | {"enrollmentSettings": {}}, status=422)
    assert instructor.client.put_json(url, {"enrollmentSettings": {}}).json["enrollmentSettings"] == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"enrollmentType": "carrier_pigeon"}, "enrollmentType"),
        ({"enrollmentType": "Open!"}, "enrollmentType"),
        ({"enrollmentType": "approval", "enrollmentSettings": {"question": "x" * 501}}, "enrollmentSettings"),
        ({"enrollmentType": "approval", "enrollmentSettings": {"colour": "red"}}, "enrollmentSettings"),
        ({"enrollmentSettings": {"question": "?"}}, "enrollmentSettings"),
        ({"enrollmentSettings": []}, "enrollmentSettings"),
    ],
)
def test_an_author_cannot_choose_what_is_not_there(instructor, core, change, field):
    course = make_course(core, instructor.id)
    for client, method, url in (
        (instructor.client, "put_json", f"/api/v1/courses/{course.id}"),
        (instructor.client, "post_json", "/api/v1/courses"),
    ):
        body = change if method == "put_json" else {"code": "NEW-1", "title": "New", **change}
        refused = getattr(client, method)(url, body, status=422)
        assert field in refused.json["errors"]


def test_what_the_method_does_not_know_is_refused(student, instructor):
    course = course_of(instructor)
    for more in ({"reason": "x"}, {"course_id": "x"}, {"details": {}}):
        refused = student.client.post_json(ENROLLMENTS, {"courseId": course, **more}, status=422)
        assert list(refused.json["errors"]) == list(more)
    student.client.post_json(ENROLLMENTS, [course], status=422)


def test_a_third_partys_method_decides(school, as_person, student, instructor, core):
    course = course_of(as_person(instructor), enrollmentType="password", enrollmentSettings={"word": "sesame"})
    caller = as_person(student)
    refused = caller.post_json(ENROLLMENTS, {"courseId": course, "word": "barley"}, status=422).json
    assert (refused["code"], list(refused["errors"])) == ("word_wrong", ["word"])
    let_in = caller.post_json(ENROLLMENTS, {"courseId": course, "word": "sesame"}, status=201).json
    assert let_in["enrollmentType"] == "self"
    with core.reader() as db:
        assert db.scalar(select(Enrollment.extra)) == {"admission": {"method": "password"}}
    # Where the plugin is gone, nobody is let in by mistake.
    refused = student.client.post_json(ENROLLMENTS, {"courseId": course, "word": "sesame"}, status=409)
    assert refused.json["code"] == "enrollment_method_unavailable"


def test_what_is_to_be_paid_is_said(as_person, student, instructor, core):
    teacher = as_person(instructor)
    course = course_of(
        teacher, enrollmentType="password", enrollmentSettings={"word": "sesame"}, price="25", currency="EUR"
    )
    body = {"courseId": course, "word": "sesame", "paying": True}
    asked = as_person(student).post_json(ENROLLMENTS, body, headers={"Idempotency-Key": "once"}, status=402)
    assert asked.content_type == "application/problem+json"
    assert asked.json["code"] == "payment_required"
    assert asked.json["payment"] == {
        "amount": "12.50", "currency": "EUR", "gateways": ["desk"], "reference": str(student.id), "room": "12",
    }  # fmt: skip
    again = as_person(student).post_json(ENROLLMENTS, body, headers={"Idempotency-Key": "once"}, status=402)
    assert again.json == asked.json
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Enrollment)) == 0
    assert as_person(student).get(f"/api/v1/courses/{course}").json["enrolledCount"] == 0


def test_nobody_is_asked_to_pay_for_a_place_that_there_is_not(as_person, student, make_person, instructor, core):
    settings = {"enrollmentType": "password", "enrollmentSettings": {"word": "sesame"}, "maxStudents": 1}
    course = course_of(as_person(instructor), **settings)
    as_person(make_person("student")).post_json(ENROLLMENTS, {"courseId": course, "word": "sesame"}, status=201)
    with core.transaction() as db:
        db.execute(update(Course).values(price=10))
    refused = as_person(student).post_json(
        ENROLLMENTS, {"courseId": course, "word": "sesame", "paying": True}, status=409
    )
    assert refused.json["code"] == "course_full"
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(EnrollmentRequest)) == 0
