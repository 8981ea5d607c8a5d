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


def module(instructor, course, number, **values):
    """Change what a module demands, for students too."""
    instructor.client.put_json(f"/api/v1/modules/{course.modules[number]}", values)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")


def in_days(days):
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()


def lesson_of(there):
    return there and there["lessonId"]


def test_nobody_goes_on_with_what_is_locked(student, instructor, course):
    module(instructor, course, 1, unlockType="scheduled", unlockDate=in_days(3))
    assert lesson_of(going_on(student)) == str(course.lessons[0])
    learn(student, *course.lessons[:2])
    assert going_on(student) is None
    module(instructor, course, 1, unlockDate=in_days(-3))
    assert lesson_of(going_on(student)) == str(course.lessons[2])


def test_what_is_open_further_on_comes_before_what_is_not(student, instructor, course):
    module(instructor, course, 0, unlockType="scheduled", unlockDate=in_days(3))
    assert lesson_of(going_on(student)) == str(course.lessons[2])
    learn(student, course.lessons[2])
    assert lesson_of(going_on(student)) == str(course.lessons[3])
    learn(student, course.lessons[3])
    assert going_on(student) is None


def test_it_is_open_to_whom_it_was_granted(student, instructor, course):
    module(instructor, course, 0, unlockType="scheduled", unlockDate=in_days(3))
    module(instructor, course, 1, unlockType="sequential")
    assert going_on(student) is None
    [taken] = student.client.get("/api/v1/users/me/courses").json["items"]
    path = f"/api/v1/enrollments/{taken['enrollmentId']}/accommodations"
    instructor.client.put_json(path, {"waivesSequence": True})
    assert lesson_of(going_on(student)) == str(course.lessons[2])
    instructor.client.put_json(path, {"modules": [{"moduleId": str(course.modules[0]), "unlocksAt": in_days(-1)}]})
    assert lesson_of(going_on(student)) == str(course.lessons[0])


def test_what_was_begun_is_gone_on_with_though_its_module_closes(student, instructor, course):
    do(student, "start", course.lessons[2])
    do(student, "start", course.lessons[3])
    module(instructor, course, 1, unlockType="scheduled", unlockDate=in_days(3))
    assert lesson_of(going_on(student)) == str(course.lessons[3])
    learn(student, course.lessons[3])
    # The next in order stands at the enrollment, and is as open as the one that was begun.
    assert lesson_of(going_on(student)) in (str(course.lessons[0]), str(course.lessons[2]))


@pytest.mark.parametrize("rule", [{"unlockType": "sequential"}, {"unlockType": "scheduled", "unlockDate": in_days(3)}])
def test_the_outline_and_the_list_say_the_same(student, instructor, course, rule):
    module(instructor, course, 1, **rule)
    for done in (0, 1):
        outline = student.client.get(f"/api/v1/courses/{course.id}/outline").json
        assert outline["continueLessonId"] == lesson_of(going_on(student))
        learn(student, course.lessons[done])
    outline = student.client.get(f"/api/v1/courses/{course.id}/outline").json
    assert outline["continueLessonId"] == lesson_of(going_on(student))


def test_it_costs_two_statements_however_many_courses_there_are(core, student, instructor, course, statements):
    for _each in range(3):
        other = make_course(core, instructor.id, modules=3)
        module(instructor, other, 0, unlockType="scheduled", unlockDate=in_days(3))
        student.client.post_json("/api/v1/enrollments", {"courseId": str(other.id)}, status=201)
    with statements() as seen:
        assert len(student.client.get("/api/v1/users/me/courses").json["items"]) == 4
    assert seen.count == 2, seen
