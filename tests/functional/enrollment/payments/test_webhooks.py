"""What gateways tell: whom we believe, what is told twice, in the wrong order, or wrongly, and what nobody tells."""

import datetime as dt
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.models import Payment, PaymentEvent
from lms_core.kernel.models import Outbox
from tests.fixtures.fake_stripe import SECRETS, signed

API = "/api/v1"
URL = f"{API}/payments/webhooks/stripe"


def outcomes(core):
    with core.reader() as db:
        return list(db.scalars(select(PaymentEvent.outcome).order_by(PaymentEvent.created_at)))


def published(core, name):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(Outbox).where(Outbox.name == name))


def back_date(core, **values):
    """Without the trigger that says when a row was changed."""
    with core.transaction() as db:
        db.execute(select(func.set_config("session_replication_role", "replica", True)))
        db.execute(update(Payment).values(**values))


def test_whom_we_do_not_believe(school, stripe, core):
    payer, payment = school.begun(school.course())
    event = stripe.pay()
    body, headers = signed(event)
    refused = [
        school.tell(event, secret="whsec_of_somebody_else", status=400),
        school.tell(event, at=time.time() - 301, status=400),
        school.client.send("POST", URL, body.replace(b"4900", b"9900"), headers=headers, status=400),
        school.client.send("POST", URL, body, status=400),
    ]
    malformed = ("", "x", "t=1", "v1=aa", "t=x,v1=aa", f"t={int(time.time())}", "t=1,v1=", "=,=", "\xff", "t" * 9000)
    refused += [
        school.client.send("POST", URL, body, headers={"Stripe-Signature": header}, status=400) for header in malformed
    ]
    assert {each.json["code"] for each in refused} == {"webhook_refused"}
    assert payer.read(payment)["status"] == "pending"
    assert outcomes(core) == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 50_000, b'{"type": []}', b'"x"'])
def test_bodies_that_are_no_event(school, body):
    for sent in (body, b'{"id":"e","type":"charge.refunded","data":{"object":{"currency":"eur"}}}'):
        signed_body, headers = signed(sent)
        answer = school.client.send("POST", URL, signed_body, headers=headers, status=400)
        assert answer.json["code"] == "webhook_refused"


def test_a_body_too_large_is_not_read(school):
    body, headers = signed(b"x" * (1 << 20) + b"y")
    assert school.client.send("POST", URL, body, headers=headers, status=413).json["code"] == "too_large"


def test_either_secret_signs_while_one_takes_the_others_place(school, stripe):
    for secret in SECRETS:
        payer, payment = school.begun(school.course())
        school.tell(stripe.pay(), secret=secret)
        assert payer.read(payment)["status"] == "paid"


def test_only_gateways_that_tell_something_listen(school, stripe, make_app):
    _payer, _payment = school.begun(school.course())
    body, headers = signed(stripe.pay())
    for name in ("manual", "nobody", "Stripe", "a" * 51, "%00"):
        school.client.send("POST", f"{API}/payments/webhooks/{name}", body, headers=headers, status=404)
    make_app().send("POST", URL, body, headers=headers, status=404)
    school.client.get(URL, status=405)


def test_told_twice_is_told_once(school, stripe, core):
    payer, payment = school.begun(school.course())
    event = stripe.pay()
    for _time in range(3):
        school.tell(event)
    # Another event that says the same.
    school.tell({**event, "id": "evt_other", "type": "checkout.session.async_payment_succeeded"})
    assert outcomes(core) == ["paid", "known"]
    assert published(core, "enrollment.payment_received") == 1
    assert published(core, "enrollment.enrolled") == 1
    assert payer.read(payment)["status"] == "paid"


def test_told_by_many_at_once(school, stripe, core):
    course = school.course()
    payer, payment = school.begun(course)
    event = stripe.pay()
    events = [event] * 4 + [{**event, "id": f"evt_twin_{number}"} for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(school.tell, events))
    assert sorted(outcomes(core)) == ["known"] * 4 + ["paid"]
    assert published(core, "enrollment.enrolled") == 1
    assert school.enrollment(payer) == "active"
    assert payer.read(payment)["status"] == "paid"


def test_a_race_of_paying_refunding_and_expiring(school, stripe, core):
    course = school.course()
    payer, payment = school.begun(course)
    session = dict(stripe.session)
    paid = stripe.pay()
    events = [paid, stripe.give_back(), stripe.event("checkout.session.expired", session)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(school.tell, events))
    assert payer.read(payment)["status"] == "refunded"
    assert school.enrollment(payer) in (None, "dropped")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_in_any_order_it_ends_the_same(school, stripe, order):
    payer, payment = school.begun(school.course())
    session = dict(stripe.session)
    events = [stripe.pay(), stripe.give_back(), stripe.event("checkout.session.expired", session)]
    for number in order:
        school.tell(events[number])
    made = payer.read(payment)
    assert (made["status"], made["refunded"]) == ("refunded", "49.00")
    assert school.enrollment(payer) in (None, "dropped")


