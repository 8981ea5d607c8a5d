"""What becomes of payments: receipts for who has paid, and what administrators have to look at."""

from typing import Any

from lms_core.enrollment.payments.events import PaymentNeedsAttention, PaymentReceived, PaymentRefunded
from lms_core.kernel.events import Delivery
from lms_core.kernel.i18n import _
from lms_core.notifications import queries
from lms_core.notifications.service import Notice, tell, tell_many

MOST_ADMINISTRATORS = 100


def tell_paid(delivery: Delivery, event: PaymentReceived) -> None:
    if event.amount == 0:  # A voucher has paid for all of it.
        return
    paid = {"course": event.course_title, "amount": f"{event.amount:.2f}", "currency": event.currency}
    notice = Notice(
        type="payment_received",
        title=_("Your payment for ${course}", mapping=paid),
        message=_("We have received ${amount} ${currency}. Thank you!", mapping=paid),
        data=_data(event),
        action_url=f"/courses/{event.course_id}",
        mail="payment_received",
        mail_data={"amount": paid["amount"], "currency": event.currency, "paidAt": f"{delivery.occurred_at:%Y-%m-%d}"},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_refunded(delivery: Delivery, event: PaymentRefunded) -> None:
    back = {
        "course": event.course_title, "refunded": f"{event.refunded:.2f}", "amount": f"{event.amount:.2f}",
        "currency": event.currency,
    }  # fmt: skip
    notice = Notice(
        type="payment_refunded",
        title=_("Money back for ${course}", mapping=back),
        message=_("${refunded} of ${amount} ${currency} have been refunded.", mapping=back),
        data=_data(event),
        action_url=f"/courses/{event.course_id}",
        mail="payment_refunded",
        mail_data={name: back[name] for name in ("refunded", "amount", "currency")},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_administrators(delivery: Delivery, event: PaymentNeedsAttention) -> None:
    """Whoever may change every payment."""
    about = {"course": event.course_title, "problem": event.problem, "gateway": event.gateway}
    notice = Notice(
        type="payment_needs_attention",
        title=_("A payment for ${course} needs attention", mapping=about),
        message=_("The gateway ${gateway} reports: ${problem}.", mapping=about),
        data={"paymentId": str(event.payment_id), "problem": event.problem, "courseTitle": event.course_title},
        action_url=f"/payments/{event.payment_id}",
        priority="high",
    )
    people = queries.holders(delivery.db, "payments", "update", limit=MOST_ADMINISTRATORS)
    tell_many(delivery.db, delivery.core, people, notice)


def _data(event: PaymentReceived | PaymentRefunded) -> dict[str, Any]:
    return {
        "paymentId": str(event.payment_id),
        "courseId": str(event.course_id),
        "courseTitle": event.course_title,
    }
