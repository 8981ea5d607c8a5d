"""Commands on payments. Each runs in the caller's transaction; raising rolls it back.

Every command locks the course first, then the payment: places are given out one at a time, and of two that tell the
same the second finds what the first has made of it. Money that comes always ends in one of two ways, whatever has
become of the payment, the course or the person meanwhile: they get in, or it goes back.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import structlog
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.models import Course
from lms_core.enrollment.admission import Admission, admit
from lms_core.enrollment.lifecycle import service as lifecycle
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.events import PaymentNeedsAttention, PaymentReceived, PaymentRefunded
from lms_core.enrollment.payments.gateways import VOUCHER, GatewayEvent
from lms_core.enrollment.payments.models import CLOSED, KEPT, Payment, PaymentEvent, PaymentRefund
from lms_core.enrollment.payments.vouchers import count_use
from lms_core.enrollment.queries import TAKING
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, LMSError, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _


@dataclass(frozen=True, slots=True)
class Case:
    """A payment and its course, both locked; None where there is no such course any more."""

    db: Session
    core: Core
    payment: Payment
    course: Course | None


def locked(db: Session, core: Core, payment_id: uuid.UUID) -> Case:
    """The payment with its course. Raises 404."""
    course_id = db.scalar(select(Payment.course_id).where(Payment.id == payment_id))
    course = (
        db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True) if course_id else None
    )
    payment = db.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None:
        raise NotFound()
    return Case(db, core, payment, course)


# What gateways tell.


def receive(db: Session, core: Core, gateway: str, event: GatewayEvent) -> str:
    """Take what a gateway has told, once however often it does; answers what came of it.

    The event is kept in the transaction that it takes effect in, so a second delivery changes nothing, and waits for
    the first where both come at once.
    """
    told = insert(PaymentEvent).values(
        gateway=gateway, event_id=event.id, kind=event.kind,
        details={"amount": str(event.amount), "currency": event.currency, "reference": event.reference,
                 "dispute": event.dispute},
    )  # fmt: skip
    kept = db.scalar(told.on_conflict_do_nothing(index_elements=["gateway", "event_id"]).returning(PaymentEvent.id))
    if kept is None:
        return "repeated"
    payment_id = find(db, gateway, event)
    outcome = settle(locked(db, core, payment_id), event) if payment_id is not None else "unknown"
    db.execute(update(PaymentEvent).where(PaymentEvent.id == kept).values(payment_id=payment_id, outcome=outcome))
    log = structlog.get_logger("lms.payments")
    log.info("payment_event", gateway=gateway, event_id=event.id, kind=event.kind, outcome=outcome, payment=payment_id)
    return outcome


def find(db: Session, gateway: str, event: GatewayEvent) -> uuid.UUID | None:
    """The payment that an event is about: one that this gateway was asked for, and none that has another checkout."""
    named = [
        column == value
        for column, value in ((Payment.id, event.payment_id), (Payment.reference, event.reference),
                              (Payment.charge, event.charge))
        if value is not None
    ]  # fmt: skip
    for condition in named:
        row = db.execute(select(Payment.id, Payment.reference).where(condition, Payment.gateway == gateway)).first()
        if row is not None:
            other = None not in (row.reference, event.reference) and row.reference != event.reference
            return None if other else row.id
    return None


def prune_events(db: Session, core: Core, *, limit: int) -> int:
    """Forget the next of what gateways told so long ago that they do not tell it again; answers how many."""
    before = core.clock() - dt.timedelta(seconds=core.settings.seconds("lms.payments.keep_events"))
    old = select(PaymentEvent.id).where(PaymentEvent.created_at < before).order_by(PaymentEvent.created_at).limit(limit)
    gone = delete(PaymentEvent).where(PaymentEvent.id.in_(old.with_for_update(skip_locked=True)))
    return len(db.execute(gone.returning(PaymentEvent.id), execution_options={"synchronize_session": False}).all())


def settle(case: Case, event: GatewayEvent) -> str:
    """Let an event take effect, whichever came before it; answers what came of it."""
    case.payment.reference = case.payment.reference or event.reference
    outcome = _SETTLERS[event.kind](case, event)
    case.db.flush()
    return outcome


def _paid(case: Case, event: GatewayEvent) -> str:
    payment = case.payment
    payment.open_at_gateway = False
    if payment.paid_at is not None:
        return "known"
    payment.charge = event.charge or payment.charge
    asked = (event.amount, event.currency) in ((payment.amount, payment.currency), (None, None))
    if not asked:
        payment.status, payment.paid_at, payment.place_until = "mismatched", case.core.clock(), None
        _call_for_help(case, "amount_mismatch")
        return "mismatched"
    refusal = take(case)
    if refusal is not None:
        owe(case, None, refusal.code)
        return "to_refund"
    return payment.status


def take(case: Case) -> LMSError | None:
    """The money is there: the payment is made, and who made it is let in, or the answer is why they are not.

    Who was asked to pay keeps the place, even if every one is taken by now.
    """
    db, core, payment = case.db, case.core, case.payment
    if payment.status in CLOSED:
        count_use(db, payment.voucher_id, 1)
    payment.paid_at, payment.place_until = core.clock(), None
    payment.status = status_of(payment)
    refusal = None if payment.status == "refunded" else _give(case)
    if payment.user_id is not None and payment.course_id is not None:
        publish(db, PaymentReceived(payment.id, payment.user_id, payment.course_id, payment.course_title,
                                    payment.amount, payment.currency, payment.enrollment_id))  # fmt: skip
    return refusal


def _give(case: Case) -> LMSError | None:
    db, payment, course = case.db, case.payment, case.course
    here = payment.user_id is not None and db.scalar(select(User.id).where(User.id == payment.user_id, LIVING))
    if course is None or course.deleted_at is not None:
        return Conflict("course_gone", _("There is no such course any more."))
    if not here or payment.user_id is None:
        return Conflict("user_gone", _("There is no such person any more."))
    how = Admission(type="payment", method="payment", decided_by=payment.recorded_by, over_capacity=True)
    outcome = admit(db, case.core, course, [payment.user_id], how, places=None)[payment.user_id]
    if isinstance(outcome, LMSError):
        return outcome
    payment.enrollment_id = outcome.id
    if not course.in_catalog:
        _call_for_help(case, "course_not_open")
    return None


def note_enrollment(db: Session, user_id: uuid.UUID, course_id: uuid.UUID, enrollment_id: uuid.UUID) -> None:
    """Name the enrollment that a voucher has paid for."""
    mine = (Payment.user_id == user_id, Payment.course_id == course_id, Payment.status == "paid")
    unnamed = (Payment.gateway == VOUCHER, Payment.enrollment_id.is_(None))
    db.execute(update(Payment).where(*mine, *unnamed).values(enrollment_id=enrollment_id))


def status_of(payment: Payment) -> str:
    """The state of a payment that was made, from what has gone back and what is disputed."""
    if payment.amount and payment.refunded >= payment.amount:
        return "refunded"
    if payment.disputed_at is not None:
        return "disputed"
    return "partly_refunded" if payment.refunded else "paid"


def _ended(status: str) -> Callable[[Case, GatewayEvent], str]:
    def end(case: Case, _event: GatewayEvent) -> str:
        case.payment.open_at_gateway = False
        if case.payment.status != "pending":
            return "known"
        close(case.db, case.payment, status)
        return status

    return end


def close(db: Session, payment: Payment, status: str) -> None:
    """Nobody waits for a locked payment any more: the place is free again, and so is the use of a voucher."""
    payment.status, payment.place_until = status, None
    count_use(db, payment.voucher_id, -1)
    db.flush()


def _refunded(case: Case, event: GatewayEvent) -> str:
    if case.payment.status == "mismatched":  # What came is not what its amounts count in.
        return "mismatched"
    if event.currency not in (None, case.payment.currency):
        _call_for_help(case, "refund_mismatch")
        return "mismatched"
    return gave_back(case, case.payment.amount if event.amount is None else event.amount)


def gave_back(case: Case, total: Decimal) -> str:
    """So much has gone back of it by now. Once all has, the enrollment that it paid for is dropped.

    Told before the payment itself is, it is remembered until then.
    """
    payment = case.payment
    before = payment.refunded or Decimal(0)
    payment.refunded = max(before, min(total, payment.amount))
    if payment.paid_at is None or payment.refunded == before:
        return "early" if payment.paid_at is None else "known"
    payment.status = status_of(payment)
    if payment.user_id is not None and payment.course_id is not None:
        publish(case.db, PaymentRefunded(payment.id, payment.user_id, payment.course_id, payment.course_title,
                                         payment.amount, payment.currency, payment.refunded))  # fmt: skip
    if payment.status == "refunded":
        _take_back(case, _("The payment was refunded."))
    return payment.status


def _refund_failed(case: Case, event: GatewayEvent) -> str:
    """What went back could not be delivered, and has come again: a card is closed, say. Somebody has to look at it.

    It is paid again, so that it can be refunded again. Who was taken off the course stays so: that it was to be
    refunded has not changed.
    """
    payment, refund = case.payment, _refund_of(case, event)
    if refund.status == "failed":
        return "known"
    told, refund.status = refund.status == "done", "failed"
    came = (payment.amount, payment.currency)
    if told and refund.amount is None and (event.amount, event.currency) not in (came, (None, None)):
        payment.refunded, payment.status = Decimal(0), "mismatched"
    elif told:
        # The gateway may have counted it out already, when it told of a later refund: those that are done stand.
        again = event.amount or refund.amount or payment.amount
        payment.refunded = max(_done(case), payment.refunded - again)
        payment.status = status_of(payment)
    _call_for_help(case, "refund_failed")
    return "refund_failed"


def _refund_of(case: Case, event: GatewayEvent) -> PaymentRefund:
    """The refund that an event is about, locked; one that was made at the gateway itself is written down now."""
    mine = select(PaymentRefund).where(PaymentRefund.payment_id == case.payment.id).with_for_update()
    for column, named in ((PaymentRefund.id, event.refund_id), (PaymentRefund.reference, event.refund)):
        found = case.db.scalar(mine.where(column == named), execution_options={"populate_existing": True})
        if named is not None and found is not None:
            return found
    refund = owe(case, event.amount, "gateway")
    refund.reference, refund.status = event.refund, "done"
    return refund


def _disputed(case: Case, event: GatewayEvent) -> str:
    """Somebody has their bank take the money back: they are kept out until that is decided."""
    payment = case.payment
    if payment.paid_at is None or payment.status in ("refunded", "disputed") or _decided(case, event.dispute):
        return "known"
    enrollment, payment.disputed_at = _paid_for(case), case.core.clock()
    if enrollment is not None and enrollment.status in TAKING:
        lifecycle.suspend(case.db, case.core, enrollment.id, None, _say(case, _("The payment is disputed.")))
        # Who was suspended for another reason is not let in again when the dispute is over.
        payment.disputed_at = enrollment.suspended_at
    payment.status = status_of(payment)
    _call_for_help(case, "disputed")
    return payment.status


def _decided(case: Case, dispute: str | None) -> bool:
    """Whether we were told already how a dispute has ended."""
    ends = (PaymentEvent.gateway == case.payment.gateway, PaymentEvent.kind.in_(("dispute_won", "dispute_lost")))
    told = exists().where(
        PaymentEvent.payment_id == case.payment.id, *ends, PaymentEvent.details["dispute"].astext == dispute
    )
    return dispute is not None and bool(case.db.scalar(select(told)))


def _dispute_won(case: Case, _event: GatewayEvent) -> str:
    payment = case.payment
    if payment.disputed_at is None:
        return "known"
    disputed_at, payment.disputed_at = payment.disputed_at, None
    payment.status = status_of(payment)
    enrollment = _paid_for(case)
    ours = enrollment is not None and enrollment.status == "suspended" and enrollment.suspended_at == disputed_at
    if enrollment is not None and ours and payment.status != "refunded":
        lifecycle.resume(case.db, enrollment.id, None)
    return payment.status


def _dispute_lost(case: Case, _event: GatewayEvent) -> str:
    case.payment.disputed_at = None
    return gave_back(case, case.payment.amount)


_SETTLERS: Mapping[str, Callable[[Case, GatewayEvent], str]] = MappingProxyType(
    {
        "paid": _paid,
        "failed": _ended("failed"),
        "expired": _ended("expired"),
        "refunded": _refunded,
        "refund_failed": _refund_failed,
        "disputed": _disputed,
        "dispute_won": _dispute_won,
        "dispute_lost": _dispute_lost,
    }
)


def _paid_for(case: Case) -> Enrollment | None:
    """The enrollment that the payment, and no later one, has paid for."""
    payment = case.payment
    if payment.enrollment_id is None:
        return None
    others = select(func.count()).select_from(Payment).where(
        Payment.enrollment_id == payment.enrollment_id, Payment.id != payment.id, Payment.status.in_(KEPT),
    )  # fmt: skip
    return None if case.db.scalar(others) else case.db.get(Enrollment, payment.enrollment_id, populate_existing=True)


def _take_back(case: Case, reason: str) -> None:
    enrollment = _paid_for(case)
    if enrollment is not None and enrollment.status in (*TAKING, "suspended"):
        lifecycle.drop(case.db, case.core, enrollment.id, None, _say(case, reason))


def _say(case: Case, text: str) -> str:
    """In the language of who has paid: they can read it."""
    language = case.db.scalar(select(User.preferred_language).where(User.id == case.payment.user_id))
    return case.core.i18n.say(text, language)


def _call_for_help(case: Case, problem: str) -> None:
    payment = case.payment
    log = structlog.get_logger("lms.payments")
    log.error("payment_needs_attention", payment=payment.id, gateway=payment.gateway, problem=problem)
    publish(case.db, PaymentNeedsAttention(payment.id, payment.gateway or "", problem, payment.course_title))


# Giving money back.


def owe(case: Case, amount: Decimal | None, reason: str, by: uuid.UUID | None = None) -> PaymentRefund:
    """Money is to go back: the task ``payments.refund`` tells the gateway."""
    refund = PaymentRefund(payment_id=case.payment.id, amount=amount, reason=reason, requested_by=by)
    case.db.add(refund)
    case.db.flush()
    return refund


def refund_done(case: Case, refund_id: uuid.UUID, reference: str | None, total: Decimal | None) -> None:
    """The gateway has given money back: ``total`` so far, or what it was asked for where it does not say."""
    refund = case.db.get(PaymentRefund, refund_id, with_for_update=True, populate_existing=True)
    if refund is None or refund.status != "requested":
        return
    refund.status, refund.reference = "done", reference
    case.db.flush()
    if case.payment.status == "mismatched":
        total = case.payment.amount
    gave_back(case, _done(case) if total is None else total)


def _done(case: Case) -> Decimal:
    """What has gone back by the refunds that we know of."""
    case.db.flush()
    done = select(func.sum(func.coalesce(PaymentRefund.amount, case.payment.amount)))
    mine = (PaymentRefund.payment_id == case.payment.id, PaymentRefund.status == "done")
    return case.db.scalar(done.where(*mine)) or Decimal(0)


def refund_failed(case: Case, refund_id: uuid.UUID) -> None:
    """The gateway does not do it, however often it is asked: somebody has to."""
    refund = case.db.get(PaymentRefund, refund_id, with_for_update=True, populate_existing=True)
    if refund is not None and refund.status == "requested":
        refund.status = "failed"
        _call_for_help(case, "refund_failed")
