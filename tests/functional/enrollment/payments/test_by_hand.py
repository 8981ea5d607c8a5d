"""Payments by hand, what staff may do about payments, vouchers, and whom is told of what."""

import email
import email.policy
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.models import Payment, Voucher
from lms_core.kernel.models import AuditLog
from lms_core.testing.courses import make_course

API = "/api/v1"


def used(core, code):
    with core.reader() as db:
        return db.scalar(select(Voucher.used_count).where(Voucher.code == code))


def voucher(school, course=None, client=None, status=201, **values):
    url = f"{API}/courses/{course.id}/vouchers" if course is not None else f"{API}/vouchers"
    caller = client or (school.owner.client if course is not None else school.person("admin").client)
    return caller.post_json(url, values, status=status).json


# By hand.


def test_staff_say_that_the_money_has_come(school, core):
    course, payer = school.course(max_students=1), school.person()
    payment = payer.ask(course)
    checkout = payer.check_out(payment, "manual")
    assert checkout["checkoutUrl"] is None
    assert checkout["instructions"] == f"Transfer it and name {checkout['reference']}."
    assert payer.check_out(payment, "manual")["reference"] == checkout["reference"]
    with core.transaction() as db:
        db.execute(update(Payment).values(status="expired", place_until=None))
        db.execute(update(Course).values(enrolled_count=1))
    url = f"{API}/payments/{payment['reference']}"
    made = school.owner.client.post_json(f"{url}/confirm", {"note": "Came on Monday."}).json
    assert (made["status"], made["note"], made["reference"]) == ("paid", "Came on Monday.", checkout["reference"])
    assert school.enrollment(payer) == "active"
    assert school.owner.client.post_json(f"{url}/confirm", {}, status=409).json["code"] == "payment_made"
    assert payer.read(payment)["note"] is None
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(AuditLog).where(AuditLog.action == "payments.confirm")) == 1


def test_what_a_gateway_tells_nobody_else_may_say(school):
    _payer, payment = school.begun(school.course())
    refused = school.owner.client.post_json(f"{API}/payments/{payment['reference']}/confirm", {}, status=409)
    assert refused.json["code"] == "not_by_hand"


def test_a_payment_that_nobody_asked_for(school, stripe):
    course = school.course()
    payer = school.person(email="cash@xn--mller-kva.example")
    url = f"{API}/courses/{course.id}/payments"
    made = school.owner.client.post_json(url, {"email": "Cash@Müller.example", "amount": "20.00"}, status=201)
    assert (made.json["amount"], made.json["price"], made.json["gateway"]) == ("20.00", "49.00", "manual")
    assert school.owner.client.get(made.headers["Location"]).json["user"]["id"] == str(payer.id)
    assert school.enrollment(payer) == "active"
    again = school.owner.client.post_json(url, {"userId": str(payer.id)}, status=409)
    assert again.json["code"] == "already_enrolled"
    for body in ({"email": "nobody@example.org"}, {"userId": str(uuid.uuid4())}):
        refused = school.owner.client.post_json(url, body, status=422)
        assert refused.json["code"] == "user_unknown"
    for body in (
        {},
        {"amount": "5"},
        {"userId": str(payer.id), "email": "x"},
        {"userId": str(payer.id), "amount": "-1"},
    ):
        school.owner.client.post_json(url, body, status=422)
    begun, first = school.begun(course)
    session = stripe.session
    school.owner.client.post_json(url, {"userId": str(begun.id)}, status=201)
    assert begun.read(first)["status"] == "cancelled"
    school.tell(stripe.pay(session))
    school.run("payments.refund")
    assert begun.read(first)["status"] == "refunded"
    assert school.enrollment(begun) == "active"


def test_who_may_not_see_addresses_finds_nobody_by_one(school):
    """Whoever may record payments would learn from it who has an account."""
    course, helper, payer = school.course(), school.person("instructor"), school.person(email="here@example.org")
    staff = f"{API}/courses/{course.id}/staff"
    given = {"payments:update": True, "rosters:contact": False}
    body = {"userId": str(helper.id), "role": "teaching_assistant", "permissions": given}
    school.owner.client.post_json(staff, body, status=201)
    url = f"{API}/courses/{course.id}/payments"
    for address in ("here@example.org", "nobody@example.org"):
        refused = helper.client.post_json(url, {"email": address}, status=403)
        assert refused.json["code"] == "contact_needed"
    helper.client.post_json(url, {"userId": str(payer.id)}, status=201)


