"""Payments and vouchers over HTTP."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.enrollment.payments import checkout, queries, schemas, service, staff, vouchers
from lms_core.enrollment.payments.gateways import WebhookRefused
from lms_core.enrollment.payments.resources import (
    CoursePayments,
    CourseVouchers,
    GatewayWebhook,
    MyPayments,
    PaymentCollection,
    PaymentItem,
    VoucherCollection,
    VoucherItem,
)
from lms_core.enrollment.resources import check_contact
from lms_core.kernel.audit import audit
from lms_core.kernel.bodies import whole_body
from lms_core.kernel.errors import BadRequest, TooLarge
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import CursorPage, CursorQuery
from lms_core.kernel.request import Request
from lms_core.kernel.views import created

_TAKEN = ("409 already_enrolled", "409 enrollment_suspended", "409 course_gone", "409 user_gone")


@view_config(
    context=GatewayWebhook, request_method="POST", permission=NO_PERMISSION_REQUIRED, idempotent=False,
    consumes="*/*", status=204, errors=("400 webhook_refused", "413 too_large"),
)  # fmt: skip
def receive_webhook(context: GatewayWebhook, request: Request) -> None:
    """Tell what became of a payment.

    For payment gateways: the signature of the body, checked before anything else, says who calls. What is told again
    changes nothing, and what concerns no payment is answered the same.
    """
    body = whole_body(request)
    if body is None:
        raise TooLarge("too_large", _("No event of a gateway is as large as that."))
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        event = context.gateway.read_webhook(body, headers)
    except WebhookRefused:
        raise BadRequest("webhook_refused", _("The signature does not fit, or is too old.")) from None
    if event is not None:
        service.receive(request.db, request.core, context.gateway.name, event)


@view_config(
    context=PaymentItem, name="checkout", request_method="POST", permission="payments:create", idempotent="late",
    body=schemas.CheckoutRequestSchema, returns=schemas.CheckoutSchema,
    errors=("409 payment_closed", "409 gateway_unavailable", "409 gateway_chosen", "503 payment_gateway_down"),
)  # fmt: skip
def check_out(context: PaymentItem, request: Request) -> Any:
    """Choose how to pay.

    Send the browser to `checkoutUrl`, or show the `instructions`. Asked again, the answer is the same checkout. Who
    wants to pay another way after all cancels the payment, and enrolls anew.
    """
    gateways, chosen = request.registry.payment_gateways, request.validated["gateway"]
    payment_id = context.id
    request.let_reader_go()
    return checkout.check_out(request.core, gateways, payment_id, chosen)


@view_config(context=PaymentItem, request_method="GET", permission="payments:read", returns=schemas.StaffPaymentSchema)
def read_payment(context: PaymentItem, request: Request) -> Any:
    """Read a payment."""
    return context.shown


@view_config(
    context=PaymentItem, name="cancel", request_method="POST", permission="payments:cancel",
    returns=schemas.PaymentSchema, errors=("409 payment_closed",),
)  # fmt: skip
def cancel_payment(context: PaymentItem, request: Request) -> Any:
    """Cancel a payment that was not made yet.

    The place that was kept is free again. Should money come all the same, it counts.
    """
    staff.cancel(request.db, request.core, context.id)
    return _changed(context, request, "payments.cancel")


@view_config(
    context=PaymentItem, name="confirm", request_method="POST", permission="payments:update",
    body=schemas.PaymentNoteSchema, returns=schemas.StaffPaymentSchema,
    errors=("409 payment_made", "409 not_by_hand", "409 gateway_unavailable", *_TAKEN),
)  # fmt: skip
def confirm_payment(context: PaymentItem, request: Request) -> Any:
    """Say that the money of a payment by hand has come.

    Who paid is in, even if every place is taken by now.
    """
    gateways, note = request.registry.payment_gateways, request.validated["note"]
    staff.confirm(request.db, request.core, gateways, context.id, request.caller.user_id, note)
    return _changed(context, request, "payments.confirm", note=note)


@view_config(
    context=PaymentItem, name="refund", request_method="POST", permission="payments:update",
    body=schemas.RefundSchema, returns=schemas.StaffPaymentSchema,
    errors=("409 nothing_to_refund", "409 gateway_unavailable", "422 amount_too_high", "422 amount_too_fine"),
)  # fmt: skip
def refund_payment(context: PaymentItem, request: Request) -> Any:
    """Give money back.

    What came by hand goes back by hand, and counts at once; for all else the gateway is told in a moment, `refundDue`
    meanwhile. Once all has gone back, the enrollment that it paid for is dropped.
    """
    gateways, caller = request.registry.payment_gateways, request.caller.user_id
    staff.request_refund(request.db, request.core, gateways, context.id, caller, request.validated)
    return _changed(context, request, "payments.refund", **request.validated)


def _changed(context: PaymentItem, request: Request, action: str, **new: Any) -> Any:
    row = context.row
    audit(request.db, request, action, "payment", context.id, old={"status": row.status}, new=new)
    return queries.payment(request.db, context.id)


@view_config(
    context=CoursePayments, request_method="POST", permission="payments:update", body=schemas.RecordPaymentSchema,
    returns=schemas.StaffPaymentSchema, status=201,
    errors=("403 contact_needed", "409 gateway_unavailable", "422 user_unknown", "422 amount_too_fine", *_TAKEN),
)  # fmt: skip
def record_payment(context: CoursePayments, request: Request) -> Any:
    """Record that somebody has paid by hand: a bank transfer, or cash.

    They are in, even if every place is taken. A payment that they have begun another way is cancelled. Only who may see
    the addresses of students names anybody by one.
    """
    if "email" in request.validated:
        check_contact(request, context.course.row)
    course_id, caller, values = context.course.id, request.caller.user_id, request.validated
    made = staff.record(request.db, request.core, request.registry.payment_gateways, course_id, caller, values)
    audit(request.db, request, "payments.record", "payment", made, new={**values, "course_id": course_id})
    created(request, "payments", made)
    return queries.payment(request.db, made)


@view_config(
    context=CoursePayments, request_method="GET", permission="payments:read", query=schemas.PaymentsQuery,
    returns=schemas.StaffPaymentSchema, many="cursor",
)  # fmt: skip
def list_course_payments(context: CoursePayments, request: Request) -> CursorPage:
    """List the payments of a course, the latest first."""
    return queries.payments(request.reader, course_id=context.course.id, **request.query)


@view_config(
    context=PaymentCollection, request_method="GET", permission="payments:read", query=schemas.PaymentsQuery,
    returns=schemas.StaffPaymentSchema, many="cursor",
)  # fmt: skip
def list_payments(context: PaymentCollection, request: Request) -> CursorPage:
    """List the payments of every course, the latest first."""
    return queries.payments(request.reader, **request.query)


@view_config(
    context=MyPayments, request_method="GET", permission="payments:read", query=CursorQuery,
    returns=schemas.PaymentSchema, many="cursor",
)  # fmt: skip
def list_my_payments(context: MyPayments, request: Request) -> CursorPage:
    """List what I have paid or am to pay, the latest first."""
    return queries.my_payments(request.reader, request.caller.user_id, **request.query)


@view_config(
    context=CourseVouchers, request_method="GET", permission="payments:read", query=CursorQuery,
    returns=schemas.VoucherSchema, many="cursor",
)  # fmt: skip
def list_course_vouchers(context: CourseVouchers, request: Request) -> CursorPage:
    """List the vouchers of a course, the latest first."""
    return queries.vouchers(request.reader, context.course.id, **request.query)


@view_config(
    context=VoucherCollection, request_method="GET", permission="payments:read", query=CursorQuery,
    returns=schemas.VoucherSchema, many="cursor",
)  # fmt: skip
def list_vouchers(context: VoucherCollection, request: Request) -> CursorPage:
    """List the vouchers that hold for every course, the latest first."""
    return queries.vouchers(request.reader, None, **request.query)


@view_config(
    context=CourseVouchers, request_method="POST", permission="payments:update", body=schemas.NewVoucherSchema,
    returns=schemas.VoucherSchema, status=201, errors=("409 voucher_code_taken",),
)  # fmt: skip
def make_course_voucher(context: CourseVouchers, request: Request) -> Any:
    """Make a voucher for a course."""
    return _made(request, vouchers.make_voucher(
        request.db, context.course.id, request.caller.user_id, request.validated))  # fmt: skip


@view_config(
    context=VoucherCollection, request_method="POST", permission="payments:update", body=schemas.NewVoucherSchema,
    returns=schemas.VoucherSchema, status=201, errors=("409 voucher_code_taken",),
)  # fmt: skip
def make_voucher(context: VoucherCollection, request: Request) -> Any:
    """Make a voucher that holds for every course."""
    return _made(request, vouchers.make_voucher(request.db, None, request.caller.user_id, request.validated))


def _made(request: Request, voucher: Any) -> Any:
    audit(request.db, request, "vouchers.create", "voucher", voucher.id,
          new={**request.validated, "course_id": voucher.course_id})  # fmt: skip
    created(request, "vouchers", voucher.id)
    return voucher


@view_config(context=VoucherItem, request_method="GET", permission="payments:read", returns=schemas.VoucherSchema)
def read_voucher(context: VoucherItem, request: Request) -> Any:
    """Read a voucher."""
    return context.row


@view_config(context=VoucherItem, request_method="DELETE", permission="payments:update")
def delete_voucher(context: VoucherItem, request: Request) -> None:
    """Take a voucher back.

    Nobody can use it any more. What was asked for with it stays as it is.
    """
    vouchers.delete_voucher(request.db, context.id)
    audit(request.db, request, "vouchers.delete", "voucher", context.id, old={"course_id": context.row.course_id})
