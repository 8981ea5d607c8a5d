"""Enrolling in an open course: who gets in, who does not, and what happens when many come at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"


def test_a_student_enrolls_and_may_read(student, instructor, core):
    course = make_course(core, instructor.id)
    made = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201)
    assert (made.json["status"], made.json["progressPercentage"], made.json["lessonsTotal"]) == ("active", 0, 2)
    assert student.client.get(made.headers["Location"]).json == made.json
    assert student.client.get(f"/api/v1/lessons/{course.lessons[0]}").json["content"]
    assert student.client.get(f"/api/v1/courses/{course.id}").json["enrolledCount"] == 1
    again = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=409)
    assert again.json["code"] == "already_enrolled"


def test_an_enrollment_is_its_students_own(student, instructor, make_person, admin, app, core):
    course = make_course(core, instructor.id)
    url = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201).headers["Location"]
    make_person("student").client.get(url, status=404)
    app.get(url, status=404)
    admin.client.get(url)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enrollment_type": "smoke_signals"}, "enrollment_method_unavailable"),
        ({"price": 10}, "payment_unavailable"),
        ({"max_students": 1}, "course_full"),
    ],
)
def test_who_is_not_let_in(student, make_person, instructor, core, change, code):
    course = make_course(core, instructor.id)
    make_person("student").client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201)
    with core.transaction() as db:
        db.execute(update(Course).values(**change))
    assert student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=409).json["code"] == code


def test_no_course_that_is_not_in_the_catalog(student, app, instructor, core):
    draft = make_course(core, instructor.id, published=False)
    for course_id in (draft.id, uuid.uuid4()):
        refused = student.client.post_json(ENROLLMENTS, {"courseId": str(course_id)}, status=404)
        assert refused.json["code"] == "course_not_found"
    app.post_json(ENROLLMENTS, {"courseId": str(draft.id)}, status=401)
    student.client.post_json(ENROLLMENTS, {"courseId": "x"}, status=422)


def test_places_are_given_out_one_at_a_time(make_person, instructor, core):
    course = make_course(core, instructor.id, max_students=3)
    people = [make_person("student") for _person in range(12)]

    def enroll(person):
        return person.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, expect_errors=True).status_int

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(enroll, people)) == [201] * 3 + [409] * 9
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count)) == 3


def test_one_student_twice_at_once(student, instructor, core):
    course = make_course(core, instructor.id)

    def enroll(_attempt):
        client = student.client.bearer(student.client.authorization[1])
        return client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, expect_errors=True).status_int

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(enroll, range(6))) == [201] + [409] * 5


def test_coming_back_after_a_drop_keeps_the_row(student, instructor, core):
    course = make_course(core, instructor.id)
    first = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201).json
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="dropped", dropped_at=core.clock()))
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403)
    assert student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201).json["id"] == first["id"]
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")


@pytest.mark.parametrize("gone", [{"status": "suspended"}, {"status": "dropped"}, {"expires_at": "2020-01-01Z"}])
def test_who_is_out_reads_nothing(student, instructor, core, gone):
    course = make_course(core, instructor.id)
    student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201)
    with core.transaction() as db:
        db.execute(update(Enrollment).values(**gone))
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403)
    student.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/start", status=403)