def test_what_is_recorded_is_whole_or_not_at_all(school, core):
    course, payer = school.course(), school.person()
    with core.transaction() as db:
        db.add(Enrollment(user_id=payer.id, course_id=course.id, status="suspended"))
    url = f"{API}/courses/{course.id}/payments"
    refused = school.owner.client.post_json(url, {"userId": str(payer.id)}, status=409)
    assert refused.json["code"] == "enrollment_suspended"
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Payment)) == 0


def test_money_goes_back_by_hand_at_once(school):
    course, payer = school.course(), school.person()
    body = {"userId": str(payer.id)}
    made = school.owner.client.post_json(f"{API}/courses/{course.id}/payments", body, status=201).json
    url = f"{API}/payments/{made['id']}/refund"
    assert school.owner.client.post_json(url, {"amount": "9.00"}).json["status"] == "partly_refunded"
    too_much = school.owner.client.post_json(url, {"amount": "40.01"}, status=422)
    assert too_much.json["code"] == "amount_too_high"
    back = school.owner.client.post_json(url, {}).json
    assert (back["status"], back["refunded"], back["refundDue"]) == ("refunded", "49.00", False)
    assert school.enrollment(payer) == "dropped"
    assert school.owner.client.post_json(url, {}, status=409).json["code"] == "nothing_to_refund"


def test_no_more_goes_back_than_came(school, stripe):
    _payer, payment = school.paid(school.course())
    url = f"{API}/payments/{payment['reference']}/refund"
    token = school.owner.client.authorization[1]

    def refund(_number):
        client = school.client.bearer(token)
        return client.post_json(url, {"amount": "20.00"}, expect_errors=True).status_int

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(refund, range(6))) == [200] * 2 + [422] * 4
    school.run("payments.refund")
    assert stripe.charges[stripe.session["payment_intent"]]["amount_refunded"] == 4000


def test_money_is_the_owners_affair_unless_shared(school):
    course, helper = school.course(), school.person("instructor")
    staff = f"{API}/courses/{course.id}/staff"
    body = {"userId": str(helper.id), "role": "co_instructor"}
    school.owner.client.post_json(staff, body, status=201)
    helper.client.get(f"{API}/courses/{course.id}/payments", status=403)
    helper.client.post_json(f"{API}/courses/{course.id}/vouchers", {"percent": 100}, status=403)
    given = {"permissions": {"payments:read": True, "payments:update": True}}
    school.owner.client.put_json(f"{staff}/{helper.id}", given)
    helper.client.get(f"{API}/courses/{course.id}/payments")
    voucher(school, course, helper.client, percent=10)
    _payer, payment = school.begun(course)
    helper.client.post(f"{API}/payments/{payment['reference']}/cancel")
    other = school.person("instructor")
    other.client.get(f"{API}/courses/{course.id}/payments", status=403)


# Vouchers.


def test_a_voucher_lowers_the_price(school, stripe, core):
    course = school.course()
    made = voucher(school, course, code=" spring-26 ", percent=15, maxUses=5)
    assert (made["code"], made["usedCount"]) == ("SPRING-26", 0)
    payer, payment = school.begun(course, voucher="Spring-26")
    assert (payment["amount"], stripe.session["amount_total"]) == ("41.65", 4165)
    assert used(core, "SPRING-26") == 1
    assert payer.ask(course, voucher="spring-26") == payer.ask(course)
    school.tell(stripe.pay())
    made = payer.read(payment)
    assert (made["status"], made["price"], made["amount"]) == ("paid", "49.00", "41.65")
    assert used(core, "SPRING-26") == 1


def test_a_voucher_for_all_of_it_needs_no_gateway(school, core, deliver):
    course = school.course()
    voucher(school, course, code="FREE", percent=100, maxUses=1)
    payer = school.person()
    enrollment = payer.enroll(course, status=201, voucher="free")
    deliver()
    [made] = payer.client.get(f"{API}/users/me/payments").json["items"]
    assert (made["status"], made["amount"], made["enrollmentId"]) == ("paid", "0.00", enrollment["id"])
    refused = school.owner.client.post_json(f"{API}/payments/{made['id']}/refund", {}, status=409)
    assert refused.json["code"] == "nothing_to_refund"
    assert school.person().enroll(course, status=422, voucher="free")["code"] == "voucher_invalid"


