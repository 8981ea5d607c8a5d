"""Why a module is open to a student or not, for those who run the course: the same as the outline says, in full."""

import datetime as dt

import pytest

from lms_core.testing.courses import make_course

DAY = dt.timedelta(days=1)


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=4, lessons=1)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    first, second = map(str, made.modules[:2])
    for place, values in (
        (1, {"unlockType": "sequential", "unlockMinScore": 50}),
        (2, {"unlockType": "scheduled", "unlockDate": (core.clock() + DAY).isoformat(), "prerequisites": [first]}),
        (3, {"unlockType": "relative", "unlockAfterDays": 0, "prerequisites": [second]}),
    ):
        instructor.client.put_json(f"/api/v1/modules/{made.modules[place]}", values)
    instructor.client.post_json(f"/api/v1/courses/{made.id}/publish")
    return made


def explain(person, course, student, **kwargs):
    return person.client.get(f"/api/v1/courses/{course.id}/explain", {"userId": str(student.id)}, **kwargs).json


def trace(shown):
    return [[(each["code"], each["passed"]) for each in module["conditions"]] for module in shown["modules"]]


def learn(person, lesson):
    for what in ("start", "complete"):
        person.client.post_json(f"/api/v1/lessons/{lesson}/{what}")


def test_every_condition_is_told_whether_it_holds_or_not(core, student, instructor, course):
    learn(student, course.lessons[0])
    shown = explain(instructor, course, student)
    assert trace(shown) == [
        [], [("sequential", True), ("minimum_score", True)], [("scheduled", False), ("prerequisite", True)],
        [("relative", True), ("prerequisite", False)],
    ]  # fmt: skip
    assert [each["isOpen"] for each in shown["modules"]] == [True, True, False, False]
    assert [each["begun"] for each in shown["modules"]] == [True, False, False, False]
    assert (shown["userId"], shown["enrollment"]["status"]) == (str(student.id), "active")
    assert abs(dt.datetime.fromisoformat(shown["at"]) - core.clock()) < dt.timedelta(minutes=1)
    assert shown["modules"][3]["conditions"][1]["moduleIds"] == [str(course.modules[1])]
    # What does not hold is what the student is told.
    outline = student.client.get(f"/api/v1/courses/{course.id}/outline").json
    for told, module in zip(shown["modules"], outline["modules"], strict=True):
        failed = [each for each in told["conditions"] if not each["passed"]]
        reasons = [{k: v for k, v in each.items() if k not in ("passed", "accommodated")} for each in failed]
        assert module["reasons"] == ([] if told["isOpen"] else reasons)


def test_what_was_granted_is_told_without_the_reason(core, student, instructor, course):
    mine = student.client.get("/api/v1/users/me/courses").json["items"][0]["enrollmentId"]
    own = {"moduleId": str(course.modules[2]), "unlocksAt": (core.clock() - DAY).isoformat()}
    granted = {"waivesSequence": True, "modules": [own], "reason": "Dyslexia."}
    instructor.client.put_json(f"/api/v1/enrollments/{mine}/accommodations", granted)
    shown = explain(instructor, course, student)
    decided = [
        (each["code"], each["passed"]) for module in shown["modules"] for each in module["conditions"]
        if each["accommodated"]
    ]  # fmt: skip
    assert decided == [("sequential", True), ("scheduled", True)]
    assert "Dyslexia" not in str(shown)


def test_who_may_not_see_what_was_granted_sees_the_dates_alone(core, student, instructor, make_person, course):
    mine = student.client.get("/api/v1/users/me/courses").json["items"][0]["enrollmentId"]
    own = {"moduleId": str(course.modules[2]), "unlocksAt": "2026-01-02T01:00:00Z"}
    instructor.client.put_json(f"/api/v1/enrollments/{mine}/accommodations", {"waivesSequence": True, "modules": [own]})
    assistant, trusted = make_person(), make_person()
    for person, permissions in ((assistant, {}), (trusted, {"accommodations:read": True})):
        body = {"userId": str(person.id), "role": "teaching_assistant", "permissions": permissions}
        instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
    assert "accommodat" not in str(explain(assistant, course, student))
    shown = explain(assistant, course, student)["modules"]
    assert shown[2]["conditions"][0]["unlocksAt"] == own["unlocksAt"]
    assert trace(explain(assistant, course, student)) == trace(explain(trusted, course, student))
    assert "accommodated" in str(explain(trusted, course, student))


def test_who_left_has_a_trace_too(student, instructor, course):
    mine = student.client.get("/api/v1/users/me/courses").json["items"][0]["enrollmentId"]
    instructor.client.post_json(f"/api/v1/enrollments/{mine}/suspend", {})
    assert trace(explain(instructor, course, student)) == [[("enrollment_suspended", False)]] * 4


def test_it_is_for_who_may_see_the_roster(app, student, instructor, admin, make_person, course):
    assistant, unlisted = make_person(), make_person()
    for person, permissions in ((assistant, {}), (unlisted, {"rosters:read": False})):
        body = {"userId": str(person.id), "role": "teaching_assistant", "permissions": permissions}
        instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
    for staff in (instructor, assistant, admin):
        assert len(explain(staff, course, student)["modules"]) == 4
    for other in (student, unlisted, make_person(), make_person("instructor")):
        explain(other, course, student, status=403)
    app.get(f"/api/v1/courses/{course.id}/explain", {"userId": str(student.id)}, status=401)


def test_of_whom_there_is_nothing_to_explain(core, instructor, make_person, course):
    assert explain(instructor, course, make_person(), status=404)["code"] == "not_enrolled"
    url = f"/api/v1/courses/{course.id}/explain"
    assert "userId" in instructor.client.get(url, status=422).json["errors"]
    instructor.client.get(url, {"userId": "me"}, status=422)
    draft = make_course(core, instructor.id, published=False)
    explain(instructor, draft, make_person(), status=404)
    hidden = make_course(core, make_person("instructor").id, published=False)
    explain(instructor, hidden, make_person(), status=404)


def test_it_costs_four_statements(student, instructor, course, statements):
    for most in (4, 3):
        with statements() as seen:
            explain(instructor, course, student)
        assert seen.count <= most, seen
