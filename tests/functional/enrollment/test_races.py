"""Everything at once: whatever meets on the places of a course, each change is whole, and the counts are right."""

import datetime as dt
import random
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update

from lms_core.certificates.models import Certificate
from lms_core.courses.models import Course
from lms_core.enrollment.accommodations import service as accommodations
from lms_core.enrollment.admission import Admission, admit_one, lock_open_course
from lms_core.enrollment.lifecycle import service as lifecycle
from lms_core.enrollment.models import Accommodation, Enrollment, EnrollmentChange, EnrollmentWait
from lms_core.enrollment.payments import service as payments
from lms_core.enrollment.payments.models import Payment
from lms_core.enrollment.queries import HOLDS_PLACE
from lms_core.kernel.errors import NotFound
from lms_core.kernel.outbox import deliver_pending
from lms_core.learning.progress.service import complete_lesson, start_lesson
from lms_core.testing.courses import make_course

API = "/api/v1"
ENROLLMENTS = f"{API}/enrollments"
PLACES = 6


def again(person):
    """The same caller in a thread of its own."""
    return person.client.bearer(person.client.authorization[1])


class Storm:
    """What students, staff and time do to one course, each in a thread of its own; ``heard`` counts the answers."""

    def __init__(self, core, registry, course, people, instructor):
        self.core, self.registry, self.course, self.instructor = core, registry, course, instructor
        self.people, self.heard, self.lock = people, Counter(), threading.Lock()
        self.url = f"{API}/courses/{course.id}"

    def send(self, person, path, body=None, method="post_json"):
        answer = getattr(again(person), method)(path, body or {}, expect_errors=True)
        with self.lock:
            self.heard[answer.status_int, answer.json.get("code")] += 1
        return answer

    def enrollment(self, person):
        with self.core.reader() as db:
            return db.scalar(select(Enrollment.id).where(Enrollment.user_id == person.id))

    def step(self, chance):
        person, choice = chance.choice(self.people), chance.random()
        mine = self.enrollment(person)
        if choice < 0.3 or mine is None:
            self.send(person, ENROLLMENTS, {"courseId": str(self.course.id)})
        elif choice < 0.45:
            self.send(person, f"{ENROLLMENTS}/{mine}/drop")
        elif choice < 0.75:
            self.staff(chance, mine)
        elif choice < 0.9:
            self.study(chance, person)
        else:
            self.time(chance)

    def staff(self, chance, mine):
        step = chance.choice(("suspend", "resume", "drop", "complete", "dates", "over", "bulk"))
        if step in ("dates", "over"):
            ends = self.core.clock() + dt.timedelta(days=1 if step == "dates" else -1)
            begins = self.core.clock() - dt.timedelta(days=2)
            dates = {"startsAt": begins.isoformat(), "expiresAt": ends.isoformat()}
            self.send(self.instructor, f"{ENROLLMENTS}/{mine}", dates, "put_json")
        elif step == "bulk":
            body = {"filter": {}}
            self.send(self.instructor, f"{self.url}/enrollments/{chance.choice(('suspend', 'resume'))}", body)
        else:
            self.send(self.instructor, f"{ENROLLMENTS}/{mine}/{step}")

    def study(self, chance, person):
        lesson = chance.choice(self.course.lessons)
        for step in ("start", "complete"):
            self.send(person, f"{API}/lessons/{lesson}/{step}")

    def time(self, chance):
        if chance.random() < 0.5:
            deliver_pending(self.registry)
        else:
            with self.core.transaction() as db:
                lifecycle.expire_due(db, limit=10)

    def blow(self, seed, steps):
        chance = random.Random(seed)
        for _step in range(steps):
            self.step(chance)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_leaves_the_counts_right(make_person, instructor, core, registry, seed):
    course = make_course(core, instructor.id, max_students=PLACES, waiting_list=True)
    people = [make_person("student") for _person in range(12)]
    storm = Storm(core, registry, course, people, instructor)
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(storm.blow, seed * 100 + number, 12) for number in range(16)]:
            done.result()
    deliver_pending(registry)
    failed = {answer: times for answer, times in storm.heard.items() if answer[0] >= 500 or answer[1] == "try_again"}
    assert not failed, storm.heard
    assert storm.heard[201, None] > 5, storm.heard
    with core.reader() as db:
        counted, completed = db.execute(
            select(Course.enrolled_count, Course.completed_count).where(Course.id == course.id)
        ).one()
        states = Counter(db.scalars(select(Enrollment.status)))
        waiting = set(db.scalars(select(EnrollmentWait.user_id)))
        inside = set(db.scalars(select(Enrollment.user_id).where(HOLDS_PLACE)))
        last = select(EnrollmentChange.to_status).where(EnrollmentChange.enrollment_id == Enrollment.id)
        last = last.order_by(EnrollmentChange.created_at.desc(), EnrollmentChange.id.desc()).limit(1).scalar_subquery()
        told = db.execute(select(Enrollment.status, last.label("last"))).all()
        events = db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'enrollment.completed'"))
        done = db.scalar(select(func.count()).where(Enrollment.completed_at.is_not(None)))
    assert counted == len(inside) <= PLACES
    assert completed == states["completed"]
    assert not inside & waiting
    assert [row.status for row in told] == [row.last for row in told], "the history ends where the enrollment is"
    assert events == done, "each completion is told once"


