"""The outline of a course: for its students, for anybody else, and for who runs it."""

import datetime as dt

import pytest
from sqlalchemy import update

from lms_core.courses.freezing import follow
from lms_core.courses.models import LessonRevision, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.outline.structure import Shelf
from lms_core.testing.courses import make_course

DAY = dt.timedelta(days=1)


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=3, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def publish(instructor, course):
    def change(*changes):
        for kind, part, values in changes:
            instructor.client.put_json(f"/api/v1/{kind}/{part}", values)
        instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")

    return change


def outline(client, course, **kwargs):
    return client.get(f"/api/v1/courses/{course.id}/outline", **kwargs).json


def states(shown):
    return [(each["state"], [lesson["state"] for lesson in each["lessons"]]) for each in shown["modules"]]


def learn(person, *lessons, finish=True):
    for lesson in lessons:
        person.client.post_json(f"/api/v1/lessons/{lesson}/start")
        if finish:
            person.client.post_json(f"/api/v1/lessons/{lesson}/complete")


def test_a_student_sees_what_is_done_what_is_open_and_where_to_go_on(core, student, course, publish):
    publish(
        ("modules", course.modules[1], {"unlockType": "sequential", "description": "Words."}),
        ("modules", course.modules[2], {"unlockType": "scheduled", "unlockDate": (core.clock() + DAY).isoformat()}),
    )
    first = outline(student.client, course)
    assert (first["courseId"], first["version"]) == (str(course.id), 2)
    assert states(first) == [("available", ["available"] * 2), ("locked", ["locked"] * 2), ("locked", ["locked"] * 2)]
    assert first["continueLessonId"] == str(course.lessons[0])
    assert first["modules"][1]["reasons"] == [{"code": "sequential", "moduleIds": [str(course.modules[0])]}]
    assert [each["code"] for each in first["modules"][2]["reasons"]] == ["scheduled"]
    assert first["modules"][1]["description"] == "Words."
    assert first["modules"][0]["lessons"][0] == {
        "id": str(course.lessons[0]), "title": "Lesson 1.1", "contentType": "text", "durationMinutes": 1,
        "isPreview": False, "state": "available",
    }  # fmt: skip

    learn(student, course.lessons[0])
    learn(student, course.lessons[1], finish=False)
    second = outline(student.client, course)
    assert states(second)[0] == ("in_progress", ["completed", "in_progress"])
    assert second["continueLessonId"] == str(course.lessons[1])
    assert (second["modules"][0]["lessonsCompleted"], second["modules"][0]["progressPercentage"]) == (1, 50)
    assert second["enrollment"]["progressPercentage"] == 16.66

    learn(student, course.lessons[1])
    third = outline(student.client, course)
    assert states(third)[:2] == [("completed", ["completed"] * 2), ("available", ["available"] * 2)]
    assert third["modules"][0]["completedAt"]
    assert third["modules"][1]["unlockedAt"]
    assert third["modules"][1]["reasons"] == []
    assert third["continueLessonId"] == str(course.lessons[2])

    learn(student, *course.lessons[2:4])
    assert outline(student.client, course)["continueLessonId"] is None  # The rest is not open yet.


def test_a_completed_course_is_complete(student, course):
    learn(student, *course.lessons)
    shown = outline(student.client, course)
    assert states(shown) == [("completed", ["completed"] * 2)] * 3
    assert (shown["enrollment"]["status"], shown["enrollment"]["progressPercentage"]) == ("completed", 100)
    assert shown["continueLessonId"] is None


def test_the_lesson_begun_last_is_where_to_go_on(student, course):
    learn(student, course.lessons[0], course.lessons[3], course.lessons[1], finish=False)
    assert outline(student.client, course)["continueLessonId"] == str(course.lessons[1])


def test_what_was_begun_is_open_in_a_module_that_no_longer_is(core, student, course, publish):
    learn(student, course.lessons[2])
    with core.transaction() as db:
        db.execute(update(ModuleProgress).values(started_at=None))
    publish(("modules", course.modules[1], {"unlockType": "sequential"}))
    shown = outline(student.client, course)
    assert states(shown)[1] == ("locked", ["completed", "locked"])
    for lesson, status in zip(course.lessons[2:4], (200, 403), strict=True):
        student.client.get(f"/api/v1/lessons/{lesson}", status=status)


def test_who_does_not_take_the_course_sees_its_structure_and_its_previews(app, make_person, course, publish):
    publish(("lessons", course.lessons[3], {"isPreview": True}))
    for who in (app, make_person().client):
        shown = outline(who, course)
        assert shown["enrollment"] is shown["continueLessonId"] is None
        assert states(shown) == [
            ("locked", ["locked"] * 2), ("locked", ["locked", "available"]), ("locked", ["locked"] * 2),
        ]  # fmt: skip
        assert {str(each["reasons"]) for each in shown["modules"]} == {"[{'code': 'not_enrolled'}]"}
        assert "Some words" not in str(shown)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"status": "suspended"}, "enrollment_suspended"),
        ({"status": "dropped"}, "enrollment_dropped"),
        ({"status": "expired"}, "enrollment_expired"),
        ({"expires_at": -DAY}, "enrollment_expired"),
        ({"starts_at": DAY}, "not_started_yet"),
    ],
)
def test_an_enrollment_that_is_not_in_use_locks_everything(core, student, make_person, course, publish, values, code):
    publish(("lessons", course.lessons[3], {"isPreview": True}))
    learn(student, course.lessons[0])
    with core.transaction() as db:
        moved = {name: core.clock() + value if name != "status" else value for name, value in values.items()}
        db.execute(update(Enrollment).values(moved))
    shown = outline(student.client, course)
    assert states(shown)[:2] == [("locked", ["locked"] * 2), ("locked", ["locked", "available"])]
    assert {each["reasons"][0]["code"] for each in shown["modules"]} == {code}
    assert shown["enrollment"]["status"] == values.get("status", "active")
    # And each way to a lesson says so, of one's own enrollment alone.
    told = student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403).json
    assert (told["code"], told["reasons"]) == (code, shown["modules"][0]["reasons"])
    for lesson, what, body in (
        (0, "start", {}), (0, "complete", {}), (0, "heartbeat", {"seconds": 1}), (0, "annotations", {"text": "Mine."}),
        (3, "start", {}),
    ):  # fmt: skip
        url = f"/api/v1/lessons/{course.lessons[lesson]}/{what}"
        assert student.client.post_json(url, body, status=403).json["code"] == code
        assert make_person("student").client.post_json(url, body, status=403).json["code"] == "forbidden"
    student.client.get(f"/api/v1/lessons/{course.lessons[3]}", status=200)
    student.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "Mine"}, status=403)


