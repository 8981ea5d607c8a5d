"""When a course can be joined, and what it presupposes."""

import datetime as dt

import pytest
from sqlalchemy import select, update

from lms_core.courses.models import Course
from lms_core.enrollment.admission import Admission
from lms_core.enrollment.models import Enrollment, EnrollmentChange
from lms_core.enrollment.rosters.service import Wish, enroll_many
from lms_core.enrollment.service import enroll
from lms_core.testing.accounts import make_user
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"


def join(person, course, **options):
    return person.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, **options)


def complete(core, person, course):
    with core.transaction() as db:
        enroll(db, core, person.id, course.id)
        done = update(Enrollment).where(Enrollment.user_id == person.id, Enrollment.course_id == course.id)
        db.execute(done.values(status="completed", completed_at=core.clock()))


# The window.


def test_a_course_is_joined_while_its_window_is_open(student, instructor, core, course):
    url, now = f"/api/v1/courses/{course.id}", core.clock()
    soon, later = (now + dt.timedelta(hours=hours) for hours in (1, 2))
    put = instructor.client.put_json
    shown = put(url, {"enrollmentOpensAt": soon.isoformat(), "enrollmentClosesAt": later.isoformat()}).json
    assert shown["enrollmentOpensAt"].endswith("Z")
    refused = join(student, course, status=409).json
    assert (refused["code"], refused["opensAt"]) == ("enrollment_not_open", shown["enrollmentOpensAt"])
    past = (now - dt.timedelta(hours=2)).isoformat()
    put(url, {"enrollmentOpensAt": past, "enrollmentClosesAt": (now - dt.timedelta(hours=1)).isoformat()})
    refused = join(student, course, status=409).json
    assert refused["code"] == "enrollment_closed"
    assert refused["closedAt"].endswith("Z")
    put(url, {"enrollmentClosesAt": later.isoformat()})
    join(student, course, status=201)


def test_a_window_closes_after_it_opens(instructor, course, core):
    url = f"/api/v1/courses/{course.id}"
    first, second = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"
    refused = instructor.client.put_json(url, {"enrollmentOpensAt": second, "enrollmentClosesAt": first}, status=422)
    assert list(refused.json["errors"]) == ["enrollmentClosesAt"]
    instructor.client.put_json(url, {"enrollmentOpensAt": first, "enrollmentClosesAt": second})
    instructor.client.put_json(url, {"enrollmentClosesAt": first}, status=422)
    instructor.client.put_json(url, {"enrollmentOpensAt": None, "enrollmentClosesAt": first})


# Prerequisites.


@pytest.fixture
def chain(core, instructor):
    """A course, and another one that presupposes it."""
    first = make_course(core, instructor.id, code="BASE-1", title="Basics")
    return first, make_course(core, instructor.id, code="NEXT-1", prerequisites=["BASE-1"])


def test_what_is_presupposed_has_to_be_completed(student, core, chain):
    first, second = chain
    refused = join(student, second, status=409).json
    assert refused["code"] == "prerequisites_missing"
    assert refused["missing"] == [{"id": str(first.id), "code": "BASE-1", "title": "Basics"}]
    assert "Basics" in refused["detail"]
    join(student, first, status=201)
    join(student, second, status=409)  # To take it is not to have completed it.
    for lesson in first.lessons:
        student.client.post_json(f"/api/v1/lessons/{lesson}/start")
        student.client.post_json(f"/api/v1/lessons/{lesson}/complete")
    join(student, second, status=201)


def test_who_completed_it_once_has_completed_it(student, core, chain):
    first, second = chain
    complete(core, student, first)
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="dropped"))
    join(student, second, status=201)


def test_what_cannot_be_completed_any_more_is_not_asked_for(student, make_person, core, chain):
    first, second = chain
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == first.id).values(is_published=False))
    refused = join(student, second, status=409).json
    assert refused["missing"] == [{"id": None, "code": "BASE-1", "title": None}]
    for gone in ({"archived_at": core.clock()}, {"deleted_at": core.clock()}):
        with core.transaction() as db:
            db.execute(update(Course).where(Course.id == first.id).values(archived_at=None, deleted_at=None))
            db.execute(update(Course).where(Course.id == first.id).values(**gone))
        join(make_person("student"), second, status=201)


def test_a_new_course_of_the_same_code_does_not_ask_again(student, instructor, core, chain):
    first, second = chain
    complete(core, student, first)
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == first.id).values(deleted_at=core.clock()))
    make_course(core, instructor.id, code="BASE-1")
    join(student, second, status=201)


def test_an_author_names_courses_that_there_are(instructor, core, chain):
    first, second = chain
    put = instructor.client.put_json
    refused = put(f"/api/v1/courses/{second.id}", {"prerequisites": ["BASE-1", "NONE-1"]}, status=422).json
    assert (refused["code"], list(refused["errors"])) == ("prerequisite_unknown", ["prerequisites"])
    for course, named in ((second, "NEXT-1"), (first, "NEXT-1")):
        refused = put(f"/api/v1/courses/{course.id}", {"prerequisites": [named]}, status=422).json
        assert refused["code"] == "prerequisites_circular"
    third = make_course(core, instructor.id, code="LAST-1", prerequisites=["NEXT-1"])
    assert put(f"/api/v1/courses/{first.id}", {"prerequisites": ["LAST-1"]}, status=422)
    shown = put(f"/api/v1/courses/{third.id}", {"prerequisites": ["NEXT-1", "NEXT-1", "BASE-1"]}).json
    assert shown["prerequisites"] == ["NEXT-1", "BASE-1"]
    new = {"code": "NEW-1", "title": "New", "prerequisites": ["NEW-1"]}
    instructor.client.post_json("/api/v1/courses", new, status=422)


