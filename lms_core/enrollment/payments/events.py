"""What happened to payments, for later domains to follow."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class PaymentReceived(Event):
    """Somebody has paid for a course; ``enrollment_id`` is what they got for it, unless they get the money back."""

    name: ClassVar[str] = "enrollment.payment_received"
    payment_id: uuid.UUID
    user_id: uuid.UUID
    course_id: uuid.UUID
    course_title: str
    amount: Decimal
    currency: str
    enrollment_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class PaymentRefunded(Event):
    """Somebody has got money back; ``refunded`` is all of it so far, of ``amount``."""

    name: ClassVar[str] = "enrollment.payment_refunded"
    payment_id: uuid.UUID
    user_id: uuid.UUID
    course_id: uuid.UUID
    course_title: str
    amount: Decimal
    currency: str
    refunded: Decimal


@dataclass(frozen=True, slots=True)
class PaymentNeedsAttention(Event):
    """Something about a payment that an administrator has to look at; ``problem`` is a stable code."""

    name: ClassVar[str] = "enrollment.payment_needs_attention"
    payment_id: uuid.UUID
    gateway: str
    problem: str
    course_title: str
