"""Everything that asks a gateway: paying, what became of it, and giving back. No transaction is open meanwhile.

What is about to be asked is committed first, and what was answered afterwards. Who dies in between leaves a row from
which the same is asked again; gateways know by the payment's and the refund's ids that it is the same.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from lms_core.enrollment.payments import service
from lms_core.enrollment.payments.gateways import (
    Charge,
    Checkout,
    Gateways,
    GatewayUnavailable,
    PaymentGateway,
    gateway_of,
    gateway_unavailable,
)
from lms_core.enrollment.payments.models import CLOSED, Payment, PaymentRefund
from lms_core.enrollment.payments.vouchers import count_uses
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, LMSError, Unavailable
from lms_core.kernel.i18n import _

ASK_AFTER = dt.timedelta(minutes=10)
"""How long a payment may be open before its gateway is asked: until then its webhook may be on its way."""
MOST = 100
"""Payments, or refunds, that one run asks about."""
ATTEMPTS = 10
"""How often a gateway is asked for a refund; the last time some nine hours after the first."""


def check_out(core: Core, gateways: Gateways, payment_id: uuid.UUID, name: str) -> Mapping[str, Any]:
    """Let somebody pay through a gateway; asked again, the same checkout.

    Raises 404; 409 ``payment_closed``, ``gateway_unavailable``, ``gateway_chosen``; 503 ``payment_gateway_down``.
    """
    gateway = gateway_of(gateways, name)
    with core.transaction() as db:
        payment = _choose(db, core, gateway, payment_id)
        charge = charge_of(core, payment)
    checkout = Checkout(payment.reference, payment.checkout_url)
    if checkout.url is None:
        try:
            checkout = gateway.checkout(charge)
        except GatewayUnavailable as error:
            raise _down(name, error) from error
        with core.transaction() as db:
            _keep(db, payment_id, checkout)
    return {
        "payment_id": payment_id, "gateway": name, "checkout_url": checkout.url, "reference": checkout.reference,
        "instructions": checkout.instructions, "expires_at": payment.expires_at,
    }  # fmt: skip


def _choose(db: Session, core: Core, gateway: PaymentGateway, payment_id: uuid.UUID) -> Payment:
    """One payment has one gateway and one checkout, or it could be paid twice."""
    case, now = service.locked(db, core, payment_id), core.clock()
    payment = case.payment
    over = payment.expires_at is not None and payment.expires_at <= now
    if payment.status != "pending" or over or case.course is None or not case.course.in_catalog:
        raise Conflict("payment_closed", _("This payment cannot be made any more; begin anew."))
    if payment.gateway not in (None, gateway.name):
        raise Conflict("gateway_chosen", _("You have begun to pay another way; cancel that payment first."))
    if payment.gateway is None:
        if not gateway.serves(payment.amount, payment.currency):
            raise gateway_unavailable()
        hold = dt.timedelta(seconds=core.settings.seconds("lms.payments.hold"))
        payment.gateway, payment.open_at_gateway = gateway.name, not gateway.by_hand
        payment.place_until, payment.expires_at = now + hold, now + (gateway.lifetime or hold)
        db.flush()
    return payment


def _keep(db: Session, payment_id: uuid.UUID, checkout: Checkout) -> None:
    db.execute(
        update(Payment)
        .where(Payment.id == payment_id, or_(Payment.reference.is_(None), Payment.reference == checkout.reference))
        .values(reference=checkout.reference, checkout_url=checkout.url)
    )


def charge_of(core: Core, payment: Payment) -> Charge:
    """What a gateway is told of a payment: nothing that could be another the next time."""
    return Charge(
        payment_id=payment.id, course_id=payment.course_id or uuid.UUID(int=0), course_title=payment.course_title,
        amount=payment.amount, currency=payment.currency, expires_at=payment.expires_at or payment.created_at,
        success_url=_page(core, "lms.payments.success_url", payment),
        cancel_url=_page(core, "lms.payments.cancel_url", payment), reference=payment.reference, charge=payment.charge,
    )  # fmt: skip


def _page(core: Core, setting: str, payment: Payment) -> str:
    page = core.settings.text(setting)
    page = page.replace("{courseId}", str(payment.course_id)).replace("{paymentId}", str(payment.id))
    return page if "://" in page else core.settings.text("lms.url").rstrip("/") + page


def _down(name: str, error: GatewayUnavailable) -> LMSError:
    structlog.get_logger("lms.payments").warning("gateway_unavailable", gateway=name, error=repr(error.__cause__))
    message = _("The payment service does not answer; try again in a moment.")
    return Unavailable("payment_gateway_down", message, retry_after=10)


# What nobody has told us.


def close_due(core: Core, *, limit: int = 500) -> int:
    """Close payments that nobody made in time, where no gateway may have taken the money; answers how many."""
    now = core.clock()
    due = select(Payment.id).where(
        Payment.status == "pending", Payment.expires_at <= now, Payment.open_at_gateway.is_(False)
    )
    with core.transaction() as db:
        closed = db.execute(
            update(Payment)
            .where(Payment.id.in_(due.order_by(Payment.expires_at).limit(limit).with_for_update(skip_locked=True)))
            .values(status="expired", place_until=None)
            .returning(Payment.voucher_id),
            execution_options={"synchronize_session": False},
        ).all()
        count_uses(db, [row.voucher_id for row in closed], -1)
    return len(closed)


def ask_gateways(core: Core, gateways: Gateways) -> None:
    """Ask what became of payments that are open for long, or are closed here and not yet there.

    A gateway that does not answer is not asked again in the same run.
    """
    now = core.clock()
    silent: set[str] = set()
    with core.reader() as db:
        found = db.execute(
            select(Payment.id, Payment.gateway)
            .where(
                Payment.open_at_gateway,
                or_(Payment.checked_at.is_(None), Payment.checked_at < now - ASK_AFTER),
                or_(Payment.status != "pending", Payment.expires_at <= now, Payment.updated_at < now - ASK_AFTER),
            )
            .order_by(Payment.checked_at.nulls_first(), Payment.id)
            .limit(MOST)
        ).all()
    for row in found:
        if row.gateway in gateways and row.gateway not in silent:
            try:
                _ask(core, gateways[row.gateway], row.id)
            except GatewayUnavailable as error:
                silent.add(row.gateway)
                _down(row.gateway, error)
            except Exception:
                # Whatever is wrong with one payment, the others are asked about.
                structlog.get_logger("lms.payments").exception("payment_not_looked_up", payment=row.id)


def _ask(core: Core, gateway: PaymentGateway, payment_id: uuid.UUID) -> None:
    with core.transaction() as db:
        payment = service.locked(db, core, payment_id).payment
        payment.checked_at = now = core.clock()
        over = payment.status in CLOSED or (payment.expires_at is not None and payment.expires_at <= now)
        if payment.reference is None and over:
            # Nobody was ever told where to pay.
            payment.open_at_gateway = False
            if payment.status == "pending":
                service.close(db, payment, "expired")
            return
        charge = charge_of(core, payment)
    if charge.reference is None:
        checkout = gateway.checkout(charge)
        with core.transaction() as db:
            _keep(db, payment_id, checkout)
        return
    if over:
        gateway.withdraw(charge)
    event = gateway.look_up(charge)
    if event is not None:
        with core.transaction() as db:
            outcome = service.settle(service.locked(db, core, payment_id), event)
        structlog.get_logger("lms.payments").info("payment_looked_up", payment=payment_id, outcome=outcome)


# What is owed.


@dataclass(frozen=True, slots=True)
class _Due:
    refund_id: uuid.UUID
    payment_id: uuid.UUID
    attempts: int


def give_back_due(core: Core, gateways: Gateways) -> None:
    """Tell the gateways of the refunds that are due. One that fails is tried later, and at last left to people.

    Whatever it fails by, so that none keeps the others from being made.
    """
    due = and_(PaymentRefund.status == "requested", PaymentRefund.next_at <= core.clock())
    columns = (PaymentRefund.id, PaymentRefund.payment_id, PaymentRefund.attempts)
    with core.reader() as db:
        found = db.execute(select(*columns).where(due).order_by(PaymentRefund.next_at).limit(MOST)).all()
    for row in found:
        due_now = _Due(row.id, row.payment_id, row.attempts)
        try:
            give_back(core, gateways, due_now)
        except Exception as error:
            log = structlog.get_logger("lms.payments")
            log.warning("refund_failed", refund=row.id, error=repr(error.__cause__ or error))
            _later(core, due_now)


def give_back(core: Core, gateways: Gateways, due: _Due) -> None:
    """One of them. Raises what the gateway does."""
    with core.transaction() as db:
        payment = service.locked(db, core, due.payment_id).payment
        refund = db.get(PaymentRefund, due.refund_id)
        charge = charge_of(core, payment)
        gateway, amount = gateways.get(payment.gateway or ""), refund.amount if refund is not None else None
    if gateway is None:
        raise GatewayUnavailable
    done = gateway.refund(charge, amount, due.refund_id)
    with core.transaction() as db:
        case = service.locked(db, core, due.payment_id)
        service.refund_done(case, due.refund_id, done.reference, done.total)


def _later(core: Core, due: _Due) -> None:
    with core.transaction() as db:
        case = service.locked(db, core, due.payment_id)
        wait = dt.timedelta(minutes=2**due.attempts)
        db.execute(
            update(PaymentRefund)
            .where(PaymentRefund.id == due.refund_id)
            .values(attempts=PaymentRefund.attempts + 1, next_at=core.clock() + wait, updated_at=func.now())
        )
        if due.attempts + 1 >= ATTEMPTS:
            service.refund_failed(case, due.refund_id)
