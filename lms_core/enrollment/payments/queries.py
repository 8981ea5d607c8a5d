"""Reads of payments and vouchers."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.enrollment.payments.models import Payment, PaymentRefund, Voucher
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import CursorPage, cursor_page

_REFUND_DUE = exists().where(PaymentRefund.payment_id == Payment.id, PaymentRefund.status == "requested")

COLUMNS = (
    Payment.id, Payment.course_title, Payment.enrollment_id, Payment.price, Payment.amount, Payment.currency,
    Payment.refunded, Payment.status, Payment.gateway, Payment.checkout_url, Payment.place_until, Payment.expires_at,
    Payment.paid_at, Payment.created_at, Payment.updated_at, _REFUND_DUE.label("refund_due"),
)  # fmt: skip
_REFUND_FAILED = and_(
    exists().where(PaymentRefund.payment_id == Payment.id, PaymentRefund.status == "failed"),
    Payment.refunded < Payment.amount,
)
FOR_STAFF = (Payment.note, Payment.reference, _REFUND_FAILED.label("refund_failed"))
"""What its payer does not see."""

_PERSON = (
    Payment.user_id.label("user_id"),
    User.full_name.label("user_name"),
    User.avatar_url.label("user_avatar_url"),
)


def payment_by(registry: Any, payment_id: uuid.UUID) -> AnySelect:
    """The statement of a payment, with its course, should there be one, and the caller's part there."""
    access = [column for column in access_columns(registry) if column.key != "course_id"]
    return (
        select(*COLUMNS, *FOR_STAFF, Payment.course_id, *_PERSON, *access)
        .outerjoin_from(Payment, Course, Course.id == Payment.course_id)
        .outerjoin(User, User.id == Payment.user_id)
        .where(Payment.id == payment_id)
    )


def payment(connection: Connection | Session, payment_id: uuid.UUID) -> AnyRow:
    """One payment, as staff see it."""
    statement = select(*COLUMNS, *FOR_STAFF, Payment.course_id, *_PERSON).outerjoin(User, User.id == Payment.user_id)
    return connection.execute(statement.where(Payment.id == payment_id)).one()


def payments(
    connection: Connection, *, course_id: uuid.UUID | None = None, status: str | None, cursor: str | None, limit: int
) -> CursorPage:
    """The payments of a course, or all, the latest first."""
    conditions: list[ColumnElement[bool]] = []
    if course_id is not None:
        conditions.append(Payment.course_id == course_id)
    if status is not None:
        conditions.append(Payment.status == status)
    statement = select(*COLUMNS, *FOR_STAFF, Payment.course_id, *_PERSON).outerjoin(User, User.id == Payment.user_id)
    return _page(connection, statement.where(*conditions), cursor, limit)


def my_payments(connection: Connection, user_id: uuid.UUID, *, cursor: str | None, limit: int) -> CursorPage:
    """What somebody has paid, or is to pay, the latest first."""
    statement = select(*COLUMNS, Payment.course_id).where(Payment.user_id == user_id)
    return _page(connection, statement, cursor, limit)


def _page(connection: Connection, statement: AnySelect, cursor: str | None, limit: int) -> CursorPage:
    order: list[Any] = [Payment.created_at, Payment.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)


VOUCHER_COLUMNS = (
    Voucher.id, Voucher.code, Voucher.description, Voucher.percent, Voucher.amount, Voucher.currency, Voucher.max_uses,
    Voucher.used_count, Voucher.valid_from, Voucher.valid_until, Voucher.created_at,
)  # fmt: skip


def vouchers(connection: Connection, course_id: uuid.UUID | None, *, cursor: str | None, limit: int) -> CursorPage:
    """The vouchers of a course, or those of every course, the latest first."""
    statement = select(*VOUCHER_COLUMNS, Voucher.course_id)
    statement = statement.where(Voucher.course_id.is_(None) if course_id is None else Voucher.course_id == course_id)
    order: list[Any] = [Voucher.created_at, Voucher.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)


def voucher_by(registry: Any, voucher_id: uuid.UUID) -> AnySelect:
    """The statement of a voucher, with its course, should it have one, and the caller's part there."""
    access = [column for column in access_columns(registry) if column.key != "course_id"]
    return (
        select(*VOUCHER_COLUMNS, Voucher.course_id, *access)
        .outerjoin_from(Voucher, Course, Course.id == Voucher.course_id)
        .where(Voucher.id == voucher_id)
    )


def voucher(connection: Connection | Session, voucher_id: uuid.UUID) -> AnyRow:
    """One voucher."""
    return connection.execute(select(*VOUCHER_COLUMNS, Voucher.course_id).where(Voucher.id == voucher_id)).one()