def test_the_last_use_is_had_once(school, core):
    course = school.course()
    voucher(school, course, code="LAST", percent=100, maxUses=2)
    payers = [school.person() for _payer in range(8)]

    def apply(payer):
        body = {"courseId": str(course.id), "voucher": "LAST"}
        return payer.client.post_json(f"{API}/enrollments", body, expect_errors=True).status_int

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(apply, payers)) == [201] * 2 + [422] * 6
    assert used(core, "LAST") == 2


def test_a_use_that_came_to_nothing_is_given_back(school, stripe, core):
    course = school.course()
    voucher(school, course, code="BACK", percent=10)
    payer, payment = school.begun(course, voucher="BACK")
    payer.client.post(f"{API}/payments/{payment['reference']}/cancel")
    assert used(core, "BACK") == 0
    school.tell(stripe.pay())
    assert used(core, "BACK") == 1
    other = school.person()
    other.ask(course, voucher="BACK")
    with core.transaction() as db:
        db.execute(update(Payment).where(Payment.status == "pending").values(expires_at=core.clock()))
    school.run("payments.reconcile")
    assert used(core, "BACK") == 1


def test_a_voucher_that_comes_later_begins_anew(school, stripe):
    course = school.course()
    voucher(school, course, code="LATER", amount="9.00", currency="EUR")
    payer, first = school.begun(course)
    second = payer.ask(course, voucher="LATER")
    assert (second["amount"], second["checkoutUrl"]) == ("40.00", None)
    assert payer.read(first)["status"] == "cancelled"


@pytest.mark.parametrize(
    "values",
    [
        {"validFrom": "2999-01-01T00:00:00Z"},
        {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2020-01-02T00:00:00Z"},
        {"amount": "5", "currency": "USD"},
    ],
)
def test_a_voucher_that_does_not_hold(school, core, values):
    course = school.course()
    worth = {} if "amount" in values else {"percent": 50}
    voucher(school, course, code="NOT-NOW", **worth, **values)
    refused = school.person().enroll(course, status=422, voucher="NOT-NOW")
    assert (refused["code"], list(refused["errors"])) == ("voucher_invalid", ["voucher"])
    assert used(core, "NOT-NOW") == 0
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Payment)) == 0


def test_whose_voucher_holds_where(school):
    mine, other = school.course(), school.course()
    voucher(school, mine, code="MINE", percent=50)
    voucher(school, code="EVERYWHERE", percent=50)
    assert school.person().enroll(other, status=422, voucher="MINE")["code"] == "voucher_invalid"
    for course in (mine, other):
        assert school.person().ask(course, voucher="everywhere")["amount"] == "24.50"
    assert school.person().ask(school.course(price="999", currency="JPY"), voucher="EVERYWHERE")["amount"] == "500.00"
    voucher(school, client=school.owner.client, status=403, percent=50)
    for hostile in ("", "x" * 51, "\x00", 5, ["MINE"], {"code": "MINE"}):
        school.person().enroll(mine, status=422, voucher=hostile)


def test_vouchers_are_seen_by_who_made_them(school, core):
    course = school.course()
    made = voucher(school, course, percent=5, description="Friends")
    assert len(made["code"]) == 14
    url = f"{API}/vouchers/{made['id']}"
    assert school.owner.client.get(url).json == made
    assert school.owner.client.get(f"{API}/courses/{course.id}/vouchers").json["items"] == [made]
    for stranger in (school.person(), school.person("instructor")):
        stranger.client.get(url, status=404)
        stranger.client.delete(url, status=404)
        stranger.client.get(f"{API}/courses/{course.id}/vouchers", status=403)
        stranger.client.get(f"{API}/vouchers", status=403)
    general = voucher(school, percent=5)
    school.owner.client.get(f"{API}/vouchers/{general['id']}", status=404)
    assert school.person("admin").client.get(f"{API}/vouchers").json["items"] == [general]
    payer, payment = school.begun(course, voucher=made["code"])
    school.owner.client.delete(url, status=204)
    school.owner.client.get(url, status=404)
    assert payer.read(payment)["amount"] == "46.55"


