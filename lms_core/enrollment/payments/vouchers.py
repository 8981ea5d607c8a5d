"""Commands on vouchers. Each runs in the caller's transaction; raising rolls it back."""

import datetime as dt
import secrets
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.enrollment.payments.models import Voucher
from lms_core.enrollment.payments.money import rounded
from lms_core.kernel.errors import Conflict, Invalid, NotFound, invalid_fields
from lms_core.kernel.i18n import _

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that are taken for another when read aloud or copied by hand."""


def normal(code: str) -> str:
    """A code as it is kept: capitals, without what surrounds it."""
    return code.strip().upper()


def redeem(db: Session, now: dt.datetime, code: str, course_id: uuid.UUID, currency: str) -> Any:
    """Use a voucher once, if it may be used now and for this course: in one statement, so that no two take the last.

    Of two with this code it is the course's own. Answers ``id``, ``percent`` and ``amount``. Raises 422
    ``voucher_invalid``, whatever is wrong with it.
    """
    usable = and_(
        Voucher.code == normal(code),
        or_(Voucher.course_id.is_(None), Voucher.course_id == course_id),
        or_(Voucher.currency.is_(None), Voucher.currency == currency),
        Voucher.valid_from <= now,
        or_(Voucher.valid_until.is_(None), Voucher.valid_until > now),
        or_(Voucher.max_uses.is_(None), Voucher.used_count < Voucher.max_uses),
    )
    chosen = select(Voucher.id).where(usable).order_by(Voucher.course_id.is_(None)).limit(1).with_for_update()
    used = (
        update(Voucher)
        .where(Voucher.id == chosen.scalar_subquery())
        .values(used_count=Voucher.used_count + 1)
        .returning(Voucher.id, Voucher.percent, Voucher.amount)
    )
    found = db.execute(used, execution_options={"synchronize_session": False}).first()
    if found is None:
        message = _("This voucher cannot be used here, or not any more.")
        raise Invalid("voucher_invalid", message, errors={"voucher": [message]})
    return found


def lowered(price: Decimal, currency: str, voucher: Any) -> Decimal:
    """What is left to pay."""
    off = voucher.amount if voucher.percent is None else price * voucher.percent / 100
    return max(Decimal(0), rounded(price - off, currency))


def count_use(db: Session, voucher_id: uuid.UUID | None, uses: int) -> None:
    """Count a use that is made after all (1), or give one back (-1)."""
    if voucher_id is not None:
        count_uses(db, [voucher_id], uses)


def count_uses(db: Session, voucher_ids: Iterable[uuid.UUID | None], uses: int) -> None:
    """:func:`count_use` for each, in the order of their ids."""
    for voucher_id in sorted(each for each in voucher_ids if each is not None):
        counted = func.greatest(Voucher.used_count + uses, 0)
        db.execute(update(Voucher).where(Voucher.id == voucher_id).values(used_count=counted),
                   execution_options={"synchronize_session": False})  # fmt: skip


def make_voucher(db: Session, course_id: uuid.UUID | None, author_id: uuid.UUID, values: Mapping[str, Any]) -> Voucher:
    """A voucher of a course, or of every course; without a code it gets one.

    Raises 409 ``voucher_code_taken`` where this course has one with this code, or where every course has; 422
    ``invalid`` where it would end before it begins.
    """
    code = values.get("code")
    made = Voucher(**{**values, "code": normal(code) if code else _new_code()}, course_id=course_id,
                   created_by=author_id)  # fmt: skip
    try:
        with db.begin_nested():
            db.add(made)
            db.flush()
    except IntegrityError as error:
        raise _refusal(error) from None
    return made


def _refusal(error: IntegrityError) -> Exception:
    """What to raise for what the table refuses."""
    text = str(error.orig)
    if "uq_vouchers_code_course_id" in text:
        return Conflict("voucher_code_taken", _("There is a voucher with this code."))
    if "ck_vouchers_valid_until" in text:
        return invalid_fields({"validUntil": [_("Must be later than the start.")]})
    return error


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _letter in range(4)) for _part in range(3))


def delete_voucher(db: Session, voucher_id: uuid.UUID) -> None:
    """Nobody can use it any more; what was asked for with it stays. Raises 404."""
    gone = db.execute(delete(Voucher).where(Voucher.id == voucher_id).returning(Voucher.id)).first()
    if gone is None:
        raise NotFound()


def code_of(db: Session, voucher_id: uuid.UUID | None) -> str | None:
    """The code of a voucher that there still is."""
    return db.scalar(select(Voucher.code).where(Voucher.id == voucher_id)) if voucher_id is not None else None
