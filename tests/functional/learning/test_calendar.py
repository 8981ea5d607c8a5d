"""What courses have to say in the calendars of their students: their own dates, and nothing they could not know."""

import datetime as dt
import uuid

import icalendar
import pytest
from sqlalchemy import text, update

from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import leave_times
from lms_core.testing.courses import make_course

from .beats import do

CALENDAR = "/api/v1/users/me/calendar.ics"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)


def at(days):
    return (NOW + days * DAY).isoformat()


@pytest.fixture
def course(core, instructor, student):
    """Three modules: one opens in a week, one ten days after the student's first, one has no date."""
    made = make_course(core, instructor.id, modules=3, lessons=1, title="Algebra; or, “Sets”")
    module(instructor, made.modules[0], unlockType="scheduled", unlockDate=at(7))
    module(instructor, made.modules[1], unlockType="relative", unlockAfterDays=10)
    publish(instructor, made)
    enroll(student, made)
    return made


def module(instructor, module_id, **values):
    instructor.client.put_json(f"/api/v1/modules/{module_id}", values)


def publish(instructor, course):
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def change(core, **values):
    with core.transaction() as db:
        db.execute(update(Enrollment).values(**values))


def events(person):
    calendar = icalendar.Calendar.from_ical(person.client.get(CALENDAR).body)
    return calendar.walk("VEVENT")


def age(core):
    """All that was changed was so an hour earlier: a calendar knows of seconds."""
    with core.transaction() as db:
        leave_times(db)
        for table in ("enrollments", "courses", "accommodations"):
            db.execute(text(f"UPDATE {table} SET updated_at = updated_at - interval '1 hour'"))
        db.execute(text("UPDATE course_versions SET published_at = published_at - interval '1 hour'"))


def stamps(person):
    """When each entry was changed."""
    found = {str(event["uid"]): event["dtstamp"].dt for event in events(person)}
    assert found == {str(event["uid"]): event["last-modified"].dt for event in events(person)}
    return found


def told(person):
    """Each entry's text and its distance from now in days."""
    return [(str(event["summary"]), round((event["dtstart"].dt - NOW) / DAY)) for event in events(person)]


FIRST = ("Algebra; or, “Sets”: “Module 1” opens", 7)
SECOND = ("Algebra; or, “Sets”: “Module 2” opens", 10)


def test_modules_open_by_their_dates(student, course):
    assert told(student) == [FIRST, SECOND]
    assert {str(event["url"]) for event in events(student)} == {f"http://localhost/courses/{course.id}"}
    assert all("description" not in event for event in events(student))


def test_it_costs_three_statements_however_much_there_is(core, student, instructor, course, statements):
    for _each in range(3):
        enroll(student, make_course(core, instructor.id, modules=2))
    change(core, starts_at=NOW - DAY, expires_at=NOW + 30 * DAY)
    with statements() as seen:
        assert len(events(student)) == 10
    assert seen.count == 3, seen
    path = student.client.post("/api/v1/users/me/calendar").json["url"].removeprefix("http://localhost")
    with statements() as seen:
        student.client.anonymous().get(path)
    assert seen.count == 3, seen


def test_the_enrollment_has_its_own_dates(core, student, course):
    change(core, starts_at=NOW + 2 * DAY, expires_at=NOW + 11 * DAY)
    begins, ends = ("Algebra; or, “Sets” begins", 2), ("Your time in Algebra; or, “Sets” ends", 11)
    # Ten days after the first are past the end.
    assert told(student) == [begins, FIRST, ends]
    change(core, extended_until=NOW + 40 * DAY)
    assert told(student) == [begins, FIRST, ("Algebra; or, “Sets”: “Module 2” opens", 12), (ends[0], 40)]
    change(core, extended_until=None, starts_at=NOW + 8 * DAY)
    assert told(student) == [(begins[0], 8), ends]
    change(core, starts_at=NOW - 9 * DAY, expires_at=NOW - DAY, status="expired")
    assert told(student) == [(begins[0], -9), (ends[0], -1)]


