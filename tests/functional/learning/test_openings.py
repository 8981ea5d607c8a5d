"""When a module's date comes, its students hear of it: each once, and only for whom it is open."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, text, update

from lms_core.courses.models import Course, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.tasks import run_periodic
from lms_core.learning.unlocking.service import note_openings
from lms_core.notifications import tasks
from lms_core.testing.courses import make_course

from .beats import do

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def course(core, instructor, student):
    """Its second module opens in an hour."""
    made = make_course(core, instructor.id, modules=2, lessons=1, title="Algebra")
    rule(instructor, made, 1, unlockType="scheduled", unlockDate=(NOW + HOUR).isoformat())
    enroll(student, made)
    return made


def rule(instructor, course, number, **values):
    instructor.client.put_json(f"/api/v1/modules/{course.modules[number]}", values)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


@pytest.fixture
def come(core, registry, deliver):
    """The date comes, so long ago, and is noticed."""

    def wait(ago=HOUR):
        with core.transaction() as db:
            db.execute(
                update(VersionModule).where(VersionModule.unlock_type == "scheduled").values(unlock_date=NOW - ago)
            )
        notice()

    def notice():
        deliver()
        run_periodic(registry, "learning.note_openings")
        deliver()

    wait.notice = notice
    return wait


def told(person):
    items = person.client.get("/api/v1/notifications").json["items"]
    return [each for each in items if each["type"] == "module_unlocked"]


def test_students_hear_of_it_once(student, instructor, make_person, course, come):
    come.notice()
    assert told(student) == []
    come()
    come.notice()
    [notice] = told(student)
    assert notice["title"] == "“Module 2” is open to you"
    assert notice["data"] == {
        "courseId": str(course.id), "courseTitle": "Algebra", "moduleId": str(course.modules[1]),
        "moduleTitle": "Module 2",
    }  # fmt: skip
    assert told(instructor) == told(make_person("student")) == []
    late = make_person("student")
    enroll(late, course)
    come.notice()
    assert told(late) == []


def test_it_is_no_news_later_or_again(core, student, instructor, course, come):
    come(ago=25 * HOUR)
    assert told(student) == []
    come()
    assert len(told(student)) == 1
    # Another date of the module, which they know to be open.
    rule(instructor, course, 1, unlockDate=(NOW - HOUR / 2).isoformat())
    come.notice()
    assert len(told(student)) == 1


@pytest.mark.parametrize("status", ["suspended", "dropped", "expired"])
def test_who_may_not_enter_hears_nothing(core, student, course, come, status):
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status=status))
    come()
    assert told(student) == []


def test_an_unpublished_course_says_nothing(core, student, course, come):
    with core.transaction() as db:
        db.execute(update(Course).values(is_published=False))
    come()
    with core.transaction() as db:
        db.execute(update(Course).values(is_published=True))
    assert told(student) == []
    come.notice()
    assert len(told(student)) == 1


def test_who_waits_for_more_than_the_date_hears_of_it_when_it_is_open(student, instructor, make_person, course, come):
    rule(instructor, course, 1, prerequisites=[str(course.modules[0])])
    ready = make_person("student")
    enroll(ready, course)
    do(ready, "start", course.lessons[0])
    do(ready, "complete", course.lessons[0])
    come()
    assert (len(told(student)), len(told(ready))) == (0, 1)
    for person in (student, ready):
        do(person, "start", course.lessons[0])
        do(person, "complete", course.lessons[0])
    come.notice()
    assert (len(told(student)), len(told(ready))) == (1, 1)


def test_who_has_a_date_of_their_own_or_is_in_it_already_hears_nothing(core, student, instructor, course, come):
    [taken] = student.client.get("/api/v1/users/me/courses").json["items"]
    instructor.client.put_json(
        f"/api/v1/enrollments/{taken['enrollmentId']}/accommodations",
        {"modules": [{"moduleId": str(course.modules[1]), "unlocksAt": (NOW - 25 * HOUR).isoformat()}]},
    )
    come()
    assert told(student) == []
    do(student, "start", course.lessons[1])
    instructor.client.delete(f"/api/v1/enrollments/{taken['enrollmentId']}/accommodations", status=204)
    with core.transaction() as db:
        db.execute(text("DELETE FROM module_openings"))
    come.notice()
    assert told(student) == []


def test_a_crowd_is_told_in_parts_and_each_once(core, make_person, course, come, monkeypatch):
    monkeypatch.setattr(tasks, "TOLD_AT_ONCE", 2)
    people = [make_person("student") for _each in range(4)]
    for person in people:
        enroll(person, course)
    come()
    assert [len(told(person)) for person in people] == [1] * 4


def test_of_processes_that_look_at_once_one_publishes_it(core, course):
    with core.transaction() as db:
        db.execute(delete(VersionModule).where(VersionModule.module_id == course.modules[0]))
        db.execute(update(VersionModule).values(unlock_date=NOW - HOUR))

    def look(_each):
        with core.transaction() as db:
            return note_openings(db, core.clock(), limit=10)

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(look, range(3))) == [0, 0, 1]
    with core.transaction() as db:
        assert db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'learning.module_opened'")) == 1
