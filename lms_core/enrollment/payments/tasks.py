"""What time brings about: payments that nobody made, that nobody told of, and money that is to go back."""

from lms_core.enrollment.events import UserEnrolled
from lms_core.enrollment.payments import service
from lms_core.enrollment.payments.checkout import ask_gateways, close_due, give_back_due
from lms_core.kernel.events import Delivery
from lms_core.kernel.tasks import TaskContext

AT_ONCE = 500
"""Payments that one transaction closes."""
PRUNED_AT_ONCE = 5_000


def reconcile(context: TaskContext) -> None:
    """Close what was not paid in time, and ask the gateways about what they may have told nobody."""
    while close_due(context.core, limit=AT_ONCE) == AT_ONCE:
        pass
    ask_gateways(context.core, context.registry.payment_gateways)


def refund(context: TaskContext) -> None:
    """Give back what is owed."""
    give_back_due(context.core, context.registry.payment_gateways)


def prune(context: TaskContext) -> None:
    """Forget what gateways told long ago, in batches, each its own transaction."""
    context.in_batches(lambda db: service.prune_events(db, context.core, limit=PRUNED_AT_ONCE), PRUNED_AT_ONCE)


def note_enrollment(delivery: Delivery, event: UserEnrolled) -> None:
    """A voucher that pays for all of it lets people in before there is an enrollment to name."""
    service.note_enrollment(delivery.db, event.user_id, event.course_id, event.enrollment_id)
