"""What people pay for courses, what is given back, what gateways have told, and vouchers. No card is known here."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Document, Money, Off, at_least, one_of, sparse_index
from lms_core.kernel.db import Base, Created, Identified, Timestamped

STATUSES = (
    "pending", "paid", "partly_refunded", "refunded", "disputed", "mismatched", "failed", "cancelled", "expired",
)  # fmt: skip
CLOSED = ("failed", "cancelled", "expired")
"""What nobody waits for any more. Money may come all the same, and then it counts."""
KEPT = ("paid", "partly_refunded")
"""What somebody has paid and not got back."""


class Payment(Identified, Timestamped, Base):
    """What somebody has to pay for a course, and what became of it; title and amount are as they were when asked for.

    ``reference`` is the gateway's name of the checkout, ``charge`` of the money that came. A place is kept until
    ``place_until``. ``open_at_gateway`` holds from the moment the gateway may take money until it can no more.
    """

    __tablename__ = "payments"

    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    course_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("courses.id", ondelete="SET NULL"))
    enrollment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("enrollments.id", ondelete="SET NULL"))
    voucher_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("vouchers.id", ondelete="SET NULL"))
    course_title: Mapped[str]
    price: Mapped[Money]
    amount: Mapped[Money]
    currency: Mapped[str]
    refunded: Mapped[Money] = mapped_column(server_default=text("0"))
    status: Mapped[str] = mapped_column(server_default="pending")
    gateway: Mapped[str | None]
    reference: Mapped[str | None]
    charge: Mapped[str | None]
    checkout_url: Mapped[str | None]
    open_at_gateway: Mapped[Off]
    checked_at: Mapped[dt.datetime | None]
    place_until: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    paid_at: Mapped[dt.datetime | None]
    disputed_at: Mapped[dt.datetime | None]
    recorded_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    note: Mapped[str | None]

    __table_args__ = (
        one_of("status", *STATUSES),
        *at_least(0, "amount", "price"),
        CheckConstraint("refunded BETWEEN 0 AND amount", name="refunded"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        UniqueConstraint("gateway", "reference"),
        # One at a time: what is asked for anew is the same payment.
        Index("uq_payments_pending", "user_id", "course_id", unique=True,
              postgresql_where=text("status = 'pending'")),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "course_id", "created_at", "id"),
        Index(None, "created_at", "id"),
        Index(None, "status", "created_at", "id"),
        Index("ix_payments_places", "course_id", "place_until", postgresql_where=text("status = 'pending'")),
        Index("ix_payments_due", "expires_at", postgresql_where=text("status = 'pending'")),
        Index("ix_payments_open", "checked_at", postgresql_where=text("open_at_gateway")),
        Index("ix_payments_charge", "gateway", "charge", postgresql_where=text("charge IS NOT NULL")),
        *(sparse_index(column) for column in ("enrollment_id", "voucher_id", "recorded_by")),
    )  # fmt: skip


class PaymentRefund(Identified, Timestamped, Base):
    """Money to give back: written first, then the gateway is told, under this id, until it has said what became of it.

    ``amount`` is null for all that came, where that was not what was asked for.
    """

    __tablename__ = "payment_refunds"

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"), index=True)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="requested")
    reference: Mapped[str | None]
    attempts: Mapped[Count]
    next_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        one_of("status", "requested", "done", "failed"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payment_refunds_due", "next_at", postgresql_where=text("status = 'requested'")),
        sparse_index("requested_by"),
    )


class PaymentEvent(Identified, Created, Base):
    """What a gateway has told, once however often it tells it; ``outcome`` is what that came to.

    Kept for ``lms.payments.keep_events``, which is longer than any gateway repeats itself.
    """

    __tablename__ = "payment_events"

    gateway: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payments.id", ondelete="SET NULL"))
    outcome: Mapped[str | None]
    details: Mapped[Document]

    __table_args__ = (UniqueConstraint("gateway", "event_id"), Index(None, "created_at"), sparse_index("payment_id"))


class Voucher(Identified, Created, Base):
    """A code that lowers a price: by ``percent``, or by ``amount`` in its currency. Without a course, of any course.

    Codes are of capitals, and a course's own: nobody learns from theirs which ones others have. A use counts from when
    a payment is asked for with it, and is given back where that is never made.
    """

    __tablename__ = "vouchers"

    course_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    code: Mapped[str]
    description: Mapped[str | None]
    percent: Mapped[int | None]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    currency: Mapped[str | None]
    max_uses: Mapped[int | None]
    used_count: Mapped[Count]
    valid_from: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    valid_until: Mapped[dt.datetime | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("(percent IS NULL) <> (amount IS NULL) AND (amount IS NULL) = (currency IS NULL)",
                        name="worth"),
        *at_least(1, "max_uses"),
        *at_least(0, "used_count"),
        CheckConstraint("valid_until > valid_from", name="valid_until"),
        UniqueConstraint("code", "course_id", postgresql_nulls_not_distinct=True),
        Index(None, "course_id", "created_at", "id"),
        sparse_index("created_by"),
    )  # fmt: skip
