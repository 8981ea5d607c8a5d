"""When quizzes open and are due: in the calendars of those who may take them, and of nobody else."""

import datetime as dt

import icalendar
import pytest
from sqlalchemy import text, update

from lms_core.assessment.models import Quiz
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import leave_times
from lms_core.testing.courses import make_course

CALENDAR = "/api/v1/users/me/calendar.ics"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
OPENS, DUE = "Bread: the quiz “Flour” opens", "Bread: the quiz “Flour” is due"


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, title="Bread")
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def quiz(core, course):
    return make_quiz(core, course.modules[0], title="Flour", available_from=NOW + DAY, available_until=NOW + 8 * DAY)


def make_quiz(core, module_id, **values):
    with core.transaction() as db:
        made = Quiz(module_id=module_id, **{"order_index": 0, **values})
        db.add(made)
        db.flush()
        return made.id


def change(core, model, **values):
    with core.transaction() as db:
        db.execute(update(model).values(**values))


def events(person):
    return icalendar.Calendar.from_ical(person.client.get(CALENDAR).body).walk("VEVENT")


def told(person):
    """Each entry's text and its distance from now in days."""
    return [(str(event["summary"]), round((event["dtstart"].dt - NOW) / DAY)) for event in events(person)]


def test_a_window_is_two_dates(student, quiz, course):
    assert told(student) == [(OPENS, 1), (DUE, 8)]
    assert {str(event["url"]) for event in events(student)} == {f"http://localhost/courses/{course.id}"}


@pytest.mark.parametrize("side", ["available_from", "available_until"])
def test_half_a_window_is_one_date(core, student, course, side):
    make_quiz(core, course.modules[0], title="Flour", **{side: NOW + 3 * DAY})
    make_quiz(core, course.modules[0], title="Whenever", order_index=1)
    assert told(student) == [({"available_from": OPENS, "available_until": DUE}[side], 3)]


@pytest.mark.parametrize(
    ("model", "values"),
    [(Quiz, {"available_from": NOW + 2 * DAY}), (Course, {"title": "Cake"})],
    ids=["quiz", "course"],
)
def test_an_entry_stays_itself_and_is_later_when_it_changes(core, student, quiz, model, values):
    with core.transaction() as db:
        leave_times(db)
        for table, column in (("enrollments", "updated_at"), ("courses", "updated_at"), ("quizzes", "updated_at"),
                              ("course_versions", "published_at")):  # fmt: skip
            db.execute(text(f"UPDATE {table} SET {column} = {column} - interval '1 hour'"))
    before = {event["uid"]: event for event in events(student)}
    change(core, model, **values)
    after = {event["uid"]: event for event in events(student)}
    assert after.keys() == before.keys()
    assert all(after[uid]["dtstamp"].dt > before[uid]["dtstamp"].dt for uid in after)


def test_drafts_are_nobody_s_business(core, student, instructor, course):
    make_quiz(core, course.modules[0], title="Draft", available_from=NOW + DAY, is_published=False)
    module = instructor.client.post_json(f"/api/v1/courses/{course.id}/modules", {"title": "New"}, status=201).json
    make_quiz(core, module["id"], title="Not yet", available_from=NOW + DAY)
    assert told(student) == []


def test_only_who_takes_the_course_hears_of_it(core, student, instructor, make_person, quiz):
    assert told(make_person("student")) == told(instructor) == []
    for status in ("suspended", "dropped"):
        change(core, Enrollment, status=status)
        assert told(student) == []


@pytest.mark.parametrize("values", [{"is_published": False}, {"deleted_at": NOW}], ids=["unpublished", "deleted"])
def test_of_a_course_that_is_gone_nothing_is_said(core, student, quiz, values):
    change(core, Course, **values)
    assert told(student) == []


def test_a_date_that_one_s_own_time_does_not_reach_is_left_out(core, student, quiz):
    begins, ends = ("Bread begins", 2), ("Your time in Bread ends", 8)
    change(core, Enrollment, starts_at=NOW + 2 * DAY, expires_at=NOW + 8 * DAY)
    assert sorted(told(student)) == sorted([begins, (DUE, 8), ends])
    change(core, Enrollment, expires_at=NOW + 7 * DAY)
    assert told(student) == [begins, (ends[0], 7)]
    change(core, Enrollment, expires_at=NOW - DAY, starts_at=None)
    assert told(student) == [(ends[0], -1)]
