"""Commands of recovery: ask for a link, reset with it, change a known password."""

import uuid

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.orm import Session

from lms_core.accounts import mailing
from lms_core.accounts.events import PasswordChanged, PasswordResetRequested
from lms_core.accounts.lockout import check_password, invalid_credentials
from lms_core.accounts.models import PasswordReset, User
from lms_core.accounts.passwords import check_strength
from lms_core.accounts.queries import Account, account_by_email, account_by_id
from lms_core.accounts.registration.service import unusable_link
from lms_core.accounts.signin.sessions import revoke_all
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.events import Delivery, publish
from lms_core.kernel.request import Request
from lms_core.kernel.tokens import hash_token, new_token


def request_reset(db: Session, email: str, address: str) -> None:
    """Note that somebody forgot a password; the caller hears the same whether or not the account exists.

    The look-up happens in :func:`send_reset`, after the answer, so that the answer's time tells nothing either.
    """
    publish(db, PasswordResetRequested(email=email, address=address))


def send_reset(delivery: Delivery, event: PasswordResetRequested) -> None:
    """Mail a reset link, if the account exists; the links sent before stop working."""
    db, core = delivery.db, delivery.core
    account = account_by_email(db, event.email)
    if account is None:
        return
    token = new_token()
    _end_links(db, core, account.id)
    db.execute(
        insert(PasswordReset).values(
            user_id=account.id, token_hash=hash_token(token), expires_at=mailing.later(core, "lms.auth.reset_ttl")
        )
    )
    mailing.send(
        db,
        core,
        account,
        "reset_password",
        link=mailing.link(core, "reset-password", token),
        minutes=int(core.settings.seconds("lms.auth.reset_ttl") // 60),
        address=event.address,
    )
    audit(db, None, "password.reset_requested", "user", account.id, new={"address": event.address})


def reset_password(db: Session, core: Core, token: str, password: str, request: Request | None) -> None:
    """Set a new password with a reset link. It works once, ends every session and every other link.

    Who holds the link reads the account's mail: a lock is lifted, an unverified address is verified, and an address
    change that waits is dropped, since whoever asked for it may be whom the reset is against. The second factor
    stays. Raises 422 ``token_invalid`` (also for an expired one) and ``weak_password`` (the link stays good).
    """
    usable = and_(
        PasswordReset.token_hash == hash_token(token),
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > core.clock(),
    )
    user_id = db.scalar(select(PasswordReset.user_id).where(usable))
    account = account_by_id(db, user_id) if user_id else None
    if account is None:
        raise unusable_link()
    check_strength(password, account.email)
    values = {
        "email_verified_at": func.coalesce(User.email_verified_at, core.clock()),
        "email_verification_token_hash": None,
        "email_verification_expires_at": None,
        "email_verification_address": None,
        "pending_email": None,
        "failed_login_attempts": 0,
        "failed_login_locked_until": None,
    }
    hashed = core.tokens.passwords.hash(password)
    db.execute(update(User).where(User.id == account.id).values(password_hash=hashed, **values))
    used = update(PasswordReset).where(usable).values(used_at=core.clock()).returning(PasswordReset.id)
    if db.execute(used).one_or_none() is None:
        raise unusable_link()
    _password_changed(db, core, account, keep=None)
    audit(db, request, "password.reset", "user", account.id)


def change_password(
    db: Session, core: Core, account: Account, session_id: uuid.UUID, current: str, new: str, request: Request | None
) -> None:
    """Change a known password: every other session ends, every reset link, too.

    Raises 401 ``invalid_credentials``, 403 ``account_locked``, 422 ``weak_password``.
    """
    check_password(core, account, current, request)
    check_strength(new, account.email, field="newPassword", current=current)
    # The old hash is compared so that a change begun before a reset does not undo it.
    statement = update(User).where(User.id == account.id, User.password_hash == account.password_hash)
    changed = statement.values(password_hash=core.tokens.passwords.hash(new)).returning(User.id)
    if db.execute(changed).one_or_none() is None:
        raise invalid_credentials()
    _password_changed(db, core, account, keep=session_id)
    audit(db, request, "password.changed", "user", account.id)


def _password_changed(db: Session, core: Core, account: Account, *, keep: uuid.UUID | None) -> None:
    """What follows a new password, once the account's row is ours.

    The row comes before the sessions: a login under way holds it, and its session is then among those that end.
    """
    now = core.clock()
    values = {"password_changed_at": now, "must_change_password": False}
    db.execute(update(User).where(User.id == account.id).values(**values))
    revoke_all(db, now, account.id, "password_changed", keep=keep)
    _end_links(db, core, account.id)
    publish(db, PasswordChanged(user_id=account.id))
    mailing.send(db, core, account, "password_changed")


def _end_links(db: Session, core: Core, user_id: uuid.UUID) -> None:
    statement = update(PasswordReset).where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
    db.execute(statement.values(used_at=core.clock()))
