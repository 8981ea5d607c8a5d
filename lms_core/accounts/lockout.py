"""Wrong passwords and codes are counted here, and an account that saw too many is locked for a while."""

import datetime as dt
import uuid

from sqlalchemy import case, or_, update

from lms_core.accounts.models import User
from lms_core.accounts.queries import Account
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Forbidden, Unauthorized
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request

_NOBODY = uuid.UUID(int=0)


def account_locked(until: dt.datetime, now: dt.datetime) -> Forbidden:
    """403 ``account_locked``, told to anyone, with the seconds until it is worth trying again."""
    detail = _("Too many failed attempts; this account is locked for a while.")
    return Forbidden("account_locked", detail, retry_after=(until - now).total_seconds())


def invalid_credentials() -> Unauthorized:
    return Unauthorized("invalid_credentials", _("The e-mail address or the password is wrong."))


def refuse_locked(account: Account, now: dt.datetime) -> None:
    """Raises 403 ``account_locked``."""
    until = account.failed_login_locked_until
    if until is not None and until > now:
        raise account_locked(until, now)


def check_password(core: Core, account: Account | None, password: str, request: Request | None) -> None:
    """Let pass who gives the right password; nobody's account takes as long and never does.

    Raises 401 ``invalid_credentials``, and 403 ``account_locked`` for a locked account whatever the password.
    """
    if account is not None:
        refuse_locked(account, core.clock())
    if not core.tokens.passwords.verify(password, account.password_hash if account else None):
        count_failure(core, account.id if account else _NOBODY, request)
        raise invalid_credentials()


def count_failure(core: Core, user_id: uuid.UUID, request: Request | None) -> None:
    """Count a wrong password or code, and lock the account at the last one allowed.

    One statement checks, counts and locks, so that guesses sent at once are counted like guesses sent in turn: past
    the limit none of them learns whether it was right. It commits by itself, since the refusal that follows rolls the
    request back. Raises 403 ``account_locked`` where others had locked the account in the meantime.
    """
    now = core.clock()
    most = core.settings.integer("lms.auth.max_failures")
    until = now + dt.timedelta(seconds=core.settings.seconds("lms.auth.lock_time"))
    # A lock that has run out takes its failures with it.
    failures = case((User.failed_login_locked_until.is_(None), User.failed_login_attempts), else_=0) + 1
    statement = (
        update(User)
        .where(User.id == user_id, or_(User.failed_login_locked_until.is_(None), User.failed_login_locked_until <= now))
        .values(failed_login_attempts=failures, failed_login_locked_until=case((failures >= most, until)))
        .returning(User.failed_login_locked_until)
    )
    with core.transaction() as db:
        row = db.execute(statement).one_or_none()
        if row is not None and row.failed_login_locked_until is not None:
            audit(db, request, "account.locked", "user", user_id, new={"until": until.isoformat()})
    if row is None and user_id != _NOBODY:
        raise account_locked(until, now)
