"""Modules open as they were told to: to students, in every way to what is in them, and to nobody too early."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from lms_core.courses.models import VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.errors import LMSError
from lms_core.kernel.models import Outbox
from lms_core.learning.models import ModuleProgress
from lms_core.learning.progress.service import start_lesson
from lms_core.learning.unlocking.events import ModuleUnlocked
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ..files.pictures import image

DAY = dt.timedelta(days=1)


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=3, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def rule(instructor, course):
    """``rule(place, unlockType="sequential")``: what a module demands, published at once."""

    def set_rule(place, **values):
        instructor.client.put_json(f"/api/v1/modules/{course.modules[place]}", values)
        instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")

    return set_rule


def do(person, what, lesson, **kwargs):
    return person.client.post_json(f"/api/v1/lessons/{lesson}/{what}", **kwargs).json


def learn(person, *lessons):
    for lesson in lessons:
        do(person, "start", lesson)
        done = do(person, "complete", lesson)
    return done


def refused(person, lesson):
    """What the student is told in each way to the lesson: the same."""
    url = f"/api/v1/lessons/{lesson}"
    told = person.client.get(url, status=403).json
    for what in ("start", "complete"):
        again = do(person, what, lesson, status=403)
        assert [again[key] for key in ("code", "moduleId", "reasons")] == [
            told[key] for key in ("code", "moduleId", "reasons")
        ]
    assert told["code"] == "module_locked"
    assert "content" not in told
    return told["reasons"]


def later(core, days=1):
    return (core.clock() + days * DAY).isoformat()


def test_a_module_waits_for_the_one_before(core, student, course, rule):
    rule(1, unlockType="sequential")
    assert refused(student, course.lessons[2]) == [{"code": "sequential", "moduleIds": [str(course.modules[0])]}]
    assert learn(student, course.lessons[0])["unlocked"] == []
    assert refused(student, course.lessons[2])
    assert learn(student, course.lessons[1])["unlocked"] == [str(course.modules[1])]
    assert learn(student, course.lessons[2])["unlocked"] == []
    assert student.client.get(f"/api/v1/lessons/{course.lessons[3]}").json["content"]


def test_who_did_not_get_the_answer_gets_it_again(student, course, rule, deliver):
    rule(1, unlockType="sequential")
    rule(2, prerequisites=[str(course.modules[0])])
    learn(student, course.lessons[0])
    first = learn(student, course.lessons[1])
    assert first["unlocked"] == [str(each) for each in course.modules[1:]]
    deliver()
    assert do(student, "complete", course.lessons[1]) == first
    assert do(student, "complete", course.lessons[0])["unlocked"] == []
    learn(student, course.lessons[2])
    assert do(student, "complete", course.lessons[1])["unlocked"] == first["unlocked"]


def test_a_module_waits_for_its_prerequisites(student, course, rule):
    rule(2, prerequisites=[str(course.modules[0]), str(course.modules[1])])
    both = [str(each) for each in course.modules[:2]]
    assert refused(student, course.lessons[4]) == [{"code": "prerequisite", "moduleIds": both}]
    assert learn(student, *course.lessons[:2])["unlocked"] == []
    assert refused(student, course.lessons[4]) == [{"code": "prerequisite", "moduleIds": both[1:]}]
    assert learn(student, *course.lessons[2:4])["unlocked"] == [str(course.modules[2])]


def test_a_module_opens_on_its_date(core, student, course, rule):
    rule(1, unlockType="scheduled", unlockDate=later(core))
    [reason] = refused(student, course.lessons[2])
    assert (reason["code"], reason["unlocksAt"][-1]) == ("scheduled", "Z")
    with core.transaction() as db:
        db.execute(update(VersionModule).values(unlock_date=core.clock()))
    learn(student, course.lessons[2])


def test_a_date_is_a_moment_wherever_it_is_written(core, student, course, rule):
    zone = dt.timezone(dt.timedelta(hours=-11))
    rule(1, unlockType="scheduled", unlockDate=(core.clock() - dt.timedelta(minutes=1)).astimezone(zone).isoformat())
    learn(student, course.lessons[2])
    rule(2, unlockType="scheduled", unlockDate=(core.clock() + dt.timedelta(minutes=1)).astimezone(zone).isoformat())
    assert refused(student, course.lessons[4])[0]["code"] == "scheduled"


def test_a_module_opens_days_after_the_student_came(core, student, make_person, course, rule):
    rule(1, unlockType="relative", unlockAfterDays=7)
    early = make_person()
    early.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    with core.transaction() as db:
        week = update(Enrollment).where(Enrollment.user_id == early.id)
        db.execute(week.values(enrolled_at=core.clock() - 7 * DAY))
    learn(early, course.lessons[2])
    [reason] = refused(student, course.lessons[2])
    assert reason["code"] == "relative"
    with core.transaction() as db:  # What counts is when the enrollment begins.
        db.execute(update(ModuleProgress).values(started_at=None))
        db.execute(week.values(starts_at=core.clock() - 6 * DAY))
    assert early.client.get(f"/api/v1/lessons/{course.lessons[3]}", status=403).json["reasons"][0]["unlocksAt"]


def test_a_module_asks_for_a_score(core, student, course, rule):
    rule(1, unlockType="sequential", unlockMinScore=70)
    learn(student, *course.lessons[:2])
    with core.transaction() as db:
        db.execute(update(ModuleProgress).where(ModuleProgress.module_id == course.modules[0]).values(
            average_quiz_score=69.5))  # fmt: skip
    want = {"code": "minimum_score", "moduleIds": [str(course.modules[0])], "required": 70, "actual": 69.5}
    assert refused(student, course.lessons[2]) == [want]
    with core.transaction() as db:
        db.execute(update(ModuleProgress).values(average_quiz_score=70))
    learn(student, course.lessons[2])


def test_all_conditions_have_to_hold(core, student, course, rule):
    rule(2, unlockType="scheduled", unlockDate=later(core), prerequisites=[str(course.modules[0])])
    assert [each["code"] for each in refused(student, course.lessons[4])] == ["scheduled", "prerequisite"]
    assert learn(student, *course.lessons[:2])["unlocked"] == []
    assert [each["code"] for each in refused(student, course.lessons[4])] == ["scheduled"]


def test_what_was_begun_stays_open(core, student, instructor, course, rule):
    do(student, "start", course.lessons[2])
    rule(1, unlockType="scheduled", unlockDate=later(core))
    rule(2, unlockType="scheduled", unlockDate=later(core))
    learn(student, course.lessons[3])
    # Also where it was moved to a module that is not open.
    instructor.client.post_json(f"/api/v1/lessons/{course.lessons[2]}/move", {"moduleId": str(course.modules[2])})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert do(student, "complete", course.lessons[2])["status"] == "completed"
    assert refused(student, course.lessons[4])


def test_who_is_told_what(core, app, student, instructor, admin, make_person, course, rule):
    rule(1, unlockType="scheduled", unlockDate=later(core))
    assistant = make_person()
    instructor.client.post_json(
        f"/api/v1/courses/{course.id}/staff", {"userId": str(assistant.id), "role": "teaching_assistant"}, status=201
    )
    url = f"/api/v1/lessons/{course.lessons[2]}"
    assert app.get(url, status=401).json["code"] == "unauthorized"
    assert make_person().client.get(url, status=403).json["code"] == "forbidden"
    assert student.client.get(url, status=403).json["code"] == "module_locked"
    for staff in (instructor, assistant, admin):
        assert staff.client.get(url).json["content"]
    # The staff's own progress, where they take the course themselves, is a student's.
    assistant.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    assert assistant.client.get(url).json["content"]
    assert do(assistant, "start", course.lessons[2], status=403)["code"] == "module_locked"


def test_a_preview_is_read_before_its_module_opens(core, app, student, instructor, course, rule):
    lesson = course.lessons[2]
    instructor.client.put_json(f"/api/v1/lessons/{lesson}", {"isPreview": True})
    rule(1, unlockType="scheduled", unlockDate=later(core))
    for who in (app, student.client):
        assert who.get(f"/api/v1/lessons/{lesson}").json["content"]
    assert do(student, "start", lesson, status=403)["code"] == "module_locked"


def test_the_files_of_a_locked_lesson_are_locked(core, registry, app, student, instructor, course, rule, deliver):
    file = str(make_file(registry, instructor.id, image()).id)
    content = {"html": f'<p><img src="/api/v1/files/{file}/content"></p>'}
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[2]}", {"content": content})
    rule(1, unlockType="sequential")
    deliver()
    ways = ("", "/content", "/url", "/thumbnail")
    for way in ways:
        student.client.get(f"/api/v1/files/{file}{way}", status=404)
        instructor.client.get(f"/api/v1/files/{file}{way}")
    learn(student, *course.lessons[:2])
    for way in ways:
        student.client.get(f"/api/v1/files/{file}{way}")
        app.get(f"/api/v1/files/{file}{way}", status=404)
    # What another lesson shows already, it shows.
    rule(2, unlockType="scheduled", unlockDate=later(core))
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[4]}", {"content": content})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    student.client.get(f"/api/v1/files/{file}/content")


def test_an_address_that_was_given_out_ends(core, registry, student, instructor, course, rule):
    file = str(make_file(registry, instructor.id, image()).id)
    content = {"html": f'<p><img src="/api/v1/files/{file}/content"></p>'}
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[2]}", {"content": content})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    given = student.client.get(f"/api/v1/files/{file}/url").json
    rule(1, unlockType="scheduled", unlockDate=later(core))
    student.client.get(f"/api/v1/files/{file}/url", status=404)
    ends = dt.datetime.fromisoformat(given["expiresAt"])
    assert ends - core.clock() <= dt.timedelta(seconds=core.settings.seconds("lms.files.url_ttl"))


def test_the_names_of_what_is_locked_are_no_secret_and_its_words_are(core, student, course, rule):
    rule(1, unlockType="scheduled", unlockDate=later(core))
    assert student.client.get(f"/api/v1/modules/{course.modules[1]}").json["unlockType"] == "scheduled"
    for path in (f"modules/{course.modules[1]}/lessons", f"courses/{course.id}/modules"):
        listed = student.client.get(f"/api/v1/{path}")
        assert "Lesson 2.1" in listed.text
        assert "Some words" not in listed.text


def test_who_may_no_longer_take_the_course_has_no_way_in(core, student, course, rule):
    rule(1, unlockType="sequential")
    learn(student, *course.lessons[:3])
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="suspended"))
    for lesson in course.lessons:
        assert student.client.get(f"/api/v1/lessons/{lesson}", status=403).json["code"] == "enrollment_suspended"


def test_an_opened_module_is_told_of_once(core, student, course, rule, deliver):
    rule(1, unlockType="sequential")
    rule(2, prerequisites=[str(course.modules[0])])
    for lesson in course.lessons[:2]:
        do(student, "start", lesson)
    token = student.client.authorization[1]

    def complete(lesson):
        return student.client.bearer(token).post_json(f"/api/v1/lessons/{lesson}/complete").json["unlocked"]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(complete, course.lessons[:2] * 3))
    # Whichever lesson was the last opened them, and says so as often as it is asked.
    assert sorted(map(len, answers)) == [0] * 3 + [2] * 3
    with core.reader() as db:
        events = db.scalars(select(Outbox.payload).where(Outbox.name == ModuleUnlocked.name)).all()
        opened = db.scalars(select(ModuleProgress.module_id).where(ModuleProgress.unlocked_at.is_not(None))).all()
    assert sorted(each["module_id"] for each in events) == sorted(map(str, course.modules[1:]))
    assert {each["user_id"] for each in events} == {str(student.id)}
    assert sorted(opened) == sorted(course.modules[1:])
    deliver()
    told = [each for each in student.client.get("/api/v1/notifications").json["items"]
            if each["type"] == "module_unlocked"]  # fmt: skip
    assert sorted(each["data"]["moduleId"] for each in told) == sorted(map(str, course.modules[1:]))


def test_commands_know_it_too(core, student, course, rule):
    rule(1, unlockType="sequential")
    with pytest.raises(LMSError) as told, core.transaction() as db:
        start_lesson(db, core, student.id, course.lessons[2])
    assert told.value.code == "module_locked"


def test_a_lesson_costs_four_statements_locked_or_not(core, student, course, rule, statements):
    rule(1, unlockType="sequential", unlockMinScore=50)
    with statements() as seen:
        student.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    assert seen.count <= 3, seen
    with statements() as seen:
        student.client.get(f"/api/v1/lessons/{course.lessons[2]}", status=403)
    assert seen.count <= 4, seen


def accommodate(student, instructor, **values):
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    url = f"/api/v1/enrollments/{mine['enrollmentId']}/accommodations"
    instructor.client.put_json(url, values)
    return url


def test_a_date_of_their_own_counts_for_one_student(core, student, instructor, make_person, course, rule):
    rule(1, unlockType="scheduled", unlockDate=later(core))
    other = make_person()
    other.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    own = {"moduleId": str(course.modules[1]), "unlocksAt": later(core, -1)}
    url = accommodate(student, instructor, modules=[own])
    student.client.get(f"/api/v1/lessons/{course.lessons[2]}")
    assert refused(other, course.lessons[2])
    instructor.client.delete(url, status=204)
    assert refused(student, course.lessons[2])
    accommodate(student, instructor, modules=[own])
    learn(student, course.lessons[2])
    instructor.client.delete(url, status=204)  # What was begun stays open.
    learn(student, course.lessons[3])


def test_a_date_of_their_own_may_be_later(core, student, instructor, course, rule):
    rule(1, unlockType="relative", unlockAfterDays=0)
    accommodate(student, instructor, modules=[{"moduleId": str(course.modules[1]), "unlocksAt": later(core, 2)}])
    assert [each["code"] for each in refused(student, course.lessons[2])] == ["relative"]


def test_the_order_may_be_waived_and_prerequisites_stay(student, instructor, course, rule):
    rule(1, unlockType="sequential")
    rule(2, unlockType="sequential", prerequisites=[str(course.modules[0])])
    accommodate(student, instructor, waivesSequence=True)
    assert [each["code"] for each in refused(student, course.lessons[4])] == ["prerequisite"]
    learn(student, course.lessons[2])
