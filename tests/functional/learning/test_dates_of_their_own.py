"""A module that opens by a student's own date, or by days after their first: told once, and only where it is open."""

import datetime as dt
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from sqlalchemy import event, select, text, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.courses.service import publish_course, update_module
from lms_core.enrollment.accommodations.service import grant as grant_it
from lms_core.enrollment.accommodations.service import withdraw
from lms_core.enrollment.lifecycle.service import resume, suspend
from lms_core.enrollment.models import AccommodationDate, Enrollment
from lms_core.enrollment.service import enroll as join
from lms_core.kernel.errors import LMSError
from lms_core.kernel.tasks import run_periodic
from lms_core.learning.models import ModuleProgress
from lms_core.learning.progress.service import complete_lesson, start_lesson
from lms_core.learning.unlocking import tasks
from lms_core.learning.unlocking.queries import rules_of, standing_of
from lms_core.learning.unlocking.rules import decide
from lms_core.learning.unlocking.service import note_own_openings, note_relative_openings
from lms_core.testing.accounts import make_user
from lms_core.testing.courses import make_course

from .beats import do

NOW = dt.datetime.now(dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
WEEK = {"unlockType": "relative", "unlockAfterDays": 7}
SOMEDAY = {"unlockType": "scheduled", "unlockDate": "2200-01-01T00:00:00Z"}


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=1, title="Algebra")
    enroll(student, made)
    return made


def rule(instructor, course, number, **values):
    instructor.client.put_json(f"/api/v1/modules/{course.modules[number]}", values)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def change(core, **values):
    with core.transaction() as db:
        db.execute(update(Enrollment).values(**values))


def began(core, ago):
    """As if everybody had enrolled so long ago."""
    change(core, enrolled_at=dt.datetime.now(dt.UTC) - ago)


@pytest.fixture
def notice(registry, deliver):
    def notice():
        deliver()
        run_periodic(registry, "learning.note_openings")
        deliver()

    return notice


@pytest.fixture
def grant(core, student, instructor, course):
    """``grant(opens_at)`` gives the student a date of their own for the second module."""

    def grant(opens_at):
        [taken] = student.client.get("/api/v1/users/me/courses").json["items"]
        modules = [{"moduleId": str(course.modules[1]), "unlocksAt": opens_at.isoformat()}]
        address = f"/api/v1/enrollments/{taken['enrollmentId']}/accommodations"
        instructor.client.put_json(address, {"modules": modules})

    return grant


def come(core, ago):
    """As if everybody's own date had come so long ago."""
    with core.transaction() as db:
        db.execute(update(AccommodationDate).values(unlocks_at=dt.datetime.now(dt.UTC) - ago))


def told(person):
    items = person.client.get("/api/v1/notifications").json["items"]
    return [each for each in items if each["type"] == "module_unlocked"]


def published(core):
    with core.reader() as db:
        return db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'learning.module_unlocked'"))


# So many days after the first.


def test_students_hear_of_their_seventh_day_once(core, student, instructor, make_person, course, notice):
    rule(instructor, course, 1, **WEEK)
    began(core, 7 * DAY - HOUR)
    notice()
    assert told(student) == []
    began(core, 7 * DAY)
    late = make_person("student")
    enroll(late, course)
    notice()
    notice()
    [heard] = told(student)
    assert heard["title"] == "“Module 2” is open to you"
    assert heard["message"] == "Its day has come: you can go on with this module of Algebra."
    assert heard["data"]["moduleId"] == str(course.modules[1])
    assert told(late) == told(instructor) == []
    outline = student.client.get(f"/api/v1/courses/{course.id}/outline").json
    assert [bool(module["unlockedAt"]) for module in outline["modules"]] == [False, True]
    began(core, 7 * DAY - HOUR)
    began(core, 7 * DAY)
    notice()
    assert len(told(student)) == 1


def test_the_first_day_is_the_one_that_staff_has_set(core, student, instructor, course, notice):
    rule(instructor, course, 1, **WEEK)
    change(core, enrolled_at=NOW - 7 * DAY - HOUR, starts_at=NOW - DAY)
    notice()
    assert told(student) == []
    change(core, starts_at=NOW - 7 * DAY - HOUR)
    notice()
    assert len(told(student)) == 1