def test_expired_after_paid_changes_nothing(school, stripe):
    payer, payment = school.begun(school.course())
    session = dict(stripe.session)
    school.tell(stripe.pay())
    school.tell(stripe.event("checkout.session.expired", session))
    school.tell(stripe.event("checkout.session.async_payment_failed", session))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")


def test_what_is_paid_later_is_paid_when_it_is(school, stripe):
    payer, payment = school.begun(school.course())
    paid = stripe.pay()
    unpaid = {**stripe.session, "payment_status": "unpaid"}
    school.tell(stripe.event("checkout.session.completed", unpaid))
    assert payer.read(payment)["status"] == "pending"
    school.tell({**paid, "type": "checkout.session.async_payment_succeeded"})
    assert payer.read(payment)["status"] == "paid"
    other, payment = school.begun(school.course())
    school.tell(stripe.event("checkout.session.async_payment_failed", stripe.session))
    assert (other.read(payment)["status"], other.read(payment)["placeUntil"]) == ("failed", None)


def test_part_of_it_back_takes_nothing_away(school, stripe, core):
    payer, payment = school.paid(school.course())
    school.tell(stripe.give_back(1900))
    made = payer.read(payment)
    assert (made["status"], made["refunded"], school.enrollment(payer)) == ("partly_refunded", "19.00", "active")
    school.tell(stripe.give_back())
    made = payer.read(payment)
    assert (made["status"], made["refunded"], school.enrollment(payer)) == ("refunded", "49.00", "dropped")
    with core.reader() as db:
        assert db.scalar(select(Enrollment.dropped_reason)) == "The payment was refunded."
    assert published(core, "enrollment.payment_refunded") == 2


@pytest.mark.parametrize("change", [{"amount_total": 100}, {"amount_total": 4901}, {"currency": "usd"}])
def test_another_amount_lets_nobody_in(school, stripe, core, change):
    payer, payment = school.begun(school.course())
    school.tell(stripe.pay(**change))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("mismatched", None)
    assert published(core, "enrollment.payment_needs_attention") == 1
    assert published(core, "enrollment.payment_received") == 0
    school.owner.client.post_json(f"{API}/payments/{payment['reference']}/refund", {"amount": "1.00"})
    school.run("payments.refund")
    charge = stripe.charges[stripe.session["payment_intent"]]
    assert charge["amount_refunded"] == charge["amount"]
    school.tell(stripe.event("charge.refunded", charge))
    assert payer.read(payment)["status"] == "refunded"


def test_what_is_none_of_ours_is_passed_by(school, stripe, core):
    payer, payment = school.begun(school.course())
    event = stripe.pay()
    session = event["data"]["object"]
    others = {"metadata": {}}, {"metadata": None}, {"metadata": {"payment_id": "x"}}
    for number, other in enumerate(others):
        school.tell({**event, "id": f"evt_o{number}", "data": {"object": {**session, "id": "cs_other", **other}}})
    # Our payment's name on another checkout.
    school.tell({**event, "id": "evt_stolen", "data": {"object": {**session, "id": "cs_other"}}})
    school.tell(stripe.event("customer.created", {"id": "cus_1"}))
    assert outcomes(core) == ["unknown"] * 4
    assert payer.read(payment)["status"] == "pending"
    # A payment that nobody asked this gateway for.
    by_hand = school.person()
    asked = by_hand.ask(school.course())
    by_hand.check_out(asked, "manual")
    named = {**session, "id": "cs_new", "metadata": {"payment_id": asked["reference"]}}
    school.tell(stripe.event("checkout.session.completed", named))
    assert by_hand.read(asked)["status"] == "pending"


def test_a_webhook_that_overtakes_the_answer(school, stripe, core):
    """The checkout's reference is not stored yet, and the payment is known by its id."""
    payer, payment = school.begun(school.course())
    with core.transaction() as db:
        db.execute(update(Payment).values(reference=None, checkout_url=None))
    school.tell(stripe.pay())
    assert payer.read(payment)["status"] == "paid"
    assert school.payment(payment).reference == stripe.session["id"]


def test_a_dispute_keeps_out_until_it_is_decided(school, stripe, core):
    payer, payment = school.paid(school.course())
    school.tell(stripe.dispute("created"))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("disputed", "suspended")
    assert published(core, "enrollment.payment_needs_attention") == 1
    school.tell(stripe.dispute("closed", "won"))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")
    school.tell(stripe.dispute("created", number=2))
    school.tell(stripe.dispute("closed", "lost", number=2))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("refunded", "dropped")


