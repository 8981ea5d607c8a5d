"""Paying for a course: what is asked, what is kept meanwhile, and that money always ends in access or goes back."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.models import Payment, PaymentRefund

API = "/api/v1"


def change(core, model, **values):
    with core.transaction() as db:
        db.execute(update(model).values(**values))


def count(core, model, *conditions):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(model).where(*conditions))


def test_who_pays_is_in(school, stripe, statements):
    course, payer = school.course(title="Bread"), school.person()
    problem = payer.enroll(course)
    payment = problem["payment"]
    assert (problem["code"], payment["amount"], payment["currency"]) == ("payment_required", "49.00", "EUR")
    assert payment["gateways"] == ["manual", "stripe"]
    assert school.enrollment(payer) is None
    checkout = payer.check_out(payment)
    session = stripe.session
    assert (checkout["checkoutUrl"], checkout["reference"]) == (session["url"], session["id"])
    assert (session["amount_total"], session["currency"], session["name"]) == (4900, "eur", "Bread")
    assert session["success_url"] == f"http://localhost/courses/{course.id}?payment={payment['reference']}"
    assert payer.read(payment)["status"] == "pending"
    school.tell(stripe.pay())
    with statements() as seen:
        made = payer.read(payment)
    assert seen.count <= 2, seen
    assert (made["status"], made["refunded"], made["gateway"]) == ("paid", "0.00", "stripe")
    enrollment = payer.client.get(f"{API}/enrollments/{made['enrollmentId']}").json
    assert (enrollment["status"], enrollment["enrollmentType"]) == ("active", "payment")
    payer.client.get(f"{API}/lessons/{course.lessons[0]}")
    assert payer.enroll(course, status=409)["code"] == "already_enrolled"


def test_asked_again_it_is_the_same_payment_and_the_same_page(school, stripe):
    course, payer = school.course(), school.person()
    first = payer.ask(course)
    assert payer.ask(course) == first
    url = payer.check_out(first)["checkoutUrl"]
    assert payer.check_out(first)["checkoutUrl"] == url
    again = payer.ask(course)
    assert (again["reference"], again["checkoutUrl"], again["gateways"]) == (first["reference"], url, ["stripe"])
    assert len(stripe.sessions) == 1
    assert payer.check_out(first, "manual", status=409)["code"] == "gateway_chosen"


def test_many_checkouts_at_once_are_one(school, stripe):
    payer = school.person()
    payment = payer.ask(school.course())
    token = payer.client.authorization[1]

    def check_out(_attempt):
        url = f"{API}/payments/{payment['reference']}/checkout"
        return school.client.bearer(token).post_json(url, {"gateway": "stripe"}).json["checkoutUrl"]

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(check_out, range(6))) == {stripe.session["url"]}
    assert len(stripe.sessions) == 1


def test_what_costs_nothing_lets_everybody_in(school):
    payer = school.person()
    assert payer.enroll(school.course(price="0"), status=201)["status"] == "active"
    assert payer.client.get(f"{API}/users/me/payments").json["items"] == []


def test_without_a_gateway_nobody_is_asked_for_money(school, make_app, core):
    course = school.course()
    token = school.person().client.authorization[1]
    refused = make_app().bearer(token).post_json(f"{API}/enrollments", {"courseId": str(course.id)}, status=409)
    assert refused.json["code"] == "payment_unavailable"
    assert count(core, Payment) == 0
    assert school.person().enroll(school.course(currency="UGX"))["payment"]["gateways"] == ["manual"]


def test_the_price_stays_what_it_was_when_asked(school, stripe, core):
    course = school.course()
    payer, payment = school.begun(course)
    change(core, Course, price=99, currency="USD")
    assert payer.ask(course)["amount"] == "49.00"
    school.tell(stripe.pay())
    assert payer.read(payment)["status"] == "paid"
    assert school.person().ask(course)["amount"] == "99.00"


def test_a_place_is_kept_for_a_while(school, core):
    course = school.course(max_students=1)
    first, second = school.person(), school.person()
    payment = first.ask(course)
    assert second.enroll(course, status=409)["code"] == "course_full"
    assert first.ask(course) == payment
    change(core, Payment, place_until=core.clock() - dt.timedelta(seconds=1))
    second.ask(course)


def test_places_are_kept_one_at_a_time(school):
    course = school.course(max_students=3)
    payers = [school.person() for _payer in range(10)]

    def apply(payer):
        return payer.client.post_json(f"{API}/enrollments", {"courseId": str(course.id)}, expect_errors=True).status_int

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(apply, payers)) == [402] * 3 + [409] * 7


def test_who_has_paid_gets_in_although_the_course_is_full_by_now(school, stripe, core):
    course = school.course(max_students=1)
    late, payment = school.begun(course)
    session = stripe.session
    change(core, Payment, place_until=core.clock() - dt.timedelta(seconds=1))
    school.paid(course)
    school.tell(stripe.pay(session))
    assert late.read(payment)["status"] == "paid"
    assert school.enrollment(late) == "active"


def test_who_pays_too_late_or_after_turning_back_gets_in(school, stripe, core):
    course = school.course()
    late, payment = school.begun(course)
    session = stripe.session
    change(core, Payment, expires_at=core.clock() - dt.timedelta(seconds=1))
    school.tell(stripe.expire())
    assert late.read(payment)["status"] == "expired"
    assert late.check_out(payment, status=409)["code"] == "payment_closed"
    school.tell(stripe.pay(session))
    assert (late.read(payment)["status"], school.enrollment(late)) == ("paid", "active")

    turned, payment = school.begun(course)
    url = f"{API}/payments/{payment['reference']}/cancel"
    assert turned.client.post(url).json["status"] == "cancelled"
    assert turned.client.post(url, status=409).json["code"] == "payment_closed"
    school.tell(stripe.pay())
    assert (turned.read(payment)["status"], school.enrollment(turned)) == ("paid", "active")


def test_who_has_paid_twice_gets_one_of_it_back(school, stripe, core):
    course = school.course()
    payer, first = school.begun(course)
    session = stripe.session
    payer.client.post(f"{API}/payments/{first['reference']}/cancel")
    second = payer.ask(course)
    assert second["reference"] != first["reference"]
    payer.check_out(second)
    school.tell(stripe.pay())
    school.tell(stripe.pay(session))
    assert payer.read(first)["refundDue"] is True
    school.run("payments.refund")
    assert (payer.read(first)["status"], payer.read(first)["refundDue"]) == ("refunded", False)
    assert (payer.read(second)["status"], school.enrollment(payer)) == ("paid", "active")


@pytest.mark.parametrize(
    ("model", "gone"),
    [(Course, {"deleted_at": func.now()}), (User, {"deleted_at": func.now()}), (Enrollment, {"status": "suspended"})],
    ids=["course", "person", "suspended"],
)
def test_what_cannot_be_given_any_more_is_paid_back(school, stripe, core, model, gone):
    course = school.course()
    payer, payment = school.begun(course)
    if model is Enrollment:
        with core.transaction() as db:
            db.add(Enrollment(user_id=payer.id, course_id=course.id))
    change(core, model, **gone)
    school.tell(stripe.pay())
    assert school.payment(payment).status == "paid"
    school.run("payments.refund")
    assert school.payment(payment).status == "refunded"
    assert stripe.charges[stripe.session["payment_intent"]]["amount_refunded"] == 4900


def test_a_course_that_is_not_open_any_more_is_given_all_the_same(school, stripe, core, deliver):
    course = school.course()
    payer, _payment = school.begun(course)
    change(core, Course, is_published=False)
    school.tell(stripe.pay())
    assert school.enrollment(payer) == "active"
    change(core, Course, is_published=True)
    payer.client.get(f"{API}/lessons/{course.lessons[0]}")


def test_nobody_begins_to_pay_for_what_is_not_open(school, stripe, core):
    course, payer = school.course(), school.person()
    payment = payer.ask(course)
    change(core, Course, is_published=False)
    assert payer.check_out(payment, status=409)["code"] == "payment_closed"
    assert stripe.sessions == {}


def test_money_outlives_its_course(school, stripe, core):
    payer, payment = school.paid(school.course())
    change(core, Course, deleted_at=func.now())
    url, admin = f"{API}/payments/{payment['reference']}", school.person("admin")
    assert admin.client.get(url).json["status"] == payer.read(payment)["status"] == "paid"
    admin.client.post_json(f"{url}/refund", {"amount": "0.01"})
    school.run("payments.refund")
    assert payer.read(payment)["refunded"] == "0.01"
    school.owner.client.get(url, status=404)
    school.person("instructor").client.get(url, status=404)


def test_who_leaves_and_comes_back_does_not_pay_twice(school, stripe):
    course = school.course()
    payer, payment = school.paid(course)
    enrollment = payer.read(payment)["enrollmentId"]
    payer.client.post_json(f"{API}/enrollments/{enrollment}/drop", {})
    assert payer.enroll(course, status=201)["id"] == enrollment
    assert school.enrollment(payer) == "active"
    # What was paid back pays for nothing.
    school.tell(stripe.give_back())
    assert school.enrollment(payer) == "dropped"
    assert payer.ask(course)["reference"] != payment["reference"]
    # Nor does what somebody else has paid.
    assert school.person().ask(course)["amount"] == "49.00"


def test_who_has_paid_rates_what_they_bought(school):
    course = school.course()
    payer, _payment = school.paid(course)
    given = school.person()
    body = {"userId": str(given.id)}
    school.owner.client.post_json(f"{API}/courses/{course.id}/enrollments/bulk", {"students": [body]})
    for student, bought in ((payer, True), (given, False)):
        url = f"{API}/courses/{course.id}/ratings"
        made = student.client.post_json(url, {"rating": 4}, status=201).json
        assert made["isVerifiedPurchase"] is bought


def test_whose_time_was_over_pays_again(school, stripe, core):
    course = school.course()
    payer, first = school.paid(course)
    enrollment = payer.read(first)["enrollmentId"]
    change(core, Enrollment, status="expired", expires_at=func.now())
    second = payer.ask(course)
    assert second["reference"] != first["reference"]
    payer.check_out(second)
    first_session, second_session = stripe.sessions.values()
    school.tell(stripe.pay(second_session))
    assert (payer.read(second)["enrollmentId"], school.enrollment(payer)) == (enrollment, "active")
    # What is paid back of the first takes nothing from who has paid since.
    school.tell(stripe.give_back(session=first_session))
    assert (payer.read(first)["status"], school.enrollment(payer)) == ("refunded", "active")
    school.tell(stripe.give_back(session=second_session))
    assert (payer.read(second)["status"], school.enrollment(payer)) == ("refunded", "dropped")


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [("1000", "JPY", 1000), ("12.34", "KWD", 12340), ("500", "ISK", 50000), ("0.50", "USD", 50)],
)
def test_currencies_that_count_otherwise(school, stripe, price, currency, minor):
    payer, payment = school.paid(school.course(price=price, currency=currency))
    assert stripe.session["amount_total"] == minor
    made = payer.read(payment)
    assert (made["status"], Decimal(made["amount"])) == ("paid", Decimal(price))


def test_a_gateway_that_is_down_costs_nothing(school, stripe):
    payer = school.person()
    payment = payer.ask(school.course())
    stripe.down = True
    refused = payer.check_out(payment, status=503)
    assert refused["code"] == "payment_gateway_down"
    stripe.down = False
    assert payer.check_out(payment)["checkoutUrl"] == stripe.session["url"]


def test_an_answer_that_is_lost_makes_no_second_session(school, stripe, core):
    payer = school.person()
    payment = payer.ask(school.course())
    stripe.deaf_after = 0
    payer.client.post_json(f"{API}/payments/{payment['reference']}/checkout", {"gateway": "stripe"}, expect_errors=True)
    payer.check_out(payment)
    assert len(stripe.sessions) == 1


def test_a_payment_is_its_payers_own(school, stripe, statements):
    course = school.course()
    payer, payment = school.paid(course)
    url = f"{API}/payments/{payment['reference']}"
    other, staff, admin = school.person(), school.person("instructor"), school.person("admin")
    for stranger in (other, staff):
        stranger.client.get(url, status=404)
        for step, body in (("checkout", {"gateway": "stripe"}), ("cancel", {}), ("confirm", {}), ("refund", {})):
            stranger.client.post_json(f"{url}/{step}", body, status=404)
        stranger.client.get(f"{API}/courses/{course.id}/payments", status=403)
    school.client.get(url, status=404)
    payer.client.post_json(f"{url}/refund", {}, status=403)
    payer.client.post_json(f"{url}/confirm", {}, status=403)
    assert payer.client.get(url).json["user"] is not None
    assert admin.client.get(url).json["reference"] == stripe.session["id"]
    assert payer.client.get(url).json["reference"] is None
    with statements() as seen:
        mine = payer.client.get(f"{API}/users/me/payments").json["items"]
    assert seen.count <= 2, seen
    assert [each["id"] for each in mine] == [payment["reference"]]
    assert other.client.get(f"{API}/users/me/payments").json["items"] == []
    other.client.get(f"{API}/payments", status=403)
    assert len(admin.client.get(f"{API}/payments?status=paid").json["items"]) == 1
    assert admin.client.get(f"{API}/payments?status=refunded").json["items"] == []
    assert len(school.owner.client.get(f"{API}/courses/{course.id}/payments").json["items"]) == 1
    admin.client.get(f"{API}/payments/{uuid.uuid4()}", status=404)


def test_no_refund_is_forgotten(school, stripe, core):
    payer, payment = school.paid(school.course())
    school.owner.client.post_json(f"{API}/payments/{payment['reference']}/refund", {"reason": "Ill"})
    stripe.down = True
    school.run("payments.refund")
    school.run("payments.refund")
    assert payer.read(payment)["refundDue"] is True
    assert count(core, PaymentRefund, PaymentRefund.attempts == 1) == 1
    stripe.down = False
    stripe.deaf_after = 0
    change(core, PaymentRefund, next_at=func.now())
    school.run("payments.refund")
    change(core, PaymentRefund, next_at=func.now())
    school.run("payments.refund")
    assert payer.read(payment)["status"] == "refunded"
    assert stripe.charges[stripe.session["payment_intent"]]["amount_refunded"] == 4900
    assert school.enrollment(payer) == "dropped"


def test_one_refund_that_cannot_be_made_keeps_no_other_from_it(school, stripe, core):
    """Be it an amount that its currency does not have, which nobody can ask for any more."""
    _first, wrong = school.paid(school.course(price="1000", currency="JPY"))
    url = f"{API}/payments/{wrong['reference']}/refund"
    refused = school.owner.client.post_json(url, {"amount": "10.50"}, status=422)
    assert refused.json["code"] == "amount_too_fine"
    school.owner.client.post_json(url, {"amount": "10"})
    change(core, PaymentRefund, amount="10.50")
    payer, payment = school.paid(school.course())
    school.owner.client.post_json(f"{API}/payments/{payment['reference']}/refund", {})
    school.run("payments.refund")
    assert payer.read(payment)["status"] == "refunded"
    assert count(core, PaymentRefund, PaymentRefund.attempts == 1, PaymentRefund.status == "requested") == 1


def test_one_payment_that_cannot_be_looked_up_keeps_no_other_from_it(school, stripe, core):
    course = school.course()
    _odd, _payment = school.begun(course)
    del stripe.session["payment_status"]
    payer, payment = school.begun(course)
    stripe.pay()
    change(core, Payment, expires_at=func.now())
    school.run("payments.reconcile")
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")


def test_a_refund_that_nobody_can_make_is_said(school, stripe, core):
    _payer, payment = school.paid(school.course())
    school.owner.client.post_json(f"{API}/payments/{payment['reference']}/refund", {})
    stripe.down = True
    change(core, PaymentRefund, attempts=9)
    school.run("payments.refund")
    assert count(core, PaymentRefund, PaymentRefund.status == "failed") == 1
    assert school.payment(payment).status == "paid"