def test_who_runs_the_course_sees_the_draft_or_what_students_see(instructor, admin, make_person, course, publish):
    publish(("modules", course.modules[1], {"unlockType": "sequential"}))
    instructor.client.put_json(f"/api/v1/modules/{course.modules[0]}", {"title": "Renamed"})
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"isPublished": False})
    assistant = make_person()
    instructor.client.post_json(
        f"/api/v1/courses/{course.id}/staff", {"userId": str(assistant.id), "role": "teaching_assistant"}, status=201
    )
    for staff in (instructor, assistant, admin):
        shown = outline(staff.client, course)
        assert (shown["version"], shown["modules"][0]["title"]) == (None, "Renamed")
        assert [each["isPublished"] for each in shown["modules"][0]["lessons"]] == [False, True]
        assert states(shown) == [("available", ["available"] * 2)] * 3
        published = outline(staff.client, course, params={"as": "published"})
        assert (published["version"], published["modules"][0]["title"]) == (2, "Module 1")
        assert states(published) == [("available", ["available"] * 2)] * 3
    # Who takes the course as well sees it as any student there.
    assistant.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    assert states(outline(assistant.client, course, params={"as": "published"}))[1][0] == "locked"


def test_who_may_not_know_of_the_course_does_not_know_its_outline(core, app, student, instructor, make_person):
    draft = make_course(core, instructor.id, published=False)
    for who in (app, student.client, make_person("instructor").client):
        outline(who, draft, status=404)
    outline(instructor.client, draft)
    outline(instructor.client, draft, params={"as": "published"}, status=404)
    outline(instructor.client, draft, params={"as": "draft"}, status=422)


def test_students_keep_what_was_archived_and_lose_what_was_taken_back(app, student, instructor, course):
    instructor.client.post_json(f"/api/v1/courses/{course.id}/archive")
    assert states(outline(student.client, course))[0][0] == "available"
    outline(app, course, status=404)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/restore")
    instructor.client.post_json(f"/api/v1/courses/{course.id}/unpublish")
    outline(student.client, course, status=403)


def test_it_is_not_sent_again_while_nothing_has_changed(core, student, course, publish):
    url = f"/api/v1/courses/{course.id}/outline"
    tag = student.client.get(url).headers["ETag"]
    assert student.client.get(url, headers={"If-None-Match": tag}, status=304).body == b""
    learn(student, course.lessons[0], finish=False)
    assert student.client.get(url, headers={"If-None-Match": tag}).headers["ETag"] != tag


def test_nobodys_outline_is_anothers(student, make_person, course):
    other = make_person()
    other.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    learn(student, *course.lessons[:3])
    assert states(outline(other.client, course)) == [("available", ["available"] * 2)] * 3
    assert outline(student.client, course)["enrollment"]["lessonsCompleted"] == 3


def test_what_is_found_out_later_is_shown(core, student, course):
    outline(student.client, course)
    with core.transaction() as db:
        revision = db.query(LessonRevision).filter_by(lesson_id=course.lessons[0]).one()
        revision.duration_minutes = 77
        db.flush()
        follow(db, [revision.id])
    shown = outline(student.client, course)["modules"][0]
    assert (shown["lessons"][0]["durationMinutes"], shown["durationMinutes"]) == (77, 78)


def test_it_costs_four_statements_and_three_when_it_is_known(core, app, student, instructor, statements):
    large = make_course(core, instructor.id, modules=20, lessons=3)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(large.id)}, status=201)
    learn(student, *large.lessons[:5])
    for who, first, then in ((student, 4, 3), (instructor, 3, 3)):
        for most in (first, then):
            with statements() as seen:
                assert len(outline(who.client, large)["modules"]) == 20
            assert seen.count <= most, seen
    with statements() as seen:
        outline(app, large)
    assert seen.count <= 2, seen


def test_a_date_that_comes_opens_it_without_anything_else_changing(core, registry, student, course, publish):
    soon = {"unlockType": "scheduled", "unlockDate": (core.clock() + DAY).isoformat()}
    publish(("modules", course.modules[2], soon))
    assert states(outline(student.client, course))[2] == ("locked", ["locked"] * 2)
    with core.transaction() as db:  # As if the time had come: nothing else is touched.
        db.execute(update(VersionModule).values(unlock_date=core.clock()))
    registry.outlines = Shelf()  # Rules are frozen, and so not read again.
    assert states(outline(student.client, course))[2] == ("available", ["available"] * 2)


def test_rows_of_progress_without_a_start_do_no_harm(core, student, course):
    learn(student, course.lessons[0])
    with core.transaction() as db:
        db.execute(update(LessonProgress).values(status="not_started", started_at=None, completed_at=None))
    assert states(outline(student.client, course))[0] == ("in_progress", ["available"] * 2)
