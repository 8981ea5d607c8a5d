"""Money that went back and could not be delivered; and what is forgotten of what gateways told."""

import datetime as dt
import json

import pytest
from sqlalchemy import func, select, update

from lms_core.enrollment.payments.models import PaymentEvent, PaymentRefund
from lms_core.kernel.models import Outbox

API = "/api/v1"


@pytest.fixture
def admin(school):
    return school.person("admin")


@pytest.fixture
def refund(school, stripe):
    """``refund(payment, amount="9.00")``: given back by the owner of the course; Stripe's own record of it."""

    def give(payment, **values):
        school.owner.client.post_json(f"{API}/payments/{payment['reference']}/refund", values)
        school.run("payments.refund")
        return stripe.refunds[-1]

    return give


def problems(core):
    with core.reader() as db:
        told = db.scalars(
            select(Outbox.payload["problem"].astext).where(Outbox.name == "enrollment.payment_needs_attention")
        )
        return list(told)


def seen(admin, payment):
    shown = admin.client.get(f"{API}/payments/{payment['reference']}").json
    return shown["status"], shown["refunded"], shown["refundFailed"]


def test_what_comes_again_is_paid_again_and_somebody_is_told(school, stripe, core, admin, refund):
    payer, payment = school.paid(school.course())
    made = refund(payment)
    assert seen(admin, payment) == ("refunded", "49.00", False)
    school.tell(stripe.come_again(made))
    assert seen(admin, payment) == ("paid", "0.00", True)
    assert school.enrollment(payer) == "dropped", "that it was to be refunded has not changed"
    assert problems(core) == ["refund_failed"]
    mine = payer.read(payment)
    assert (mine["status"], mine["refundFailed"]) == ("paid", None)
    refund(payment)
    assert seen(admin, payment) == ("refunded", "49.00", False)


def test_it_is_told_in_several_ways_and_counts_once(school, stripe, core, admin, refund):
    _payer, payment = school.paid(school.course())
    first = refund(payment, amount="9.00")
    failed = stripe.come_again(first)
    second = refund(payment, amount="20.00")
    for kind in ("refund.failed", "charge.refund.updated", "refund.updated"):
        school.tell({**failed, "id": f"evt_{kind}", "type": kind})
        school.tell({**failed, "id": f"evt_{kind}", "type": kind})
    assert seen(admin, payment) == ("partly_refunded", "20.00", True), "as Stripe has it"
    assert problems(core) == ["refund_failed"]
    school.tell(stripe.event("refund.updated", {**second, "status": "succeeded"}))
    assert seen(admin, payment)[:2] == ("partly_refunded", "20.00")
    with core.reader() as db:
        assert sorted(db.scalars(select(PaymentRefund.status))) == ["done", "failed"]


def test_one_that_was_made_at_stripe_is_followed_too(school, stripe, core, admin):
    payer, payment = school.paid(school.course())
    school.tell(stripe.give_back())
    assert school.enrollment(payer) == "dropped"
    intent = stripe.session["payment_intent"]
    theirs = {"id": "re_theirs", "object": "refund", "amount": 4900, "currency": "eur", "payment_intent": intent}
    school.tell(stripe.come_again(theirs))
    assert seen(admin, payment) == ("paid", "0.00", True)
    assert problems(core) == ["refund_failed"]


def test_a_refund_of_something_else_changes_nothing(school, stripe, core, admin, refund):
    _payer, payment = school.paid(school.course())
    made = refund(payment, amount="9.00")
    failed = stripe.event("refund.failed", {**made, "status": "failed", "payment_intent": "pi_of_another"})
    school.tell(failed)
    assert seen(admin, payment) == ("partly_refunded", "9.00", False)
    assert problems(core) == []


def test_what_came_wrongly_is_so_again(school, stripe, core, admin, refund):
    payer, payment = school.begun(school.course())
    school.tell(stripe.pay(amount_total=100))
    assert seen(admin, payment) == ("mismatched", "0.00", False)
    made = refund(payment)
    assert seen(admin, payment)[0] == "refunded"
    school.tell(stripe.come_again(made))
    assert seen(admin, payment) == ("mismatched", "0.00", True)
    assert school.enrollment(payer) is None


def test_a_refund_that_fails_before_the_answer_is_not_done_by_it(school, stripe, core, admin, refund):
    _payer, payment = school.paid(school.course())
    made = refund(payment)
    with core.transaction() as db:
        db.execute(update(PaymentRefund).values(status="requested", reference=None))
    school.tell(stripe.come_again(made))
    school.run("payments.refund")
    with core.reader() as db:
        assert db.scalar(select(PaymentRefund.status)) == "failed"
    assert problems(core) == ["refund_failed"]


def test_what_gateways_told_long_ago_is_forgotten(school, stripe, core, admin):
    _payer, payment = school.paid(school.course())
    paid = json.loads(json.dumps(stripe.event("checkout.session.completed", stripe.session)))
    school.run("payments.prune")
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(PaymentEvent)) == 1
        db.execute(update(PaymentEvent).values(created_at=core.clock() - dt.timedelta(days=89)))
    school.run("payments.prune")
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(PaymentEvent)) == 1
        db.execute(update(PaymentEvent).values(created_at=core.clock() - dt.timedelta(days=91)))
    school.run("payments.prune")
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(PaymentEvent)) == 0
    school.tell(paid)
    assert seen(admin, payment)[0] == "paid", "told again after all, it changes nothing"
    with core.reader() as db:
        assert db.scalars(select(PaymentEvent.outcome)).all() == ["known"]