def test_what_opens_with_the_course_itself_or_came_long_ago_is_no_news(core, student, instructor, course, notice):
    rule(instructor, course, 1, unlockType="relative", unlockAfterDays=0)
    notice()
    rule(instructor, course, 1, **WEEK)
    began(core, 8 * DAY + MINUTE)
    notice()
    assert told(student) == []


BARRED = [
    {"status": "suspended"}, {"status": "dropped"}, {"status": "expired"}, {"expires_at": NOW - HOUR},
    {"starts_at": NOW + DAY},
]  # fmt: skip


@pytest.mark.parametrize("barred", BARRED, ids=["suspended", "dropped", "expired", "over", "not begun"])
@pytest.mark.parametrize("own", [False, True])
def test_who_may_not_enter_hears_nothing(core, student, instructor, course, notice, grant, barred, own):
    rule(instructor, course, 1, **(SOMEDAY if own else WEEK))
    if own:
        grant(NOW + HOUR)
        come(core, HOUR)
    began(core, 7 * DAY + HOUR)
    change(core, **barred)
    notice()
    assert (told(student), published(core)) == ([], 0)


@pytest.mark.parametrize("column", ["suspended_at", "deleted_at"])
def test_an_account_that_may_not_act_hears_nothing(core, student, instructor, course, notice, column):
    rule(instructor, course, 1, **WEEK)
    began(core, 7 * DAY)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values({column: NOW}))
    notice()
    assert published(core) == 0


def test_an_unpublished_course_says_nothing(core, student, instructor, course, notice):
    rule(instructor, course, 1, **WEEK)
    began(core, 7 * DAY)
    with core.transaction() as db:
        db.execute(update(Course).values(is_published=False))
    notice()
    assert published(core) == 0


def test_who_is_in_it_already_hears_nothing(core, student, instructor, course, notice):
    do(student, "start", course.lessons[1])
    rule(instructor, course, 1, **WEEK)
    began(core, 7 * DAY)
    notice()
    assert told(student) == []


def test_who_waits_for_more_than_the_day_hears_of_it_when_it_is_open(core, student, instructor, course, notice):
    rule(instructor, course, 1, **WEEK, prerequisites=[str(course.modules[0])])
    began(core, 7 * DAY)
    notice()
    assert told(student) == []
    do(student, "start", course.lessons[0])
    assert do(student, "complete", course.lessons[0])["unlocked"] == [str(course.modules[1])]
    notice()
    [heard] = told(student)
    assert heard["message"] == "You have come so far in Algebra that you can go on with this module."


# A date of one's own.


@pytest.mark.parametrize("mode", [SOMEDAY, WEEK], ids=["scheduled", "relative"])
def test_a_student_hears_of_their_own_date_once(core, student, instructor, make_person, course, notice, grant, mode):
    rule(instructor, course, 1, **mode)
    other = make_person("student")
    enroll(other, course)
    grant(NOW + HOUR)
    notice()
    assert told(student) == []
    come(core, HOUR)
    notice()
    notice()
    assert (len(told(student)), told(other)) == (1, [])
    # Granted once more, and the day of all comes too.
    grant(NOW - MINUTE)
    began(core, 7 * DAY)
    notice()
    assert (len(told(student)), len(told(other))) == (1, mode is WEEK)
    assert published(core) == 1 + (mode is WEEK)


def test_a_date_that_lies_back_is_told_within_a_day(core, student, instructor, course, notice, grant):
    rule(instructor, course, 1, **SOMEDAY)
    grant(NOW - 25 * HOUR)
    notice()
    assert told(student) == []
    grant(NOW - HOUR)
    notice()
    assert len(told(student)) == 1


def test_a_later_date_of_ones_own_goes_before_the_day_of_all(core, student, instructor, course, notice, grant):
    rule(instructor, course, 1, **WEEK)
    grant(NOW + HOUR)
    began(core, 7 * DAY)
    notice()
    assert told(student) == []
    come(core, MINUTE)
    notice()
    assert len(told(student)) == 1


# Crowds, crashes and neighbours.


