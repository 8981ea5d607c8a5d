"""The representations of payments and vouchers."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from lms_core.enrollment.payments.models import STATUSES
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import CursorQuery
from lms_core.kernel.schemas import Money, Part, Schema, Text, Timestamp

HIGHEST = 99_999_999
_STATUS: dict[str, Any] = {"enum": list(STATUSES)}


class PayerSchema(Schema):
    """Who pays."""

    id = fields.UUID()
    name = fields.String()
    avatar_url = fields.String(allow_none=True)


class PaymentSchema(Schema):
    """What somebody has to pay for a course, and what became of it."""

    id = fields.UUID()
    course_id = fields.UUID(allow_none=True)
    course_title = fields.String(metadata={"description": "As it was when the payment was asked for."})
    enrollment_id = fields.UUID(allow_none=True, metadata={"description": "Null until there is one for it."})
    price = Money(metadata={"description": "What the course cost then."})
    amount = Money(metadata={"description": "What is to pay, a voucher taken into account."})
    currency = fields.String()
    refunded = Money(metadata={"description": "How much of it has gone back.", "example": "0.00"})
    refund_due = fields.Boolean(metadata={"description": "Whether the gateway is about to give some back."})
    status = fields.String(metadata=_STATUS)
    gateway = fields.String(allow_none=True, metadata={"example": "stripe"})
    checkout_url = fields.String(allow_none=True)
    place_until = Timestamp(allow_none=True, metadata={"description": "Until when a place is kept."})
    expires_at = Timestamp(allow_none=True, metadata={"description": "Until when it can be paid."})
    paid_at = Timestamp(allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class StaffPaymentSchema(PaymentSchema):
    """The same, as those see it who run the course; for its payer the further fields are null."""

    user = Part(PayerSchema, "user_")
    reference = fields.String(
        allow_none=True, metadata={"description": "The gateway's name for it.", "example": "cs_test_a1B2c3"}
    )
    note = fields.String(allow_none=True)
    refund_failed = fields.Boolean(
        allow_none=True,
        metadata={"description": "Whether money could not be given back, and some of it is still here."},
    )


class PaymentsQuery(CursorQuery):
    """``status`` narrows the list."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default=None)


class CheckoutRequestSchema(Schema):
    """The way to pay: one of the ``gateways`` that were offered."""

    gateway = Text(min=1, max=50, required=True, metadata={"example": "stripe"})


class CheckoutSchema(Schema):
    """Where, or how, to pay."""

    payment_id = fields.UUID()
    gateway = fields.String(metadata={"example": "stripe"})
    checkout_url = fields.String(allow_none=True, metadata={"description": "Send the browser there."})
    reference = fields.String(allow_none=True, metadata={"description": "To be named with a payment by hand."})
    instructions = fields.String(
        allow_none=True, metadata={"description": "How to pay, where there is no page for it."}
    )
    expires_at = Timestamp(allow_none=True)


class PaymentNoteSchema(Schema):
    """What there is to note, for the staff."""

    note = Text(max=500, multiline=True, allow_none=True, load_default=None)


class RecordPaymentSchema(PaymentNoteSchema):
    """Who has paid, by id or e-mail address; how much, if not the course's price."""

    example = {"email": "robin@example.org", "amount": "49.00", "note": "Bank transfer, 31 January."}
    user_id = fields.UUID()
    email = Text(min=1, max=254)
    amount = Money(validate=validate.Range(min=0, max=HIGHEST, min_inclusive=False))

    @validates_schema
    def _one_name(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("user_id" in data) == ("email" in data):
            raise ValidationError({"userId": [_("Name the person by userId or by email.")]})


class RefundSchema(Schema):
    """How much to give back, all that is left where nothing is said, and why."""

    amount = Money(validate=validate.Range(min=0, max=HIGHEST, min_inclusive=False))
    reason = Text(max=500, multiline=True, allow_none=True)


class VoucherSchema(Schema):
    """A code that lowers the price of a course, or of any."""

    id = fields.UUID()
    course_id = fields.UUID(allow_none=True, metadata={"description": "Null: any course."})
    code = fields.String(metadata={"example": "SPRING-2026"})
    description = fields.String(allow_none=True)
    percent = fields.Integer(allow_none=True, metadata={"example": 20})
    amount = Money(allow_none=True, metadata={"example": None})
    currency = fields.String(allow_none=True, metadata={"example": None})
    max_uses = fields.Integer(allow_none=True)
    used_count = fields.Integer()
    valid_from = Timestamp()
    valid_until = Timestamp(allow_none=True)
    created_at = Timestamp()


class NewVoucherSchema(Schema):
    """``percent`` of the price, 100 for all of it, or an ``amount``; without a ``code`` one is made up."""

    example = {"code": "SPRING-2026", "percent": 20, "maxUses": 50, "validUntil": "2026-06-30T22:00:00Z"}
    code = fields.String(
        validate=validate.Regexp(r"\s*[A-Za-z0-9][A-Za-z0-9_-]{3,49}\s*\Z"),
        metadata={"description": "4 to 50 letters, digits, hyphens and underscores; case does not matter."},
    )
    description = Text(max=500, allow_none=True)
    percent = fields.Integer(strict=True, validate=validate.Range(1, 100))
    amount = Money(validate=validate.Range(min=0, max=HIGHEST, min_inclusive=False))
    currency = fields.String(validate=validate.Regexp(r"[A-Z]{3}\Z"))
    max_uses = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000), allow_none=True)
    valid_from = Timestamp()
    valid_until = Timestamp(allow_none=True)

    @validates_schema
    def _worth(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("percent" in data) == ("amount" in data):
            raise ValidationError({"percent": [_("Say either percent or amount.")]})
        if ("amount" in data) != ("currency" in data):
            raise ValidationError({"currency": [_("An amount needs its currency, and nothing else does.")]})
