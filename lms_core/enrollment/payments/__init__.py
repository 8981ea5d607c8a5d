"""Paying for courses: payments and what becomes of them, vouchers, and the gateways behind ``lms_payment_gateways``."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.enrollment.events import UserEnrolled
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import CourseItem
    from lms_core.enrollment.payments import events, resources, tasks
    from lms_core.enrollment.payments.gateways import make_payment_gateways

    config.registry.payment_gateways = make_payment_gateways(config.registry.core)
    config.add_child(ApiRoot, "payments", resources.PaymentCollection)
    config.add_child(resources.PaymentCollection, "webhooks", resources.Webhooks)
    config.add_item(resources.Webhooks, resources.GatewayWebhook, "gateway")
    config.add_item(resources.PaymentCollection, resources.PaymentItem, "paymentId")
    config.add_child(MeResource, "payments", resources.MyPayments)
    config.add_child(CourseItem, "payments", resources.CoursePayments)
    config.add_child(CourseItem, "vouchers", resources.CourseVouchers)
    config.add_child(ApiRoot, "vouchers", resources.VoucherCollection)
    config.add_item(resources.VoucherCollection, resources.VoucherItem, "voucherId")
    # Money is the owner's own affair, unless the owner shares it.
    config.add_staff_permission("payments:read")
    config.add_staff_permission("payments:update")
    for event in (events.PaymentReceived, events.PaymentRefunded, events.PaymentNeedsAttention):
        config.add_event_type(event)
    config.add_event_subscriber(UserEnrolled, "payments.note_enrollment", tasks.note_enrollment)
    config.add_periodic_task("payments.reconcile", tasks.reconcile, every=300)
    config.add_periodic_task("payments.refund", tasks.refund, every=30)
    config.add_periodic_task("payments.prune", tasks.prune, every=86_400)
    config.scan("lms_core.enrollment.payments.views")
