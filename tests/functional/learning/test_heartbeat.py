"""Heartbeats: no time counts that has not passed, none counts twice, and none of somebody who may not learn."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update

from lms_core.enrollment.models import Enrollment
from lms_core.kernel.models import Outbox
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.progress.heartbeat import MOST_PIECES
from lms_core.testing.courses import make_course

from .beats import beat, do, let_pass, progress


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def lesson(student, course):
    do(student, "start", course.lessons[0])
    return course.lessons[0]


def totals(core):
    with core.reader() as db:
        return [
            db.scalar(text(f"SELECT sum(time_spent_seconds) FROM {table}"))
            for table in ("enrollments", "module_progress", "lesson_progress")
        ]


def test_time_that_passed_counts_in_the_lesson_the_module_and_the_course(core, student, course, lesson):
    let_pass(core, 30)
    receipt = beat(student, lesson, 30, position=12)
    assert receipt == {
        "lessonId": str(lesson), "status": "in_progress", "countedSeconds": 30, "timeSpentSeconds": 30,
        "position": 12, "completionPercentage": 0,
    }  # fmt: skip
    let_pass(core, 20)
    assert beat(student, lesson, 15)["timeSpentSeconds"] == 45
    assert totals(core) == [45, 45, 45]
    with core.reader() as db:
        [module] = db.scalars(select(ModuleProgress.module_id)).all()
        assert module == course.modules[0]
        accessed = db.scalar(select(Enrollment.last_accessed_at))
    assert core.clock() - accessed < dt.timedelta(minutes=1)
    assert progress(student, lesson)["timeSpentSeconds"] == 45


def test_no_more_counts_than_has_passed(core, student, lesson):
    let_pass(core, 10)
    assert 10 <= beat(student, lesson, 3600)["countedSeconds"] <= 12
    assert beat(student, lesson, 3600)["countedSeconds"] <= 2
    assert totals(core)[0] <= 14


def test_one_beat_counts_no_more_than_the_limit(core, settings, student, lesson):
    let_pass(core, 7200)
    assert beat(student, lesson, 7200)["countedSeconds"] == settings.integer("lms.progress.longest_beat") == 300
    assert beat(student, lesson, 7200)["countedSeconds"] <= 7


def test_a_beat_that_is_sent_again_counts_nothing(core, student, lesson):
    """Its answer was lost: the client adds up what it was not answered for, and loses no time by that either."""
    let_pass(core, 30)
    beat(student, lesson, 30, position=30)
    again = beat(student, lesson, 30, position=30)
    assert again["countedSeconds"] <= 1
    let_pass(core, 30)
    assert beat(student, lesson, 60, position=60)["countedSeconds"] in (30, 31)


def test_a_beat_may_come_a_little_late(core, student, lesson):
    let_pass(core, 27)
    assert beat(student, lesson, 25)["countedSeconds"] == 25
    let_pass(core, 28)
    assert beat(student, lesson, 30)["countedSeconds"] == 30


def test_time_that_nobody_claimed_is_gone(core, student, lesson):
    let_pass(core, 200)
    beat(student, lesson, 10)
    assert beat(student, lesson, 100)["countedSeconds"] <= 6


def test_starting_again_lets_no_earlier_time_be_claimed(core, student, course, lesson):
    let_pass(core, 100)
    do(student, "start", lesson)
    assert beat(student, lesson, 100)["countedSeconds"] <= 1
    let_pass(core, 100)
    do(student, "start", course.lessons[1])
    assert beat(student, course.lessons[1], 100)["countedSeconds"] <= 1


def test_two_tabs_share_the_time_of_one_person(core, student, course, lesson):
    do(student, "start", course.lessons[2])
    let_pass(core, 60)
    token = student.client.authorization[1]

    def send(number):
        client = student.client.bearer(token)
        where = course.lessons[2 * (number % 2)]
        return client.post_json(f"/api/v1/lessons/{where}/heartbeat", {"seconds": 60}).json["countedSeconds"]

    with ThreadPoolExecutor(8) as pool:
        counted = sum(pool.map(send, range(16)))
    assert 60 <= counted <= 70
    assert totals(core) == [counted] * 3


def test_an_older_beat_moves_no_position_back(student, lesson):
    assert beat(student, lesson, position=50, age=30)["position"] == 50
    assert beat(student, lesson, position=20, age=60)["position"] == 50
    assert beat(student, lesson, position=7)["position"] == 7
    assert beat(student, lesson, position=9, age=3600, seen=[[8, 10]])["position"] == 7
    assert beat(student, lesson)["position"] == 7
    assert progress(student, lesson)["seen"] == [[8, 10]]


def test_two_devices_save_their_positions_in_turn_whatever_their_clocks_say(core, student, lesson):
    """A telephone was offline, a tablet was not: what each is told last wins, and no clock of theirs is asked."""
    tablet, phone = student.client, student.client.bearer(student.client.authorization[1])

    def send(device, **said):
        return device.post_json(f"/api/v1/lessons/{lesson}/heartbeat", {"seconds": 0, **said}).json["position"]

    assert send(tablet, position=100) == 100
    assert send(phone, position=40, age=600) == 100
    assert send(phone, position=110) == 110
    assert send(tablet, position=105) == 105
    # The telephone never got the answer to what it sent ten minutes ago.
    assert send(phone, position=40, age=700) == 105
    do(student, "start", lesson)
    assert send(phone, position=40, age=710) == 105
    assert send(phone, position=120) == 120


def test_what_was_seen_adds_up_in_any_order(student, lesson):
    beat(student, lesson, seen=[[60, 80], [0, 10]])
    beat(student, lesson, seen=[[5, 30]])
    assert beat(student, lesson, seen=[[0, 10]])["completionPercentage"] == 50
    assert progress(student, lesson)["seen"] == [[0, 30], [60, 80]]
    assert beat(student, lesson, seen=[[0, 10_000_000]])["completionPercentage"] == 100


def test_evidence_stays_small(core, student, lesson):
    for start in range(0, 40 * MOST_PIECES, 400):
        beat(student, lesson, seen=[[number, number + 1] for number in range(start, start + 400, 2)])
    with core.reader() as db:
        pieces = db.scalar(text("SELECT count(*) FROM lesson_progress, unnest(seen)"))
    assert pieces <= MOST_PIECES


def test_the_best_score_stays(student, lesson):
    beat(student, lesson, score=70.5)
    beat(student, lesson, score=20, finished=True)
    beat(student, lesson)
    seen = progress(student, lesson)
    assert (seen["score"], seen["finished"]) == (70.5, True)


def test_time_counts_on_after_the_lesson_is_completed(core, student, lesson):
    do(student, "complete", lesson)
    let_pass(core, 40)
    receipt = beat(student, lesson, 40, seen=[[0, 1]])
    assert (receipt["status"], receipt["countedSeconds"], receipt["completionPercentage"]) == ("completed", 40, 100)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"seconds": -1}, {"seconds": 86_401}, {"seconds": 1.5}, {"seconds": "30"}, {"seconds": None},
        {"seconds": 1, "position": -1}, {"seconds": 1, "position": 10**12}, {"seconds": 1, "seen": [[3, 3]]},
        {"seconds": 1, "seen": [[5, 2]]}, {"seconds": 1, "seen": [[1]]}, {"seconds": 1, "seen": [[1, 2, 3]]},
        {"seconds": 1, "seen": [[0, 10**10]]}, {"seconds": 1, "seen": [["0,1),[5", 9]]}, {"seconds": 1, "seen": "{}"},
        {"seconds": 1, "seen": [[number, number + 1] for number in range(0, 402, 2)]}, {"seconds": 1, "score": 101},
        {"seconds": 1, "score": float("1e400")}, {"seconds": 1, "score": -1},
        {"seconds": 1, "age": -1}, {"seconds": 1, "age": 10**9}, {"seconds": 1, "age": None},
        {"seconds": 1, "finished": "perhaps"}, {"seconds": 1, "status": "completed"}, [], None,
    ],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_what_is_ill_formed_is_refused(core, student, lesson, body):
    let_pass(core, 60)
    answer = student.client.post_json(f"/api/v1/lessons/{lesson}/heartbeat", body, status="*")
    assert answer.status_int in (400, 422)
    assert totals(core) == [0, 0, 0]


def test_who_has_not_started_is_told_so(student, course):
    assert beat(student, course.lessons[0], 1, status=409)["code"] == "lesson_not_started"
    assert progress(student, course.lessons[0], status=409)["code"] == "lesson_not_started"


def test_nobody_else_can_beat(core, app, student, instructor, make_person, course, lesson):
    let_pass(core, 60)
    beat(make_person("student"), lesson, 30, status=403)
    beat(instructor, lesson, 30, status=403)
    app.post_json(f"/api/v1/lessons/{lesson}/heartbeat", {"seconds": 1}, status=401)
    beat(student, "00000000-0000-4000-8000-000000000000", 1, status=404)
    other = make_person("student")
    other.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    beat(other, lesson, 30, status=409)
    progress(make_person("student"), lesson, status=403)
    assert totals(core) == [0, 0, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "dropped"}, {"status": "suspended"}, {"status": "expired"},
        {"expires_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, {"starts_at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)},
    ],
    ids=repr,
)  # fmt: skip
def test_who_no_longer_takes_the_course_cannot_beat(core, student, lesson, change):
    with core.transaction() as db:
        db.execute(update(Enrollment).values(**change))
    let_pass(core, 60)
    beat(student, lesson, 30, status=403)
    assert totals(core) == [0, 0, 0]


def test_nothing_counts_in_what_students_no_longer_see(core, student, instructor, course, lesson):
    let_pass(core, 60)
    instructor.client.delete(f"/api/v1/lessons/{lesson}", status=204)
    assert beat(student, lesson, 10)["countedSeconds"] == 10  # The version that they see still has it.
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    beat(student, lesson, 30, status=404)
    do(student, "start", course.lessons[1])
    instructor.client.post_json(f"/api/v1/courses/{course.id}/unpublish")
    let_pass(core, 60)
    assert beat(student, course.lessons[1], 30, status="*")["status"] in (403, 404)
    assert totals(core)[0] == 10


def test_a_beat_is_one_statement_beside_who_asks(core, student, lesson, statements):
    beat(student, lesson, 1)
    with core.reader() as db:
        events = db.scalar(text("SELECT count(*) FROM outbox"))
    with statements() as seen:
        beat(student, lesson, 1, position=3, seen=[[0, 5]])
    assert seen.count == 2, seen
    with statements() as seen:
        progress(student, lesson)
    assert seen.count == 2, seen
    with core.reader() as db:
        assert len(db.execute(select(Outbox.id)).all()) == events


def test_beats_and_completions_at_once_lose_nothing(core, student, course):
    for each in course.lessons:
        do(student, "start", each)
    let_pass(core, 100)
    token = student.client.authorization[1]

    def act(number):
        client, where = student.client.bearer(token), course.lessons[number % 4]
        if number % 3 == 0:
            return client.post_json(f"/api/v1/lessons/{where}/complete").status_int and 0
        return client.post_json(f"/api/v1/lessons/{where}/heartbeat", {"seconds": 10}).json["countedSeconds"]

    with ThreadPoolExecutor(8) as pool:
        counted = sum(pool.map(act, range(24)))
    assert totals(core) == [counted] * 3
    with core.reader() as db:
        assert db.scalars(select(LessonProgress.status)).all() == ["completed"] * 4
        assert db.execute(select(Enrollment.status, Enrollment.lessons_completed)).one() == ("completed", 4)