def test_dates_of_one_s_own_come_first(student, instructor, course):
    granted = {"modules": [{"moduleId": str(course.modules[0]), "unlocksAt": at(3)}], "reason": "A stay in hospital"}
    instructor.client.put_json(accommodations(student), granted)
    assert told(student) == [(FIRST[0], 3), SECOND]
    assert b"hospital" not in student.client.get(CALENDAR).body


def accommodations(person):
    [taken] = person.client.get("/api/v1/users/me/courses").json["items"]
    return f"/api/v1/enrollments/{taken['enrollmentId']}/accommodations"


def test_an_entry_knows_when_it_was_changed_last(core, student, instructor, course):
    """By it programs tell which of two is the newer one, so it never goes back."""
    change(core, expires_at=NOW + 30 * DAY)
    url = accommodations(student)
    dates = {"modules": [{"moduleId": str(course.modules[0]), "unlocksAt": at(3)}]}
    for step in (
        lambda: instructor.client.put_json(url, dates),
        lambda: instructor.client.put_json(url, {"extendedUntil": at(40)}),
        lambda: instructor.client.delete(url),
        lambda: instructor.client.put_json(url, dates),
        lambda: instructor.client.delete(url),
        lambda: instructor.client.put_json(f"/api/v1/courses/{course.id}", {"title": "Geometry"}),
        lambda: module(instructor, course.modules[0], unlockDate=at(8)) or publish(instructor, course),
    ):
        age(core)
        before = stamps(student)
        step()
        after = stamps(student)
        assert after.keys() == before.keys()
        assert len(after) == 3
        assert all(after[uid] > before[uid] for uid in after)
    assert told(student)[0] == ("Geometry: “Module 1” opens", 8)


def test_it_says_that_a_date_alone_does_not_open_a_module(student, instructor, course):
    module(instructor, course.modules[0], prerequisites=[str(course.modules[2])])
    publish(instructor, course)
    assert [event.get("description") for event in events(student)] == [
        "It also waits for what comes before it in the course.", None,
    ]  # fmt: skip


def test_what_was_begun_is_open_and_waits_for_no_date(student, instructor, course):
    module(instructor, course.modules[1], unlockType="immediate")
    publish(instructor, course)
    do(student, "start", course.lessons[1])
    module(instructor, course.modules[1], unlockType="scheduled", unlockDate=at(5))
    publish(instructor, course)
    assert told(student) == [FIRST]


def test_drafts_are_nobody_s_business(core, student, instructor, course):
    module(instructor, course.modules[0], title="A secret", unlockDate=at(20))
    another = {"title": "Another", "unlockType": "scheduled", "unlockDate": at(9), "isPublished": False}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/modules", another)
    assert told(student) == [FIRST, SECOND]
    publish(instructor, course)
    assert told(student) == [SECOND, ("Algebra; or, “Sets”: “A secret” opens", 20)]


@pytest.mark.parametrize(
    "change_course", [{"is_published": False}, {"deleted_at": NOW}], ids=["unpublished", "deleted"]
)
def test_of_a_course_that_is_gone_nothing_is_said(core, student, course, change_course):
    change(core, expires_at=NOW + 30 * DAY)
    with core.transaction() as db:
        db.execute(update(Course).values(**change_course))
    assert told(student) == []


@pytest.mark.parametrize("status", ["suspended", "dropped"])
def test_who_does_not_take_the_course_hears_nothing_of_it(core, student, instructor, make_person, course, status):
    assert told(make_person("student")) == told(instructor) == []
    change(core, status=status, expires_at=NOW + 30 * DAY)
    assert told(student) == []


def test_who_may_not_see_enrollments_sees_none_in_the_calendar(core, student, course):
    from lms_core.accounts.models import GroupPermission, Permission

    with core.transaction() as db:
        own = db.query(Permission.id).filter_by(resource="enrollments", action="read", scope="own").scalar_subquery()
        db.query(GroupPermission).filter(GroupPermission.permission_id == own).delete()
    assert told(student) == []


def test_it_changes_only_with_what_it_tells_of(student, course):
    first = student.client.get(CALENDAR)
    do(student, "start", course.lessons[2])
    do(student, "complete", course.lessons[2])
    student.client.get(CALENDAR, headers={"If-None-Match": first.headers["ETag"]}, status=304)
    for event in events(student):
        uuid.UUID(str(event["uid"]))