def test_a_crowd_is_looked_through_in_batches(core, instructor, make_person, course, notice, monkeypatch):
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    rule(instructor, course, 0, unlockType="relative", unlockAfterDays=3)
    rule(instructor, course, 1, **WEEK)
    people = [make_person("student") for _each in range(5)]
    for person in people:
        enroll(person, course)
    began(core, 3 * DAY)
    notice()
    assert [len(told(person)) for person in people] == [1] * 5
    began(core, 7 * DAY)
    notice()
    assert [len(told(person)) for person in people] == [2] * 5


@pytest.mark.parametrize("note", [note_own_openings, note_relative_openings])
def test_what_a_crash_took_back_is_told_once(core, student, instructor, course, notice, grant, note):
    rule(instructor, course, 1, **(SOMEDAY if note is note_own_openings else WEEK))
    if note is note_own_openings:
        grant(NOW - HOUR)
    else:
        began(core, 7 * DAY)
    with core.transaction() as db:
        assert note(db, core.clock(), limit=10) == 1
        db.rollback()
    assert published(core) == 0
    notice()
    assert (published(core), len(told(student))) == (1, 1)


@pytest.mark.parametrize("note", [note_own_openings, note_relative_openings])
def test_of_processes_that_look_at_once_one_publishes_it(core, student, instructor, course, grant, note):
    rule(instructor, course, 1, **(SOMEDAY if note is note_own_openings else WEEK))
    if note is note_own_openings:
        grant(NOW - HOUR)
    else:
        began(core, 7 * DAY)

    def look(_each):
        with core.transaction() as db:
            note(db, core.clock(), limit=10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(4)))
    assert published(core) == 1
    with core.reader() as db:
        assert len(db.scalars(select(ModuleProgress.unlocked_at)).all()) == 1


FILL = (
    """INSERT INTO enrollments (user_id, course_id, enrolled_at)
       SELECT gen_random_uuid(), :course, now() - interval '1 hour' * (n % 700) - interval '8 days 1 minute'
       FROM generate_series(1, 100000) n""",
    """INSERT INTO accommodations (enrollment_id)
       SELECT id FROM enrollments WHERE enrolled_at < now() - interval '8 days'""",
    """INSERT INTO accommodation_dates (accommodation_id, module_id, unlocks_at)
       SELECT id, :module, now() + interval '1 hour' * (row_number() OVER () % 700 - 350) FROM accommodations""",
    """UPDATE accommodation_dates SET noted = unlocks_at <= now()""",
)


