"""Commands on access codes. Each runs in the caller's transaction; raising rolls it back.

Trying codes is slowed down (``lms.ratelimit.access_code_account`` and ``_address``), and a code counts for its own
course alone: neither trying nor making one tells what other courses have.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.courses.service import lock_course
from lms_core.enrollment.codes.forms import key_of, new_code
from lms_core.enrollment.codes.queries import STATUS
from lms_core.enrollment.methods import Application, Refuse
from lms_core.enrollment.models import AccessCode, AccessCodeUse, Enrollment
from lms_core.enrollment.queries import OVER
from lms_core.kernel.errors import Conflict, NotFound, invalid_fields
from lms_core.kernel.i18n import _
from lms_core.kernel.ratelimit import throttle_account, throttle_address


def create_code(db: Session, course_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]) -> AccessCode:
    """A code for a course. Raises 404; 409 ``access_code_taken``, ``course_archived``; 422 ``invalid``."""
    lock_course(db, course_id)
    chosen = values.get("code") or new_code()
    made = AccessCode(**{**values, "code": chosen}, course_id=course_id, created_by=author_id)
    try:
        with db.begin_nested():
            db.add(made)
            db.flush()
    except IntegrityError as error:
        raise _refusal(error) from None
    return made


def update_code(db: Session, code_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Change the fields given. Raises 404; 409 ``access_code_revoked``, ``max_uses_below_used``; 422 ``invalid``."""
    code = _locked(db, code_id)
    if code.revoked_at is not None:
        raise Conflict("access_code_revoked", _("This code has been revoked."))
    for name, value in values.items():
        setattr(code, name, value)
    try:
        db.flush()
    except IntegrityError as error:
        raise _refusal(error) from None


def revoke_code(db: Session, code_id: uuid.UUID) -> None:
    """From now on it lets nobody in; who is in stays. Doing so again changes nothing. Raises 404."""
    code = _locked(db, code_id)
    if code.revoked_at is None:
        code.revoked_at = db.scalar(select(func.now()))
        db.flush()


def _locked(db: Session, code_id: uuid.UUID) -> AccessCode:
    code = db.get(AccessCode, code_id, with_for_update={"key_share": True}, populate_existing=True)
    if code is None:
        raise NotFound()
    return code


def _refusal(error: IntegrityError) -> Exception:
    """What to raise for what the table refuses."""
    text = str(error.orig)
    if "uq_access_codes_course_id_key" in text:
        return Conflict("access_code_taken", _("The course has this code already."))
    if "ck_access_codes_used_count" in text:
        message = _("The code was used more often already.")
        return Conflict("max_uses_below_used", message, errors={"maxUses": [message]})
    if "ck_access_codes_valid_until" in text:
        return invalid_fields({"validUntil": [_("Must be later than the start.")]})
    return error


_REFUSALS: Mapping[str, Refuse] = {
    "revoked": Refuse("access_code_revoked", _("This code has been revoked."), field="code"),
    "expired": Refuse("access_code_expired", _("This code is no longer valid."), field="code"),
    "not_valid_yet": Refuse("access_code_not_valid_yet", _("This code is not valid yet."), field="code"),
    "used_up": Refuse("access_code_used_up", _("This code has been used as often as it may."), field="code"),
}
"""By what a code is good for."""
_SPENT = "accessCodeUse"


def use_access_code(application: Application, code: str) -> Refuse | None:
    """Count a use of a code by an applicant, or say why it cannot be used: for a method that lets people in by codes.

    Somebody who comes back with a code uses it once all the same, unless their enrollment was over: then it is used
    again. Raises 429 for who tries too many. Where they wait for a place then and get none, the method's ``give_back``
    hands on to :func:`give_back_access_codes`.
    """
    throttle_address(application.request, "access_code")
    throttle_account(application.request, "access_code", str(application.user_id))
    db = application.db
    meant = (AccessCode.course_id == application.course.id, AccessCode.key == key_of(code))
    found = db.execute(select(AccessCode.id, STATUS.label("status")).where(*meant)).first()
    if found is None:
        return Refuse("access_code_unknown", _("There is no such code for this course."), field="code")
    used = exists().where(AccessCodeUse.code_id == found.id, AccessCodeUse.user_id == application.user_id)
    over = exists().where(
        Enrollment.course_id == application.course.id, Enrollment.user_id == application.user_id,
        or_(Enrollment.status == "expired", OVER),
    )  # fmt: skip
    if db.scalar(select(and_(used, ~over))):
        return _REFUSALS.get(found.status) if found.status != "used_up" else None
    counted = (
        update(AccessCode)
        .where(
            AccessCode.id == found.id, AccessCode.revoked_at.is_(None), AccessCode.valid_from <= func.now(),
            or_(AccessCode.valid_until.is_(None), AccessCode.valid_until > func.now()),
            or_(AccessCode.max_uses.is_(None), AccessCode.used_count < AccessCode.max_uses),
        )
        .values(used_count=AccessCode.used_count + 1)
        .returning(AccessCode.id)
    )  # fmt: skip
    if db.execute(counted, execution_options={"synchronize_session": False}).first() is not None:
        use = AccessCodeUse(code_id=found.id, user_id=application.user_id)
        db.add(use)
        db.flush()
        application.spent[_SPENT] = str(use.id)
        return None
    status = db.scalar(select(STATUS).where(AccessCode.id == found.id))
    return _REFUSALS.get(status or "", _REFUSALS["used_up"])


def give_back_access_codes(db: Session, spent: Iterable[Mapping[str, str]]) -> None:
    """Count the uses of codes no more that :func:`use_access_code` counted: once, however often it is asked to."""
    ids = [uuid.UUID(each[_SPENT]) for each in spent if _SPENT in each]
    unsynchronized = {"synchronize_session": False}
    undone = delete(AccessCodeUse).where(AccessCodeUse.id.in_(ids)).returning(AccessCodeUse.code_id)
    for code_id, uses in sorted(Counter(db.scalars(undone, execution_options=unsynchronized)).items()):
        fewer = update(AccessCode).where(AccessCode.id == code_id).values(used_count=AccessCode.used_count - uses)
        db.execute(fewer, execution_options=unsynchronized)
