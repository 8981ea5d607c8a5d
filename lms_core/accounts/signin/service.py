"""Commands of signing in: the password, the second factor where there is one, then a session."""

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from lms_core.accounts import queries
from lms_core.accounts.lockout import check_password, count_failure, invalid_credentials, refuse_locked
from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE, Account
from lms_core.accounts.signin.sessions import Grant, account_suspended, open_session, revoke
from lms_core.accounts.two_factor.codes import invalid_code, spend_code
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Forbidden, NotFound, Unauthorized
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request

CHALLENGE = "two_factor"
"""What a challenge is signed for, so that no other token passes as one."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session's tokens, and the row of :func:`queries.profile`."""

    grant: Grant
    user: Any


def login(db: Session, core: Core, email: str, password: str, request: Request | None) -> SignedIn:
    """A session for who knows the password.

    Raises 401 ``invalid_credentials``; 403 ``account_locked``; and, to who gave the right password only, 403
    ``account_suspended`` and ``email_not_verified``, 401 ``two_factor_required`` with a ``challenge``.
    """
    account = queries.account_by_email(db, email)
    check_password(core, account, password, request)
    if account is None:
        raise invalid_credentials()
    refuse_unusable(account)
    if account.two_factor_enabled:
        raise _challenge(core, account)
    return _sign_in(db, core, account, request, rehashed=_rehashed(core, account, password))


def answer_challenge(db: Session, core: Core, challenge: str, code: str, request: Request | None) -> SignedIn:
    """A session for who knows the password, as the challenge shows, and has the second factor.

    Raises 401 ``token_expired``, ``token_invalid`` (about the challenge) and ``invalid_code``, which counts like a
    wrong password; 403 like :func:`login`.
    """
    claims = core.tokens.access.verify(CHALLENGE, challenge)
    account = queries.account_by_id(db, uuid.UUID(claims["sub"]))
    if account is None or not hmac.compare_digest(claims["pwd"], _fingerprint(account)):
        raise Unauthorized("token_invalid", _("The token is not valid."))
    refuse_locked(account, core.clock())
    refuse_unusable(account)
    if not spend_code(core, account, code):
        count_failure(core, account.id, request)
        raise invalid_code()
    return _sign_in(db, core, account, request)


def refuse_unusable(account: Account) -> None:
    """Raises 403 ``account_suspended`` or ``email_not_verified``."""
    if account.suspended:
        raise account_suspended()
    if not account.email_verified:
        raise Forbidden("email_not_verified", _("Verify your e-mail address first."))


def _challenge(core: Core, account: Account) -> Unauthorized:
    ttl = core.settings.seconds("lms.auth.challenge_ttl")
    token = core.tokens.access.sign(CHALLENGE, {"sub": str(account.id), "pwd": _fingerprint(account)}, ttl)
    return Unauthorized(
        "two_factor_required",
        _("Send the challenge with a code of your authenticator app, or with a backup code."),
        extra={"challenge": token, "expiresIn": int(ttl)},
    )


def _fingerprint(account: Account) -> str:
    """Ties a challenge to the password it was given for: changing that ends the challenge."""
    return hashlib.blake2b(account.password_hash.encode(), digest_size=16, person=b"lms-challenge").hexdigest()


def _rehashed(core: Core, account: Account, password: str) -> str | None:
    """The password at today's cost, where its hash was made at another."""
    passwords = core.tokens.passwords
    return passwords.hash(password) if passwords.needs_rehash(account.password_hash) else None


def _sign_in(
    db: Session, core: Core, account: Account, request: Request | None, *, rehashed: str | None = None
) -> SignedIn:
    """Open the session, unless the account has been locked, suspended or given another password meanwhile.

    The statement that asks so holds the row: a reset that comes later finds this session and ends it, one that came
    before has changed the password that was checked.
    """
    now = core.clock()
    statement = (
        update(User)
        .where(User.id == account.id, User.password_hash == account.password_hash, USABLE)
        .where(or_(User.failed_login_locked_until.is_(None), User.failed_login_locked_until <= now))
        .values(
            failed_login_attempts=0,
            failed_login_locked_until=None,
            last_login_at=now,
            login_count=User.login_count + 1,
            password_hash=rehashed or account.password_hash,
        )
        .returning(User.id)
    )
    if db.execute(statement).one_or_none() is None:
        raise _overtaken(db, core, account)
    grant = open_session(db, core, account.id, request)
    audit(db, request, "session.opened", "session", grant.session_id, new={"user": str(account.id)})
    return SignedIn(grant, queries.profile(db, account.id, now))


def _overtaken(db: Session, core: Core, account: Account) -> Exception:
    """Why an account that was fine a moment ago is not."""
    current = queries.account_by_id(db, account.id)
    if current is not None:
        refuse_locked(current, core.clock())
        refuse_unusable(current)
    return invalid_credentials()


def logout(db: Session, core: Core, session_id: uuid.UUID, request: Request | None) -> None:
    """End the caller's session; nothing happens where it has ended before."""
    if revoke(db, core.clock(), session_id, "user_logout") is not None:
        audit(db, request, "session.closed", "session", session_id)


def revoke_session(db: Session, core: Core, session_id: uuid.UUID, current: uuid.UUID, request: Request | None) -> None:
    """End another session of the caller's. Raises 409 ``current_session``, 404 where it has just ended."""
    if session_id == current:
        raise Conflict("current_session", _("This is the session you are using; log out instead."))
    if revoke(db, core.clock(), session_id, "user_revoked") is None:
        raise NotFound()
    audit(db, request, "session.revoked", "session", session_id)