def test_the_beginning_of_a_dispute_told_after_its_end_keeps_nobody_out(school, stripe):
    payer, payment = school.paid(school.course())
    school.tell(stripe.dispute("closed", "won"))
    school.tell(stripe.dispute("created"))
    school.tell(stripe.dispute("updated", "under_review"))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")


def test_an_inquiry_of_a_bank_takes_nothing_until_it_is_a_dispute(school, stripe, core):
    payer, payment = school.paid(school.course())
    for kind, status in (
        ("created", "warning_needs_response"), ("updated", "warning_under_review"), ("closed", "warning_closed")
    ):  # fmt: skip
        school.tell(stripe.dispute(kind, status))
        assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")
    school.tell(stripe.dispute("created", "warning_needs_response", number=2))
    school.tell(stripe.dispute("updated", "needs_response", number=2))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("disputed", "suspended")
    school.tell(stripe.dispute("closed", "prevented", number=2))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "active")


def test_who_was_suspended_for_another_reason_stays_so(school, stripe, core):
    payer, payment = school.paid(school.course())
    enrollment = payer.read(payment)["enrollmentId"]
    school.owner.client.post_json(f"{API}/enrollments/{enrollment}/suspend", {"reason": "Cheated."})
    school.tell(stripe.dispute("created"))
    school.tell(stripe.dispute("closed", "won"))
    assert (payer.read(payment)["status"], school.enrollment(payer)) == ("paid", "suspended")


def test_a_webhook_takes_no_idempotency_key(school, stripe, core):
    _payer, _payment = school.begun(school.course())
    for event in (stripe.pay(), stripe.give_back()):
        body, headers = signed(event)
        school.client.send("POST", URL, body, headers={**headers, "Idempotency-Key": "same"}, status=204)
    assert outcomes(core) == ["paid", "refunded"]


def test_what_the_webhook_did_not_tell_is_asked(school, stripe, core):
    course = school.course()
    paid, first = school.begun(course)
    stripe.pay()
    ended, second = school.begun(course)
    stripe.expire()
    waiting, third = school.begun(course)
    school.run("payments.reconcile")
    assert paid.read(first)["status"] == "pending"
    back_date(core, updated_at=core.clock() - dt.timedelta(minutes=11))
    stripe.down = True
    school.run("payments.reconcile")
    assert paid.read(first)["status"] == "pending"
    stripe.down = False
    back_date(core, updated_at=core.clock() - dt.timedelta(minutes=11), checked_at=None)
    school.run("payments.reconcile")
    assert (paid.read(first)["status"], school.enrollment(paid)) == ("paid", "active")
    assert ended.read(second)["status"] == "expired"
    assert waiting.read(third)["status"] == "pending"


def test_what_nobody_paid_is_closed(school, stripe, core):
    course = school.course(max_students=3)
    asked, first = school.person(), None
    first = asked.ask(course)
    open_there, second = school.begun(course)
    by_hand = school.person()
    third = by_hand.ask(course)
    by_hand.check_out(third, "manual")
    back_date(core, expires_at=core.clock() - dt.timedelta(minutes=1), place_until=core.clock())
    school.run("payments.reconcile")
    for payer, payment in ((asked, first), (open_there, second), (by_hand, third)):
        assert payer.read(payment)["status"] == "expired"
    assert stripe.session["status"] == "expired"
    assert school.payment(second).open_at_gateway is False


def test_what_was_cancelled_here_is_closed_there(school, stripe):
    payer, payment = school.begun(school.course())
    payer.client.post(f"{API}/payments/{payment['reference']}/cancel")
    school.run("payments.reconcile")
    assert stripe.session["status"] == "expired"
    assert school.payment(payment).open_at_gateway is False


def test_a_crash_between_asking_and_storing_is_repaired(school, stripe, core):
    payer, payment = school.begun(school.course())
    back_date(core, reference=None, checkout_url=None, updated_at=core.clock() - dt.timedelta(minutes=11))
    school.run("payments.reconcile")
    assert school.payment(payment).reference == stripe.session["id"]
    assert payer.check_out(payment)["checkoutUrl"] == stripe.session["url"]
    assert len(stripe.sessions) == 1


def test_no_secret_and_no_card_is_kept(school, stripe, core):
    school.paid(school.course())
    with core.reader() as db:
        kept = json.dumps([list(map(str, row)) for row in db.execute(select(PaymentEvent.__table__))])
        kept += json.dumps([list(map(str, row)) for row in db.execute(select(Payment.__table__))])
    assert "whsec" not in kept
    assert "sk_test" not in kept
    assert "card" not in kept