def test_the_last_lesson_completed_by_twenty_at_once(student, instructor, core, deliver):
    course = make_course(core, instructor.id)
    student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201)
    for lesson in course.lessons:
        student.client.post_json(f"{API}/lessons/{lesson}/start")
    for lesson in course.lessons[:-1]:
        student.client.post_json(f"{API}/lessons/{lesson}/complete")

    def complete(_number):
        return again(student).post_json(f"{API}/lessons/{course.lessons[-1]}/complete").status_int

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(complete, range(20))) == [200] * 20
    deliver()
    deliver()
    with core.reader() as db:
        assert db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'enrollment.completed'")) == 1
        assert db.scalar(select(func.count()).select_from(Certificate)) == 1
        assert db.scalar(select(Course.completed_count).where(Course.id == course.id)) == 1


def test_a_request_is_decided_about_once_however_many_do(make_person, instructor, core):
    course = make_course(core, instructor.id, enrollment_type="approval", max_students=2)
    applicants = [make_person("student") for _person in range(3)]
    asked = [
        each.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=202).json["id"] for each in applicants
    ]

    def decide(work):
        decision, request_id = work
        url = f"{API}/enrollment-requests/{request_id}/{decision}"
        answer = again(instructor).post_json(url, {}, expect_errors=True)
        return request_id, answer.json.get("code", answer.json.get("status"))

    work = [(decision, each) for each in asked for decision in ("approve", "approve", "reject")]
    with ThreadPoolExecutor(9) as pool:
        heard = list(pool.map(decide, work))
    for each in asked:
        answers = Counter(said for request_id, said in heard if request_id == each)
        decided = answers["approved"] + answers["rejected"]
        assert decided <= 1
        assert set(answers) <= {"approved", "rejected", "request_not_pending", "course_full"}, answers
    with core.reader() as db:
        let_in = db.scalar(select(func.count()).select_from(Enrollment))
        assert let_in == sum(said == "approved" for _request, said in heard) <= 2
        assert db.scalar(select(Course.enrolled_count).where(Course.id == course.id)) == let_in


# Two that need the same enrollment and the same course: neither waits for the other.


def until_it_waits(core):
    """Until some transaction of the test's database waits for a lock."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        with core.transaction() as db:
            if db.scalar(waits):
                return


def by_dates(db, core, enrollment_id, until, staff_id):
    lifecycle.change_dates(db, core, enrollment_id, {"expires_at": until}, staff_id)


def by_accommodation(db, core, enrollment_id, until, staff_id):
    granted = {"extra_time_factor": 1, "extra_attempts": 0, "waives_sequence": False, "reason": None, "modules": []}
    granted["extended_until"] = until
    accommodations.grant(db, core, enrollment_id, granted, staff_id)


@pytest.mark.parametrize(("give", "refused"), [(by_dates, None), (by_accommodation, "enrollment_without_end")])
def test_who_comes_back_meets_who_gives_time(student, instructor, core, give, refused):
    """Places are given out by who holds the course, and the enrollment that is over comes after: it has no end then."""
    course = make_course(core, instructor.id)
    made = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201).json
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="expired", expires_at=core.clock()))
    later = core.clock() + dt.timedelta(days=1)

    def give_time():
        with core.transaction() as db:
            give(db, core, uuid.UUID(made["id"]), later, instructor.id)

    with ThreadPoolExecutor(1) as pool:
        with core.transaction() as db:
            locked = lock_open_course(db, course.id)
            waiting = pool.submit(give_time)
            until_it_waits(core)
            admit_one(db, core, locked, student.id, Admission(), places=None)
        assert getattr(waiting.exception(), "code", None) == refused
    with core.reader() as db:
        assert db.execute(select(Enrollment.status, Enrollment.expires_at, Enrollment.extended_until)).one() == (
            "active", None if refused else later, None
        )  # fmt: skip
        assert db.scalar(select(func.count()).select_from(Accommodation)) == 0
        assert db.scalar(select(Course.enrolled_count).where(Course.id == course.id)) == 1


def test_who_completes_meets_a_refund(student, instructor, core):
    """Who completes the last lesson waits for whoever holds the course, and holds nothing meanwhile."""
    course = make_course(core, instructor.id)
    made = student.client.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201).json
    with core.transaction() as db:
        payment = Payment(
            user_id=student.id, course_id=course.id, enrollment_id=uuid.UUID(made["id"]), course_title="x", price=10,
            amount=10, currency="EUR", status="paid", paid_at=core.clock(), gateway="manual",
        )  # fmt: skip
        db.add(payment)
        db.flush()
        payment_id = payment.id

    *others, last = course.lessons
    for lesson in others:
        with core.transaction() as db:
            start_lesson(db, core, student.id, lesson)
            complete_lesson(db, core, student.id, lesson)
    with core.transaction() as db:
        start_lesson(db, core, student.id, last)

    def finish():
        with core.transaction() as db:
            complete_lesson(db, core, student.id, last)

    with ThreadPoolExecutor(1) as pool:
        with core.transaction() as db:
            case = payments.locked(db, core, payment_id)
            waiting = pool.submit(finish)
            until_it_waits(core)
            payments.gave_back(case, Decimal(10))
        with pytest.raises(NotFound):
            waiting.result()
    with core.reader() as db:
        assert db.scalar(select(Enrollment.status)) == "dropped"
        counts = select(Course.enrolled_count, Course.completed_count).where(Course.id == course.id)
        assert db.execute(counts).one() == (0, 0)