@pytest.mark.parametrize(
    "values",
    [
        {}, {"percent": 0}, {"percent": 101}, {"percent": 5, "amount": "5", "currency": "EUR"}, {"amount": "5"},
        {"amount": "0", "currency": "EUR"}, {"percent": 5, "currency": "EUR"}, {"percent": 5, "maxUses": 0},
        {"percent": 5, "code": "x"}, {"percent": 5, "code": "a b c d"}, {"percent": 5.5},
        {"percent": 5, "validFrom": "2026-02-01T00:00:00Z", "validUntil": "2026-01-01T00:00:00Z"},
        {"percent": 5, "validUntil": "2001-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_a_voucher_that_makes_no_sense(school, values):
    voucher(school, school.course(), status=422, **values)


def test_the_codes_of_others_are_nobodys_affair(school, core):
    """A code is its course's own: making one says nothing of which there are. Of two, the course's own counts."""
    course, other, admin = school.course(), school.person("instructor"), school.person("admin")
    theirs = make_course(core, other.id, price="49", currency="EUR", enrollment_type="payment")
    everywhere = {"code": "SPRING", "percent": 50, "maxUses": 1}
    admin.client.post_json(f"{API}/vouchers", everywhere, status=201)
    assert admin.client.post_json(f"{API}/vouchers", everywhere, status=409).json["code"] == "voucher_code_taken"
    for client, where in ((school.owner.client, course), (other.client, theirs)):
        body = {"code": "spring", "percent": 10, "maxUses": 1}
        client.post_json(f"{API}/courses/{where.id}/vouchers", body, status=201)
        client.post_json(f"{API}/courses/{where.id}/vouchers", body, status=409)
    asked = [school.person().enroll(course, status="*", voucher="SPRING") for _number in range(3)]
    assert [each["payment"]["amount"] for each in asked[:2]] == ["44.10", "24.50"]
    assert asked[2]["code"] == "voucher_invalid"


def test_vouchers_cannot_be_tried_out(make_app, school):
    client = make_app(lms__ratelimit__enabled=True, lms__ratelimit__voucher_account="2/hour")
    caller = client.bearer(school.person().client.authorization[1])
    body = {"courseId": str(school.course().id), "voucher": "GUESS"}
    for status in (422, 422, 429):
        caller.post_json(f"{API}/enrollments", body, status=status)


# Who is told.


def mails(core, subject):
    paths = sorted((core.settings.data / "mail").glob("*.eml"))
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    return [mail for mail in found if subject in mail["Subject"]]


def test_who_has_paid_gets_a_receipt(school, stripe, core, deliver):
    course = school.course(title="Bread & Wine")
    payer = school.person(preferred_language="de")
    payment = payer.ask(course)
    payer.check_out(payment)
    school.tell(stripe.pay())
    while deliver():
        pass
    [mail] = mails(core, "Ihre Zahlung für Bread & Wine")
    text = mail.get_body(("plain",)).get_content()
    assert "49.00 EUR" in text
    assert payment["reference"] in text
    school.tell(stripe.give_back(1000))
    while deliver():
        pass
    [mail] = mails(core, "Geld zurück für Bread & Wine")
    assert "10.00 von 49.00 EUR" in mail.get_body(("plain",)).get_content()
    kinds = [each["type"] for each in payer.client.get(f"{API}/notifications").json["items"]]
    assert {"payment_received", "payment_refunded", "enrollment_accepted"} <= set(kinds)


def test_administrators_are_told_what_needs_them(school, stripe, deliver):
    admin = school.person("admin")
    _payer, payment = school.begun(school.course())
    school.tell(stripe.pay(amount_total=1))
    while deliver():
        pass
    [told] = admin.client.get(f"{API}/notifications").json["items"]
    assert (told["type"], told["data"]["problem"]) == ("payment_needs_attention", "amount_mismatch")
    assert told["data"]["paymentId"] == payment["reference"]
    others = school.owner.client.get(f"{API}/notifications").json["items"]
    assert "payment_needs_attention" not in [each["type"] for each in others]
