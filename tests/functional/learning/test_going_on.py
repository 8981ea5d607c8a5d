"""Where a student goes on in each course: in what students see of it now, and only where they may."""

import datetime as dt

import pytest
from sqlalchemy import update

from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.testing.courses import make_course

from .beats import beat, do


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


def going_on(person, **query):
    [taken] = person.client.get("/api/v1/users/me/courses", query).json["items"]
    return taken["continueAt"]


def learn(person, *lessons):
    for lesson in lessons:
        do(person, "start", lesson)
        do(person, "complete", lesson)


def test_one_begins_at_the_beginning(student, course):
    assert going_on(student) == {
        "lessonId": str(course.lessons[0]), "lessonTitle": "Lesson 1.1", "contentType": "text",
        "moduleId": str(course.modules[0]), "moduleTitle": "Module 1", "position": 0, "completionPercentage": 0,
    }  # fmt: skip


def test_one_goes_on_where_one_was(student, course):
    do(student, "start", course.lessons[2])
    beat(student, course.lessons[2], position=17, seen=[[0, 40]])
    there = going_on(student)
    assert (there["lessonId"], there["position"], there["completionPercentage"]) == (str(course.lessons[2]), 17, 40)
    assert there["moduleTitle"] == "Module 2"


def test_what_is_completed_leads_to_what_comes_next(student, course):
    order = [0, 2, 3, 1]
    nexts = [1, 3, 1, None]
    for done, expected in zip(order, nexts, strict=True):
        learn(student, course.lessons[done])
        there = going_on(student)
        assert (there and there["lessonId"]) == (str(course.lessons[expected]) if expected is not None else None)


def test_looking_into_what_is_completed_changes_nothing(student, course):
    learn(student, course.lessons[0])
    do(student, "start", course.lessons[0])
    beat(student, course.lessons[0], position=3)
    assert going_on(student)["lessonId"] == str(course.lessons[1])


def test_it_is_what_students_see_now(student, instructor, course):
    """Right after the publication, before anybody's progress has followed it."""
    do(student, "start", course.lessons[0])
    instructor.client.delete(f"/api/v1/lessons/{course.lessons[0]}", status=204)
    assert going_on(student)["lessonId"] == str(course.lessons[0])
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[1]}", {"title": "Renamed"})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert going_on(student)["lessonTitle"] == "Renamed"


def test_there_is_nothing_to_go_on_with_where_one_may_not_enter(core, student, course):
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    for change in ({"status": "suspended"}, {"status": "expired"}, {"status": "active", "expires_at": past}):
        with core.transaction() as db:
            db.execute(update(Enrollment).values(**change))
        assert going_on(student) is None
    with core.transaction() as db:
        db.execute(update(Enrollment).values(expires_at=None))
        db.execute(update(Course).values(is_published=False))
    assert going_on(student) is None


def test_courses_are_listed_in_the_order_asked_for(core, student, instructor, course):
    other = make_course(core, instructor.id, lessons=2, title="Ä first one")
    student.client.post_json("/api/v1/enrollments", {"courseId": str(other.id)}, status=201)
    learn(student, course.lessons[0])
    learn(student, other.lessons[0])

    def listed(sort):
        items = student.client.get("/api/v1/users/me/courses", {"sort": sort}).json["items"]
        return [each["course"]["id"] for each in items]

    both = [str(other.id), str(course.id)]
    assert listed("recent") == listed("enrolled") == listed("progress") == listed("title") == both
    do(student, "start", course.lessons[1])
    assert listed("recent") == both[::-1]
    student.client.get("/api/v1/users/me/courses", {"sort": "price"}, status=422)