def test_random_days(core):
    """Dates are given and taken, days pass and people learn: nobody is told twice, nor of what is not open to them."""

    class Days(stateful.RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.teacher = make_user(core, ["instructor"]).id
            self.course = make_course(core, self.teacher, modules=2, lessons=1)
            self.people, self.told = [make_user(core) for _each in range(2)], set()
            for person in self.people:
                self.attempt(lambda db, person=person: join(db, core, person.id, self.course.id))
            self.waits_for({"unlock_type": "relative", "unlock_after_days": 2})

        @stateful.rule(demand=st.sampled_from(DEMANDS))
        def waits_for(self, demand):
            needs = [self.course.modules[0]] if demand.get("prerequisites") else []
            self.attempt(lambda db: update_module(db, self.course.modules[1], {**demand, "prerequisites": needs}))
            self.attempt(lambda db: publish_course(db, core, self.course.id, self.teacher))

        @stateful.rule(person=st.integers(0, 1), opens_in=st.integers(-1, 2))
        def is_granted_a_date(self, person, opens_in):
            opens_at = core.clock() + opens_in * DAY - HOUR
            granted = {"extra_time_factor": 1, "extra_attempts": 0, "waives_sequence": False, "reason": None,
                       "extended_until": None, "modules": [{"module_id": self.course.modules[1],
                                                            "unlocks_at": opens_at}]}  # fmt: skip
            self.attempt(lambda db: grant_it(db, core, self.part(db, person), granted, self.teacher))

        @stateful.rule(person=st.integers(0, 1))
        def is_granted_nothing(self, person):
            self.attempt(lambda db: withdraw(db, self.part(db, person)))

        @stateful.rule(person=st.integers(0, 1))
        def learns(self, person):
            who, lesson = self.people[person].id, self.course.lessons[0]
            self.attempt(lambda db: (start_lesson(db, core, who, lesson), complete_lesson(db, core, who, lesson)))

        @stateful.rule(person=st.integers(0, 1), back=st.booleans())
        def is_suspended(self, person, back):
            self.attempt(lambda db: resume(db, self.part(db, person), self.teacher) if back
                         else suspend(db, core, self.part(db, person), self.teacher, None))  # fmt: skip

        @stateful.rule()
        def a_day_passes(self):
            with core.transaction() as db:
                db.execute(text("UPDATE enrollments SET enrolled_at = enrolled_at - interval '1 day'"))
                db.execute(text("UPDATE accommodation_dates SET unlocks_at = unlocks_at - interval '1 day'"))
                db.execute(text("UPDATE relative_openings SET first_day = first_day - interval '1 day'"))

        @stateful.invariant()
        def nobody_is_told_twice_nor_of_what_is_closed(self):
            for note in (note_own_openings, note_relative_openings):
                with core.transaction() as db:
                    note(db, core.clock(), limit=100)
            with core.reader() as db:
                told = db.execute(TOLD, {"course": str(self.course.id)}).all()
                assert len(set(told)) == len(told)
                for person, module in set(told) - self.told:
                    assert uuid.UUID(module) in self.opened(db, uuid.UUID(person))
            self.told = set(told)

        def opened(self, db, person):
            version = db.scalar(select(Course.version_id).where(Course.id == self.course.id))
            decisions = decide(rules_of(db, version), standing_of(db, version, person), core.clock())
            return {each.module_id for each in decisions if each.is_open}

        def part(self, db, person):
            mine = (Enrollment.user_id == self.people[person].id, Enrollment.course_id == self.course.id)
            return db.scalar(select(Enrollment.id).where(*mine))

        def attempt(self, work):
            try:
                with core.transaction() as db:
                    work(db)
            except LMSError:
                return  # Refused: what is wanted is not possible now.

        def teardown(self):
            with core.transaction() as db:
                db.execute(text("DELETE FROM enrollments"))

    calm = settings(max_examples=15, stateful_step_count=20, deadline=None,
                    suppress_health_check=list(HealthCheck), derandomize=True)  # fmt: skip
    stateful.run_state_machine_as_test(Days, settings=calm)


DEMANDS = (
    {"unlock_type": "immediate"}, {"unlock_type": "relative", "unlock_after_days": 1},
    {"unlock_type": "relative", "unlock_after_days": 2}, {"unlock_type": "sequential"},
    {"unlock_type": "relative", "unlock_after_days": 1, "prerequisites": True},
    {"unlock_type": "scheduled", "unlock_date": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)},
)  # fmt: skip
TOLD = text(
    """
    SELECT payload->>'user_id', payload->>'module_id' FROM outbox
    WHERE name = 'learning.module_unlocked' AND payload->>'course_id' = :course
    """
)


def test_looking_costs_the_same_among_100_000_enrollments(core, instructor, student, grant, course):
    rule(instructor, course, 1, **WEEK)
    with core.transaction() as db:
        db.execute(text("SET LOCAL session_replication_role = replica"))  # No accounts are needed, nor counters.
        for statement in FILL:
            db.execute(text(statement), {"course": course.id, "module": course.modules[1]})
        db.execute(text("ANALYZE enrollments, accommodations, accommodation_dates"))
    with core.transaction() as db:
        theirs = Enrollment.user_id == student.id
        db.execute(update(Enrollment).where(theirs).values(enrolled_at=core.clock() - 7 * DAY))
    plans = []
    for note in (note_relative_openings, note_own_openings):
        with core.transaction() as db:
            plans += watched(db.connection(), partial(note, db, core.clock(), limit=100))
        assert published(core) == 1
        grant(NOW - HOUR)
    assert len(plans) <= 16
    assert max(looked_at(plan) for plan in plans) <= 100, json.dumps(plans, indent=1)


def watched(connection, work):
    """The plans of all that some work sends, as they were carried out."""
    sent = []

    def listen(_connection, _cursor, sql, values, *_rest):
        sent.append((sql, values))

    event.listen(connection, "before_cursor_execute", listen)
    work()
    event.remove(connection, "before_cursor_execute", listen)
    explained = [(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values) for sql, values in sent if "INSERT" not in sql]
    return [connection.exec_driver_sql(sql, values).scalar()[0]["Plan"] for sql, values in explained]


def looked_at(plan):
    """The most rows that a part of a plan has looked at."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max(own, *map(looked_at, plan.get("Plans", ())), 0)
