"""Asking somebody who applies for a course to pay: what the enrollment method ``payment`` decides."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select, true, update
from sqlalchemy.orm import Session

from lms_core.enrollment.methods import Admit, Application, Decision, Pay, Refuse
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.gateways import VOUCHER, Gateways
from lms_core.enrollment.payments.models import KEPT, Payment
from lms_core.enrollment.payments.service import close
from lms_core.enrollment.payments.vouchers import code_of, count_uses, lowered, normal, redeem
from lms_core.enrollment.queries import OVER
from lms_core.kernel.core import Core
from lms_core.kernel.i18n import _
from lms_core.kernel.ratelimit import throttle_account, throttle_address

_SPENT = "payment"


def ask_to_pay(application: Application, voucher: str | None = None) -> Decision:
    """Let somebody in whom the course costs nothing, and ask anybody else to pay; a voucher lowers what it costs.

    Amount and currency stay as they are for as long as the payment can be made, whatever becomes of the course's
    price; so does the place that is kept for a while. Asking again answers the same payment, and keeps a place for it
    again. To be called within ``decide``: the course is locked, and where every place is taken, the core takes this
    back and has the applicant wait. Raises 422 ``voucher_invalid``.

    Who has paid before, and left while there was time, pays nothing again: the money was kept, and so is what it was
    for. Who is not to come back gets it back, or is suspended.

    Where a voucher pays for all of it, and they wait for a place then and get none, the method's ``give_back`` hands on
    to :func:`give_back_vouchers`.
    """
    course = application.course
    if course.price == 0:
        return Admit()
    if voucher is not None:
        throttle_address(application.request, "voucher")
        throttle_account(application.request, "voucher", str(application.user_id))
    if _has_paid(application):
        return Admit()
    now = application.core.clock()
    payment = _pending(application, now, voucher)
    if payment is None:
        payment = _new_payment(application, now, voucher)
        if payment.amount == 0:
            application.spent[_SPENT] = str(payment.id)
            return Admit()
    return _asked(application.request.registry.payment_gateways, payment)


def give_back_vouchers(db: Session, spent: Iterable[Mapping[str, str]]) -> None:
    """Take back the payments that a voucher made alone, and its uses: once, however often it is asked to."""
    ids = [uuid.UUID(each[_SPENT]) for each in spent if _SPENT in each]
    made = (Payment.id.in_(ids), Payment.status == "paid", Payment.amount == 0)
    undone = update(Payment).where(*made).values(status="cancelled", paid_at=None).returning(Payment.voucher_id)
    count_uses(db, db.scalars(undone, execution_options={"synchronize_session": False}).all(), -1)


def _has_paid(application: Application) -> bool:
    paid = select(Payment.id).join(Enrollment, Enrollment.id == Payment.enrollment_id)
    mine = (Payment.user_id == application.user_id, Payment.course_id == application.course.id)
    left = (Payment.status.in_(KEPT), Enrollment.status == "dropped", OVER.is_not(true()))
    return application.db.scalar(paid.where(*mine, *left).limit(1)) is not None


def _pending(application: Application, now: dt.datetime, voucher: str | None) -> Payment | None:
    """What they have been asked for already, unless it is too late for that, or they now have another voucher."""
    db = application.db
    mine = (Payment.user_id == application.user_id, Payment.course_id == application.course.id)
    payment = db.scalar(select(Payment).where(*mine, Payment.status == "pending").with_for_update(),
                        execution_options={"populate_existing": True})  # fmt: skip
    if payment is None:
        return None
    if payment.expires_at is not None and payment.expires_at <= now:
        close(db, payment, "expired")
        return None
    if voucher is not None and code_of(db, payment.voucher_id) != normal(voucher):
        close(db, payment, "cancelled")
        return None
    if payment.place_until is None or payment.place_until <= now:
        payment.place_until = now + _hold(application.core)
        db.flush()
    return payment


def _hold(core: Core) -> dt.timedelta:
    return dt.timedelta(seconds=core.settings.seconds("lms.payments.hold"))


def _new_payment(application: Application, now: dt.datetime, code: str | None) -> Payment:
    db, course = application.db, application.course
    voucher = redeem(db, now, code, course.id, course.currency) if code is not None else None
    amount = lowered(course.price, course.currency, voucher) if voucher is not None else course.price
    until = now + _hold(application.core)
    payment = Payment(
        user_id=application.user_id, course_id=course.id, course_title=course.title, price=course.price, amount=amount,
        currency=course.currency, voucher_id=voucher.id if voucher is not None else None, **_terms(amount, now, until),
    )  # fmt: skip
    db.add(payment)
    db.flush()
    return payment


def _terms(amount: Decimal, now: dt.datetime, until: dt.datetime) -> Mapping[str, Any]:
    """Of what costs nothing any more there is nothing to wait for."""
    if amount == 0:
        return {"status": "paid", "gateway": VOUCHER, "paid_at": now}
    return {"place_until": until, "expires_at": until}


def _asked(gateways: Gateways, payment: Payment) -> Decision:
    chosen = [payment.gateway] if payment.gateway else [
        name for name, each in gateways.items() if each.serves(payment.amount, payment.currency)
    ]  # fmt: skip
    if not chosen:
        return Refuse("payment_unavailable", _("This course has to be paid for, and there is no way to do so here."))
    details = {"expiresAt": _written(payment.expires_at), "checkoutUrl": payment.checkout_url}
    return Pay(payment.amount, payment.currency, chosen, str(payment.id), details)


def _written(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if moment is not None else None
