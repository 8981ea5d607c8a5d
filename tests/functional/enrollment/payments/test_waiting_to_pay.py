"""Waiting for a place that has to be paid for: who is next is asked to pay, and nobody pays for one there is not."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.admission import Admission
from lms_core.enrollment.models import EnrollmentWait
from lms_core.enrollment.payments.models import Payment
from lms_core.enrollment.rosters.service import Wish, enroll_many
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.client import Client

API = "/api/v1"
MINE = f"{API}/users/me/waits"


@pytest.fixture
def course(school):
    return school.course(max_students=1, waiting_list=True, title="Pottery")


@pytest.fixture
def tell(school):
    """What was published is delivered, and what time brings about is done."""

    def tell():
        deliver_pending(school.registry)
        school.run("enrollment.move_up")
        deliver_pending(school.registry)

    return tell


def change(core, model, *conditions, **values):
    with core.transaction() as db:
        db.execute(update(model).where(*conditions).values(**values))


def past(core):
    return core.clock() - dt.timedelta(seconds=1)


def count(core, *conditions):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(Payment).where(*conditions))


def state(payer):
    return [(each["status"], each["position"]) for each in payer.client.get(MINE).json["items"]]


def drop(payer, enrollment_id):
    payer.client.post_json(f"{API}/enrollments/{enrollment_id}/drop", {})


def test_who_is_next_is_asked_to_pay(school, course, core, tell):
    inside, _payment = school.paid(course)
    first, second = school.person(), school.person()
    wait = first.enroll(course, status=202)
    assert (wait["status"], wait["offeredUntil"]) == ("waiting", None)
    second.enroll(course, status=202)
    assert count(core, Payment.user_id == first.id) == 0, "nobody pays for a place that there is not"
    assert first.enroll(course, status=409)["code"] == "already_waiting"
    drop(inside, school.enrollment_id(inside))
    tell()
    assert (state(first), state(second)) == ([("offered", 1)], [("waiting", 2)])
    told = first.client.get(f"{API}/notifications").json["items"][0]
    assert (told["type"], told["title"]) == ("place_offered", "A place in Pottery is free for you")
    assert school.enrollment(first) is None, "they have not paid"
    assert second.enroll(course, status=409)["code"] == "already_waiting"
    assert school.person().enroll(course, status=202)["position"] == 3
    payment = first.ask(course)
    first.check_out(payment)
    school.tell(school.stripe.pay())
    assert school.enrollment(first) == "active"
    assert state(first) == []
    tell()
    assert state(second) == [("waiting", 1)]


def test_a_place_that_is_not_taken_is_the_next_ones(school, course, core, tell):
    inside, _payment = school.paid(course)
    first, second = school.person(), school.person()
    for payer in (first, second):
        payer.enroll(course, status=202)
    drop(inside, school.enrollment_id(inside))
    tell()
    change(core, EnrollmentWait, EnrollmentWait.user_id == first.id, offered_until=past(core))
    tell()
    assert (state(first), state(second)) == ([], [("offered", 1)])
    assert first.enroll(course, status=202)["position"] == 2
    second.ask(course)


def test_a_place_that_is_given_up_is_offered_to_the_next_at_once(school, course, core, tell):
    inside, _payment = school.paid(course)
    first, second = school.person(), school.person()
    wait, _second = [payer.enroll(course, status=202) for payer in (first, second)]
    drop(inside, school.enrollment_id(inside))
    tell()
    assert (state(first), state(second)) == ([("offered", 1)], [("waiting", 2)])
    first.client.delete(f"{API}/waits/{wait['id']}", status=204)
    deliver_pending(school.registry)
    assert (state(first), state(second)) == ([], [("offered", 1)])


def test_an_offer_does_not_run_while_the_course_is_away(school, course, core, tell):
    inside, _payment = school.paid(course)
    first, second = school.person(), school.person()
    for payer in (first, second):
        payer.enroll(course, status=202)
    drop(inside, school.enrollment_id(inside))
    tell()
    url = f"{API}/courses/{course.id}"
    school.owner.client.post(f"{url}/unpublish")
    tell()
    first.enroll(course, status=404)
    assert (state(first), state(second)) == ([("waiting", 1)], [("waiting", 2)])
    school.owner.client.post(f"{url}/publish")
    tell()
    assert (state(first), state(second)) == ([("offered", 1)], [("waiting", 2)])
    [again, *_earlier] = first.client.get(f"{API}/notifications").json["items"]
    assert again["type"] == "place_offered"
    first.ask(course)


def test_who_comes_too_late_goes_to_the_end(school, course, core, tell):
    inside, _payment = school.paid(course)
    first, second = school.person(), school.person()
    for payer in (first, second):
        payer.enroll(course, status=202)
    drop(inside, school.enrollment_id(inside))
    tell()
    change(core, EnrollmentWait, EnrollmentWait.user_id == first.id, offered_until=past(core))
    # Nobody has told the list yet.
    assert first.enroll(course, status=202)["position"] == 2
    tell()
    assert state(second) == [("offered", 1)]


def test_one_person_keeps_one_place(school, course, core, tell):
    """Who was asked and is about to pay keeps one and not two; while they pay, no second payment is asked for."""
    change(core, Course, max_students=2)
    inside = [school.paid(course)[0] for _person in range(2)]
    waiting = [school.person() for _person in range(3)]
    for payer in waiting:
        payer.enroll(course, status=202)
    drop(inside[0], school.enrollment_id(inside[0]))
    tell()
    assert waiting[0].ask(course)["reference"] == waiting[0].ask(course)["reference"]
    drop(inside[1], school.enrollment_id(inside[1]))
    tell()
    assert [state(payer)[0][0] for payer in waiting] == ["offered", "offered", "waiting"]
    # The time of being asked is over, and that of paying is not.
    change(core, EnrollmentWait, EnrollmentWait.user_id == waiting[0].id, offered_until=past(core))
    tell()
    assert state(waiting[2]) == [("waiting", 2)]
    change(core, Payment, Payment.user_id == waiting[0].id, place_until=past(core))
    tell()
    assert state(waiting[2]) == [("offered", 2)]


def test_nobody_takes_a_place_that_is_kept(school, course, core):
    payer = school.person()
    payer.ask(course)
    other = school.person()
    with core.transaction() as db:
        wishes = [Wish("other", other.id), Wish("payer", payer.id)]
        report = enroll_many(db, core, course.id, wishes, Admission("instructor"))
    outcomes = [each.outcome for each in report.results]
    assert outcomes == ["course_full", "enrolled"], "whose place it is takes it"
    assert count(core, Payment.place_until.is_not(None), Payment.status == "pending") == 0, "it is not kept any more"


def test_whose_place_is_kept_may_ask_again_though_others_wait(school, course, core):
    payer = school.person()
    payment = payer.ask(course)
    school.person().enroll(course, status=202)
    assert payer.ask(course)["reference"] == payment["reference"]
    change(core, Payment, Payment.user_id == payer.id, place_until=past(core))
    assert payer.enroll(course, status=202)["status"] == "waiting", "the place is for who waits"


def test_a_place_is_kept_again_where_there_still_is_one(school, core):
    course = school.course(max_students=1)
    payer = school.person()
    payment = payer.ask(course)
    change(core, Payment, place_until=past(core))
    assert payer.ask(course)["reference"] == payment["reference"]
    assert school.person().enroll(course, status=409)["code"] == "course_full"


def test_a_voucher_is_not_used_by_waiting(school, course, core, tell):
    inside, _payment = school.paid(course)
    voucher = {"code": "HALF", "percent": 50, "maxUses": 1}
    made = school.owner.client.post_json(f"{API}/courses/{course.id}/vouchers", voucher, status=201).json
    payer = school.person()
    payer.enroll(course, status=202, voucher="HALF")
    assert school.owner.client.get(f"{API}/vouchers/{made['id']}").json["usedCount"] == 0
    drop(inside, school.enrollment_id(inside))
    tell()
    assert payer.ask(course, voucher="HALF")["amount"] == "24.50"


@pytest.fixture
def free(school, course):
    """A voucher for all of it, for one person; ``free()`` is how often it counts as used."""
    body = {"code": "FREE", "percent": 100, "maxUses": 1}
    made = school.owner.client.post_json(f"{API}/courses/{course.id}/vouchers", body, status=201).json
    return lambda: school.owner.client.get(f"{API}/vouchers/{made['id']}").json["usedCount"]


def test_who_leaves_the_list_gets_a_voucher_back(school, course, core, free):
    school.paid(course)
    first, second = school.person(), school.person()
    wait = first.enroll(course, status=202, voucher="FREE")
    assert free() == 1, "whose voucher pays for all is let in when there is a place"
    assert second.enroll(course, status=422, voucher="FREE")["code"] == "voucher_invalid"
    first.client.delete(f"{API}/waits/{wait['id']}", status=204)
    assert free() == 0
    [payment] = first.client.get(f"{API}/users/me/payments").json["items"]
    assert (payment["status"], payment["paidAt"]) == ("cancelled", None)
    first.client.delete(f"{API}/waits/{wait['id']}", status=404)
    second.enroll(course, status=202, voucher="FREE")
    assert (free(), state(second)) == (1, [("waiting", 1)])
    assert first.enroll(course, status=202)["position"] == 2, "who has no voucher any more pays"


def test_who_moves_up_has_used_a_voucher(school, course, core, tell, free):
    inside, _payment = school.paid(course)
    payer = school.person()
    payer.enroll(course, status=202, voucher="FREE")
    drop(inside, school.enrollment_id(inside))
    tell()
    assert (school.enrollment(payer), free()) == ("active", 1)
    [payment] = payer.client.get(f"{API}/users/me/payments").json["items"]
    assert (payment["status"], payment["enrollmentId"]) == ("paid", str(school.enrollment_id(payer)))
    # And stays so: what was paid for stays theirs, and no list that they leave later takes it away.
    drop(payer, school.enrollment_id(payer))
    school.paid(course)
    wait = payer.enroll(course, status=202)
    payer.client.delete(f"{API}/waits/{wait['id']}", status=204)
    assert free() == 1
    assert payer.client.get(f"{API}/users/me/payments").json["items"][0]["status"] == "paid"


def test_money_that_was_paid_is_not_touched_by_a_list(school, course, core, tell):
    inside, payment = school.paid(course)
    drop(inside, school.enrollment_id(inside))
    school.paid(course)
    wait = inside.enroll(course, status=202)
    inside.client.delete(f"{API}/waits/{wait['id']}", status=204)
    assert school.payment(payment).status == "paid"
    assert inside.enroll(course, status=202)["status"] == "waiting", "and they pay nothing again"


def test_whose_account_is_deleted_gives_a_voucher_back(school, course, core, tell, free):
    school.paid(course)
    payer = school.person()
    payer.enroll(course, status=202, voucher="FREE")
    change(core, User, User.id == payer.id, deleted_at=past(core))
    tell()
    tell()
    assert free() == 0
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(EnrollmentWait)) == 0


def test_where_it_costs_nothing_any_more_the_kept_place_is_taken(school, course, core, tell):
    inside, _payment = school.paid(course)
    payer = school.person()
    payer.enroll(course, status=202)
    drop(inside, school.enrollment_id(inside))
    tell()
    change(core, Course, price=0)
    payer.enroll(course, status=201)
    assert state(payer) == []


# Many at once.


def again(school, payer):
    return Client(school.client.app).bearer(payer.client.authorization[1])


def ask(school, course, payer):
    """Ask to join until the answer is one; the status and the code."""
    while True:
        body = {"courseId": str(course.id)}
        answer = again(school, payer).post_json(f"{API}/enrollments", body, expect_errors=True)
        if answer.json.get("code") != "try_again":
            return answer.status_int


def test_many_at_once_are_asked_for_as_many_places_as_there_are(school, core):
    course = school.course(max_students=3, waiting_list=True)
    people = [school.person() for _person in range(30)]
    with ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(lambda payer: ask(school, course, payer), people))
    assert sorted(heard) == [202] * 27 + [402] * 3
    assert count(core, Payment.status == "pending", Payment.place_until > core.clock()) == 3


def test_places_free_up_while_others_come_and_are_asked(school, core):
    """However leaving, coming and telling the list meet: taken and kept places are never more than there are."""
    course = school.course(max_students=4, waiting_list=True)
    inside = [school.paid(course)[0] for _person in range(4)]
    waiting = [school.person() for _person in range(6)]
    for payer in waiting:
        ask(school, course, payer)
    late = [school.person() for _person in range(6)]
    most, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            with core.transaction() as db:  # One snapshot of all.
                taken = select(Course.enrolled_count).where(Course.id == course.id).scalar_subquery()
                paying = select(Payment.user_id).where(Payment.status == "pending", Payment.place_until > core.clock())
                asked = select(EnrollmentWait.user_id).where(EnrollmentWait.offered_until > core.clock())
                kept = select(func.count()).select_from(paying.union(asked).subquery()).scalar_subquery()
                most.append(db.scalar(select(taken + kept)))

    def leave(payer):
        again(school, payer).post_json(f"{API}/enrollments/{school.enrollment_id(payer)}/drop", {})

    watcher = threading.Thread(target=watch)
    watcher.start()
    work = [(leave, payer) for payer in inside] + [(lambda payer: ask(school, course, payer), payer) for payer in late]
    work += [(lambda _payer: deliver_pending(school.registry), None)] * 4
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(what, who) for what, who in work]:
            done.result()
    deliver_pending(school.registry)
    stop.set()
    watcher.join()
    assert max(most) <= 4
    assert [state(payer)[0][0] for payer in waiting] == ["offered"] * 4 + ["waiting"] * 2
    assert most[-1] == 4
