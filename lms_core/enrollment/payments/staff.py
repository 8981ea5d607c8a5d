"""Commands of people on payments. Each runs in the caller's transaction; raising rolls it back."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms_core.accounts.queries import person_named
from lms_core.courses.models import Course
from lms_core.enrollment.payments.gateways import Gateways, gateway_of, gateway_unavailable
from lms_core.enrollment.payments.models import CLOSED, Payment, PaymentRefund
from lms_core.enrollment.payments.money import check_payable
from lms_core.enrollment.payments.service import Case, close, locked, owe, refund_done, take
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid, NotFound
from lms_core.kernel.i18n import _

REFUNDABLE = ("paid", "partly_refunded", "mismatched")


def record(
    db: Session, core: Core, gateways: Gateways, course_id: uuid.UUID, staff_id: uuid.UUID, values: Mapping[str, Any]
) -> uuid.UUID:
    """Somebody has paid by hand, asked for it or not, and is let in; answers the payment's id.

    ``amount`` is the course's price unless another was agreed on. Raises 404; 409 ``gateway_unavailable``,
    ``already_enrolled``, ``enrollment_suspended``; 422 ``user_unknown``, ``amount_too_fine``.
    """
    name = _by_hand(gateways)
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None or course.deleted_at is not None:
        raise NotFound()
    user_id = person_named(db, values)
    waiting = select(Payment).where(
        Payment.user_id == user_id, Payment.course_id == course_id, Payment.status == "pending"
    )
    earlier = db.scalar(waiting.with_for_update(), execution_options={"populate_existing": True})
    if earlier is not None:
        close(db, earlier, "cancelled")
    amount: Decimal = values.get("amount", course.price)
    check_payable(amount, course.currency)
    payment = Payment(
        user_id=user_id, course_id=course_id, course_title=course.title, price=course.price, amount=amount,
        currency=course.currency, gateway=name, recorded_by=staff_id, note=values.get("note"),
    )  # fmt: skip
    db.add(payment)
    db.flush()
    _take(Case(db, core, payment, course))
    return payment.id


def _by_hand(gateways: Gateways) -> str:
    for name, each in gateways.items():
        if each.by_hand:
            return name
    raise gateway_unavailable()


def confirm(
    db: Session, core: Core, gateways: Gateways, payment_id: uuid.UUID, staff_id: uuid.UUID, note: str | None
) -> None:
    """The money of a payment by hand has come, be it late.

    Raises 404; 409 ``payment_made``, ``not_by_hand``, ``gateway_unavailable``, ``already_enrolled``,
    ``enrollment_suspended``.
    """
    case = locked(db, core, payment_id)
    payment = case.payment
    if payment.status not in ("pending", *CLOSED):
        raise Conflict("payment_made", _("This payment has been made."))
    payment.gateway = payment.gateway or _by_hand(gateways)
    if not gateway_of(gateways, payment.gateway).by_hand:
        raise Conflict("not_by_hand", _("The payment service itself says when the money has come."))
    payment.recorded_by, payment.note = staff_id, note or payment.note
    _take(case)


def _take(case: Case) -> None:
    """What cannot be given is not taken: whoever holds the money is here to be told."""
    refusal = take(case)
    if refusal is not None:
        raise refusal
    case.db.flush()


def cancel(db: Session, core: Core, payment_id: uuid.UUID) -> None:
    """Nobody is going to pay this any more. Raises 404, 409 ``payment_closed``.

    A checkout that is open at a gateway is closed by the task ``payments.reconcile``; who pays there before gets in.
    """
    payment = locked(db, core, payment_id).payment
    if payment.status != "pending":
        raise Conflict("payment_closed", _("This payment cannot be made any more; begin anew."))
    close(db, payment, "cancelled")


def request_refund(
    db: Session, core: Core, gateways: Gateways, payment_id: uuid.UUID, staff_id: uuid.UUID, values: Mapping[str, Any]
) -> None:
    """Give money back: what came by hand goes back by hand, and for all else the gateway is told in a moment.

    Without an ``amount`` all that is left. Raises 404; 409 ``nothing_to_refund``, ``gateway_unavailable``; 422
    ``amount_too_high``, ``amount_too_fine``.
    """
    case = locked(db, core, payment_id)
    payment = case.payment
    left = payment.amount - payment.refunded - _promised(db, payment)
    if payment.status not in REFUNDABLE or left <= 0:
        raise Conflict("nothing_to_refund", _("Nothing of this payment can be given back."))
    gateway, whole = gateway_of(gateways, payment.gateway), payment.status == "mismatched"
    amount: Decimal | None = None if whole else values.get("amount", left)
    if amount is not None and amount > left:
        message = _("There is no more than ${amount} left of it.", mapping={"amount": f"{left:.2f}"})
        raise Invalid("amount_too_high", message, errors={"amount": [message]})
    if amount is not None and amount != left:
        check_payable(amount, payment.currency)
    refund = owe(case, amount, values.get("reason") or "staff", staff_id)
    if gateway.by_hand:
        refund_done(case, refund.id, None, None if whole else payment.refunded + (amount or 0))
    db.flush()


def _promised(db: Session, payment: Payment) -> Decimal:
    """What the gateway is to be told to give back."""
    promised = select(func.sum(func.coalesce(PaymentRefund.amount, payment.amount)))
    mine = (PaymentRefund.payment_id == payment.id, PaymentRefund.status == "requested")
    return db.scalar(promised.where(*mine)) or Decimal(0)