def test_nobody_is_held_to_the_capitals_of_a_code(student, instructor, core, chain):
    first, second = chain
    url = f"/api/v1/courses/{second.id}"
    shown = instructor.client.put_json(url, {"prerequisites": ["base-1", "Base-1"]}).json
    assert len(shown["prerequisites"]) == 1
    assert join(student, second, status=409).json["missing"][0]["id"] == str(first.id)
    refused = instructor.client.put_json(f"/api/v1/courses/{first.id}", {"prerequisites": ["next-1"]}, status=422).json
    assert refused["code"] == "prerequisites_circular"
    complete(core, student, first)
    join(student, second, status=201)


def test_what_is_gone_since_may_stay_named(instructor, core, chain):
    first, second = chain
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == first.id).values(deleted_at=core.clock()))
    url = f"/api/v1/courses/{second.id}"
    named = {"prerequisites": instructor.client.get(url).json["prerequisites"]}
    assert instructor.client.put_json(url, named).json["prerequisites"] == ["BASE-1"]
    copied = instructor.client.post_json(f"{url}/duplicate", {}, status=201).json
    assert copied["prerequisites"] == ["BASE-1"]
    instructor.client.put_json(f"/api/v1/courses/{copied['id']}", {"code": "BASE-1"}, status=422)


# The staff's own decisions.


def enroll_all(person, course, people, **options):
    """What becomes of each, and what each lacks."""
    body = {"students": [{"userId": str(each.id)} for each in people], **options}
    report = person.client.post_json(f"/api/v1/courses/{course.id}/enrollments/bulk", body).json
    return report, [(each["outcome"], each["missingPrerequisites"]) for each in report["results"]]


def test_staff_enroll_whom_they_like(student, make_person, core, chain, instructor):
    """The method and the window are for who comes by themselves; what is presupposed the staff can waive."""
    first, second = chain
    people = [make_person("student") for _person in range(3)]
    complete(core, student, first)
    with core.transaction() as db:
        chosen = update(Course).where(Course.id == second.id)
        db.execute(chosen.values(enrollment_closes_at=core.clock(), max_students=2, enrollment_type="code"))
    lacks = ("prerequisites_missing", ["BASE-1"])
    report, outcomes = enroll_all(instructor, second, [people[0], student, people[1]])
    assert outcomes == [lacks, ("enrolled", []), lacks]
    assert (report["enrolled"], report["refused"]) == (1, 2)
    assert "Basics" in report["results"][0]["detail"]
    _report, outcomes = enroll_all(instructor, second, people, waivePrerequisites=True, dryRun=True)
    assert outcomes == [("enrolled", ["BASE-1"]), ("course_full", []), ("course_full", [])]
    _report, outcomes = enroll_all(instructor, second, [student, *people], waivePrerequisites=True)
    assert outcomes == [("already_enrolled", []), ("enrolled", ["BASE-1"]), ("course_full", []), ("course_full", [])]
    # Who is in stays so, whatever they lack.
    assert enroll_all(instructor, second, [people[0]])[1] == [("already_enrolled", [])]
    there = Enrollment.course_id == second.id
    with core.reader() as db:
        rows = db.execute(select(Enrollment.user_id, Enrollment.extra.label("extra")).where(there)).all()
        assert db.scalar(select(Course.enrolled_count).where(Course.id == second.id)) == 2
        changed = set(db.scalars(select(EnrollmentChange.changed_by).join(Enrollment).where(there)))
    by = {"decidedBy": str(instructor.id)}
    kept = {row.user_id: row.extra["admission"] for row in rows}
    assert kept == {student.id: by, people[0].id: by | {"waived": ["BASE-1"]}}
    assert changed == {instructor.id}


def test_a_csv_passes_over_no_prerequisite(make_person, core, chain, instructor):
    _first, second = chain
    person = make_person("student")
    url = f"/api/v1/courses/{second.id}/enrollments"
    enrollment = instructor.client.post_json(
        f"{url}/bulk", {"students": [{"userId": str(person.id)}], "waivePrerequisites": True}
    ).json["results"][0]["enrollmentId"]
    instructor.client.post_json(f"/api/v1/enrollments/{enrollment}/drop", {})

    def send(query=""):
        data, headers = f"email\n{person.email}\n".encode(), {"Content-Type": "text/csv"}
        (result,) = instructor.client.send("POST", f"{url}/import{query}", data, headers=headers).json["results"]
        return result["outcome"], result["missingPrerequisites"]

    # Coming back is no completion.
    assert send() == ("prerequisites_missing", ["BASE-1"])
    assert send("?waivePrerequisites=true") == ("enrolled", ["BASE-1"])
    with core.reader() as db:
        kept = db.scalar(select(Enrollment.extra).where(Enrollment.user_id == person.id))
    assert kept["admission"]["waived"] == ["BASE-1"]


def test_many_are_enrolled_at_the_price_of_one(make_person, core, instructor, chain, statements):
    def cost(number):
        people = [Wish("somebody", make_user(core).id) for _person in range(number)]
        how = Admission("instructor", decided_by=instructor.id, waives_prerequisites=True)
        with core.transaction() as db, statements() as seen:
            assert enroll_many(db, core, chain[1].id, people, how).enrolled == number
        return seen.count

    assert cost(40) == cost(2)
