"""Progress follows the versions of a course: it always equals a recount, and a completion is never taken away."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from sqlalchemy import select, text

from lms_core.courses.arranging.service import delete_lesson, move_lesson
from lms_core.courses.service import create_lesson, publish_course, update_lesson, update_module
from lms_core.courses.versions.service import restore
from lms_core.enrollment.lifecycle.service import change_dates, leave, resume, suspend
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import TAKING
from lms_core.enrollment.service import enroll
from lms_core.kernel.errors import LMSError
from lms_core.kernel.outbox import deliver_pending
from lms_core.learning.following import tasks
from lms_core.learning.following.service import adjust
from lms_core.learning.mine.queries import my_courses
from lms_core.learning.progress.heartbeat import beat
from lms_core.learning.progress.service import complete_lesson, start_lesson
from lms_core.learning.unlocking.queries import rules_of, standing_of
from lms_core.learning.unlocking.rules import decide
from lms_core.testing.accounts import make_user
from lms_core.testing.courses import make_course

from .beats import let_pass

RULES = (
    {"unlock_type": "immediate"}, {"unlock_type": "sequential"}, {"unlock_type": "relative", "unlock_after_days": 2},
    {"unlock_type": "scheduled", "unlock_date": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)},
)  # fmt: skip
LESSON = {"title": "More", "content_type": "text", "content": {"html": "<p>More.</p>"}}

# What a recount of the rows gives, beside what is stored.
COURSES = text(
    """
    SELECT e.user_id, e.completed_at IS NOT NULL AS is_complete, e.lessons_total, e.lessons_completed,
           e.progress_percentage, v.lessons_total AS total, e.time_spent_seconds,
           (SELECT coalesce(sum(p.time_spent_seconds), 0) FROM lesson_progress p WHERE p.enrollment_id = e.id) AS spent,
           (SELECT count(*) FROM version_lessons l JOIN lesson_progress p ON p.lesson_id = l.lesson_id
            WHERE l.version_id = c.version_id AND p.user_id = e.user_id AND p.status = 'completed') AS done
    FROM enrollments e JOIN courses c ON c.id = e.course_id JOIN course_versions v ON v.id = c.version_id
    WHERE e.status IN ('active', 'completed', 'suspended')
    """
)
MODULES = text(
    """
    SELECT m.lessons_total, m.lessons_completed, m.completion_percentage, m.completed_at, m.time_spent_seconds,
           (SELECT coalesce(sum(p.time_spent_seconds), 0) FROM version_lessons l
            JOIN lesson_progress p ON p.lesson_id = l.lesson_id
            WHERE l.version_id = v.version_id AND l.module_id = v.module_id AND p.user_id = e.user_id) AS spent,
           (SELECT count(*) FROM version_lessons l WHERE l.version_id = v.version_id AND l.module_id = v.module_id)
               AS total,
           (SELECT count(*) FROM version_lessons l JOIN lesson_progress p ON p.lesson_id = l.lesson_id
            WHERE l.version_id = v.version_id AND l.module_id = v.module_id AND p.user_id = e.user_id
              AND p.status = 'completed') AS done, m.id
    FROM enrollments e JOIN courses c ON c.id = e.course_id JOIN version_modules v ON v.version_id = c.version_id
    LEFT JOIN module_progress m ON m.user_id = e.user_id AND m.module_id = v.module_id
    WHERE e.status IN ('active', 'completed', 'suspended')
    """
)
OPEN = text(
    """
    SELECT l.lesson_id, l.module_id, l.version_id, p.started_at FROM version_lessons l
    JOIN courses c ON c.version_id = l.version_id AND c.id = :course
    LEFT JOIN lesson_progress p ON p.lesson_id = l.lesson_id AND p.user_id = :person
    WHERE p.status IS DISTINCT FROM 'completed'
    """
)


def check(core):
    with core.reader() as db:
        courses, modules = db.execute(COURSES).all(), db.execute(MODULES).all()
        for person in {row.user_id for row in courses}:
            check_going_on(core, db, person)
    for row in courses:
        assert (row.lessons_total, row.lessons_completed) == (row.total, row.done)
        assert row.time_spent_seconds == row.spent
        assert row.is_complete or row.done < row.total or not row.total
        assert float(row.progress_percentage) == (100 if row.is_complete else row.done * 10_000 // row.total / 100)
    for row in modules:
        if row.id is None:
            assert (row.done, row.spent) == (0, 0)
            continue
        assert row.time_spent_seconds == row.spent
        assert (row.lessons_total, row.lessons_completed) == (row.total, row.done)
        assert float(row.completion_percentage) == row.done * 10_000 // row.total / 100
        assert row.completed_at is not None or row.done < row.total


def opened_modules(core, db, version_id, person):
    decisions = decide(rules_of(db, version_id), standing_of(db, version_id, person), core.clock())
    return {each.module_id for each in decisions if each.is_open}


def completed_modules(core):
    with core.reader() as db:
        return {row.id: row for row in db.execute(MODULES) if row.completed_at is not None}


def check_going_on(core, db, person):
    """There is a lesson to go on with as long as one is open, and it is one of those."""
    for row in my_courses(db, person, page=1, limit=20, status=None, sort="recent").items:
        unfinished = db.execute(OPEN, {"course": row.course_id, "person": person}).all()
        opened = opened_modules(core, db, unfinished[0].version_id, person) if unfinished else ()
        open_lessons = [each.lesson_id for each in unfinished if each.started_at or each.module_id in opened]
        if row.status in TAKING and open_lessons:
            assert row.continue_lesson_id in open_lessons
        else:
            assert row.continue_lesson_id is None


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, modules=2, lessons=2)


def do(core, person, *lessons):
    for lesson in lessons:
        with core.transaction() as db:
            start_lesson(db, core, person.id, lesson)
            complete_lesson(db, core, person.id, lesson)


def join(core, person, course):
    with core.transaction() as db:
        enroll(db, core, person.id, course.id)


def republish(core, course, instructor, registry):
    with core.transaction() as db:
        publish_course(db, core, course.id, instructor.id)
    deliver_pending(registry)


def mine(person):
    [taken] = person.client.get("/api/v1/users/me/courses").json["items"]
    return taken["status"], taken["progressPercentage"], taken["lessonsCompleted"], taken["lessonsTotal"]


def test_what_is_added_has_to_be_done_and_what_is_gone_does_not(core, registry, student, instructor, course):
    join(core, student, course)
    do(core, student, course.lessons[0])
    assert mine(student) == ("active", 25, 1, 4)
    with core.transaction() as db:
        create_lesson(db, core, course.modules[0], instructor.id, LESSON)
    republish(core, course, instructor, registry)
    assert mine(student) == ("active", 20, 1, 5)
    with core.transaction() as db:
        for lesson in course.lessons[1:3]:
            delete_lesson(db, core, lesson)
    republish(core, course, instructor, registry)
    assert mine(student) == ("active", 33.33, 1, 3)
    check(core)


def test_a_completion_is_never_taken_away(core, registry, student, instructor, course):
    join(core, student, course)
    do(core, student, *course.lessons)
    with core.transaction() as db:
        create_lesson(db, core, course.modules[0], instructor.id, LESSON)
    republish(core, course, instructor, registry)
    assert mine(student) == ("completed", 100, 4, 5)
    check(core)


def test_what_opens_because_a_lesson_is_gone_is_told(core, registry, student, make_person, instructor, course):
    with core.transaction() as db:
        update_module(db, course.modules[1], {"unlock_type": "sequential"})
    republish(core, course, instructor, registry)
    behind = make_person()
    for person in (student, behind):
        join(core, person, course)
    do(core, student, course.lessons[0])
    with core.transaction() as db:
        delete_lesson(db, core, course.lessons[1])
    republish(core, course, instructor, registry)
    republish(core, course, instructor, registry)
    for person, times in ((student, 1), (behind, 0)):
        told = [each["type"] for each in person.client.get("/api/v1/notifications").json["items"]]
        assert told.count("module_unlocked") == times
    check(core)


def test_who_has_done_all_that_is_left_completes_the_course_once(core, registry, student, instructor, course):
    join(core, student, course)
    do(core, student, *course.lessons[:3])
    with core.transaction() as db:
        delete_lesson(db, core, course.lessons[3])
        update_lesson(db, core, course.lessons[0], instructor.id, {"title": "Changed"})
    republish(core, course, instructor, registry)
    assert mine(student) == ("completed", 100, 3, 3)
    told = [each["type"] for each in student.client.get("/api/v1/notifications").json["items"]]
    assert told.count("course_completed") == 1
    check(core)


@pytest.mark.parametrize("away", ["suspended", "expired"])
def test_who_was_away_finds_the_course_as_it_is_now(core, registry, student, instructor, course, away):
    join(core, student, course)
    do(core, student, *course.lessons[:3])
    with core.transaction() as db:
        enrollment = db.scalars(select(Enrollment)).one()
        if away == "suspended":
            suspend(db, core, enrollment.id, instructor.id, None)
        else:
            enrollment.status, enrollment.expires_at = "expired", core.clock() - dt.timedelta(days=1)
        for lesson in (course.lessons[0], course.lessons[3]):
            delete_lesson(db, core, lesson)
    republish(core, course, instructor, registry)
    with core.transaction() as db:
        if away == "suspended":
            resume(db, db.scalars(select(Enrollment.id)).one(), instructor.id)
        else:
            change_dates(db, core, db.scalars(select(Enrollment.id)).one(), {"expires_at": None}, instructor.id)
    deliver_pending(registry)
    assert mine(student) == ("completed", 100, 2, 2)
    check(core)


def test_a_crowd_is_adjusted_in_parts(core, registry, instructor, course, monkeypatch):
    monkeypatch.setattr(tasks, "AT_ONCE", 3)
    people = [make_user(core) for _each in range(8)]
    for number, person in enumerate(people):
        join(core, person, course)
        do(core, person, *course.lessons[: number % 4])
    with core.transaction() as db:
        delete_lesson(db, core, course.lessons[0])
    republish(core, course, instructor, registry)
    check(core)


def test_a_crowd_is_adjusted_in_as_many_statements_as_one_student(core, instructor, course, statements):
    people = [make_user(core) for _each in range(12)]
    for person in people:
        join(core, person, course)
        do(core, person, course.lessons[0])
    with core.transaction() as db:
        delete_lesson(db, core, course.lessons[1])
        publish_course(db, core, course.id, instructor.id)
    counts = []
    for limit in (1, 12):
        with statements() as seen, core.transaction() as db:
            adjust(db, core, course.id, after=None, limit=limit)
        counts.append(seen.count)
    assert counts[0] == counts[1] <= 9, seen
    check(core)


def test_completing_and_adjusting_at_once_lose_nothing(core, registry, student, instructor, course):
    join(core, student, course)
    with core.transaction() as db:
        added, _removed = create_lesson(db, core, course.modules[0], instructor.id, LESSON)
        publish_course(db, core, course.id, instructor.id)
    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(do, core, student, lesson) for lesson in (*course.lessons, added.id)]
        work += [pool.submit(deliver_pending, registry) for _each in range(2)]
        for each in work:
            each.result()
    deliver_pending(registry)
    check(core)
    assert mine(student)[:2] == ("completed", 100)


def test_no_module_is_completed_by_what_is_gone(core, registry, student, instructor, course):
    """Also in the moment between the publication and the progress that follows it."""
    with core.transaction() as db:
        third, _removed = create_lesson(db, core, course.modules[0], instructor.id, LESSON)
        update_module(db, course.modules[1], {"unlock_type": "sequential"})
    republish(core, course, instructor, registry)
    join(core, student, course)
    do(core, student, *course.lessons[:2])
    with core.transaction() as db:
        for lesson in course.lessons[:2]:
            delete_lesson(db, core, lesson)
        for _each in range(2):
            create_lesson(db, core, course.modules[0], instructor.id, LESSON)
        publish_course(db, core, course.id, instructor.id)
    do(core, student, third.id)
    with core.reader() as db:
        assert db.scalar(text("SELECT count(*) FROM module_progress WHERE completed_at IS NOT NULL")) == 0
    student.client.post_json(f"/api/v1/lessons/{course.lessons[2]}/start", status=403)
    deliver_pending(registry)
    check(core)


def test_random_histories(core, registry):
    """Authors and students act in any order; after each delivery, stored progress is what a recount gives."""
    made = make_user(core, ["instructor"])

    class History(stateful.RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.course = make_course(core, made.id, modules=2, lessons=2)
            self.lessons, self.people = list(self.course.lessons), [make_user(core) for _each in range(3)]

        @stateful.rule(person=st.integers(0, 2))
        def joins(self, person):
            self.attempt(lambda db: enroll(db, core, self.people[person].id, self.course.id))

        @stateful.rule(person=st.integers(0, 2), lesson=st.integers(0, 9))
        def learns(self, person, lesson):
            chosen, who = self.lessons[lesson % len(self.lessons)], self.people[person].id
            self.attempt(lambda db: (start_lesson(db, core, who, chosen), complete_lesson(db, core, who, chosen)))

        @stateful.rule(person=st.integers(0, 2), lesson=st.integers(0, 9))
        def learns_while_it_is_published(self, person, lesson):
            """Before progress has followed: no module is completed but by what the course shows."""
            self.publishes()
            before = completed_modules(core)
            self.learns(person, lesson)
            assert all(row.done == row.total for key, row in completed_modules(core).items() if key not in before)

        @stateful.rule(person=st.integers(0, 2), lesson=st.integers(0, 9), passed=st.integers(0, 400),
                       claimed=st.integers(0, 400))  # fmt: skip
        def spends(self, person, lesson, passed, claimed):
            chosen, who = self.lessons[lesson % len(self.lessons)], self.people[person].id
            self.attempt(lambda db: start_lesson(db, core, who, chosen))
            let_pass(core, passed)
            said = {"seconds": claimed, "position": 5, "seen": [[0, claimed + 1]], "finished": False, "score": None}
            with core.reader() as connection:
                receipt = beat(connection, core, who, chosen, {**said, "age": 0})
            assert receipt is None or receipt.counted_seconds <= min(claimed, passed + 1)

        @stateful.rule(person=st.integers(0, 2))
        def leaves(self, person):
            self.attempt(lambda db: leave(db, core, self.part(db, person), None))

        @stateful.rule(person=st.integers(0, 2), back=st.booleans())
        def is_suspended(self, person, back):
            self.attempt(lambda db: resume(db, self.part(db, person), made.id) if back
                         else suspend(db, core, self.part(db, person), made.id, None))  # fmt: skip

        @stateful.rule(number=st.integers(1, 5))
        def restores(self, number):
            self.attempt(lambda db: restore(db, self.course.id, number))

        @stateful.rule(module=st.integers(0, 1))
        def adds(self, module):
            where = self.course.modules[module]
            self.lessons.append(self.attempt(lambda db: create_lesson(db, core, where, made.id, LESSON)[0].id))

        def part(self, db, person):
            mine = select(Enrollment.id).where(Enrollment.user_id == self.people[person].id)
            return db.scalar(mine) or uuid.uuid4()

        @stateful.rule(lesson=st.integers(0, 9))
        def deletes(self, lesson):
            self.attempt(lambda db: delete_lesson(db, core, self.lessons[lesson % len(self.lessons)]))

        @stateful.rule(lesson=st.integers(0, 9), module=st.integers(0, 1))
        def moves(self, lesson, module):
            chosen = self.lessons[lesson % len(self.lessons)]
            self.attempt(lambda db: move_lesson(db, chosen, self.course.modules[module], 0))

        @stateful.rule(lesson=st.integers(0, 9), shown=st.booleans())
        def hides(self, lesson, shown):
            chosen = self.lessons[lesson % len(self.lessons)]
            self.attempt(lambda db: update_lesson(db, core, chosen, made.id, {"is_published": shown}))

        @stateful.rule(rule=st.sampled_from(RULES))
        def decides_what_the_second_module_waits_for(self, rule):
            self.attempt(lambda db: update_module(db, self.course.modules[1], rule))
            self.publishes()

        @stateful.rule()
        def publishes(self):
            self.attempt(lambda db: publish_course(db, core, self.course.id, made.id))

        @stateful.invariant()
        def stored_equals_recounted(self):
            deliver_pending(registry)
            check(core)

        def attempt(self, work) -> uuid.UUID | None:
            try:
                with core.transaction() as db:
                    return work(db)
            except LMSError:
                return None  # Refused: what is wanted is not possible now.

        def teardown(self):
            with core.transaction() as db:
                db.execute(text("DELETE FROM enrollments"))

    calm = settings(max_examples=15, stateful_step_count=25, deadline=None,
                    suppress_health_check=list(HealthCheck), derandomize=True)  # fmt: skip
    stateful.run_state_machine_as_test(History, settings=calm)
