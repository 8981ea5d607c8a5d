"""Commands of registration: make an account, send the link, take it back."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.accounts import mailing
from lms_core.accounts.events import EmailVerified, VerificationRequested
from lms_core.accounts.models import User
from lms_core.accounts.passwords import check_strength
from lms_core.accounts.queries import Account, account_by_email, account_where
from lms_core.accounts.service import create_user, email_taken
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid
from lms_core.kernel.events import Delivery, publish
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.tokens import hash_token, new_token
from lms_core.settings import Settings


def check_domain(settings: Settings, email: str) -> None:
    """Refuse addresses outside ``lms.auth.email_domains``. Raises 422 ``email_domain_not_allowed``."""
    allowed = {domain.lower().removeprefix("@") for domain in settings.words("lms.auth.email_domains")}
    if allowed and email.rpartition("@")[2].lower() not in allowed:
        message = _("Addresses of this domain cannot be used here.")
        raise Invalid("email_domain_not_allowed", message, errors={"email": [message]})


def register(db: Session, core: Core, person: Mapping[str, Any], language: str, request: Request | None) -> User:
    """An unverified account in the default group, and a mail with its link.

    Raises 409 ``email_taken``, 422 ``weak_password`` and ``email_domain_not_allowed``.
    """
    email: str = person["email"]
    check_domain(core.settings, email)
    check_strength(person["password"], email)
    if account_by_email(db, email) is not None:
        raise email_taken()
    user = create_user(db, core, **person, email_verified=False, language=language)
    send_verification(db, core, Account.of(user))
    audit(db, request, "account.registered", "user", user.id)
    return user


def send_verification(db: Session, core: Core, account: Account, *, pending: str | None = None) -> None:
    """Mail a new link to the account's address, or to the ``pending`` one; earlier links stop working.

    The address is kept with the token, so that whoever reads one mailbox can never verify another.
    """
    token = new_token()
    db.execute(
        update(User)
        .where(User.id == account.id)
        .values(
            email_verification_token_hash=hash_token(token),
            email_verification_expires_at=mailing.later(core, "lms.auth.verify_ttl"),
            email_verification_address=pending or account.email,
        )
    )
    template = "verify_new_email" if pending else "verify_email"
    hours = int(core.settings.seconds("lms.auth.verify_ttl") // 3600)
    url = mailing.link(core, "verify-email", token)
    mailing.send(db, core, account, template, to=pending, link=url, hours=hours)


def verify_email(db: Session, core: Core, token: str, request: Request | None) -> User:
    """Take a link back: the address it was mailed to is verified, and becomes the account's where it was pending.

    A link works once. Raises 422 ``token_invalid``, also for one that has expired or whose address is no longer one
    of the account's, and 409 ``email_taken`` where the pending address has become somebody else's.
    """
    account = account_where(
        db,
        User.email_verification_token_hash == hash_token(token),
        User.email_verification_expires_at > core.clock(),
        User.email_verification_address.in_((User.email, User.pending_email)),
        lock=True,
    )
    if account is None:
        raise unusable_link()
    changed = account.email_verification_address != account.email
    user = _take_address(db, core, account.id)
    if changed:
        mailing.send(db, core, account, "email_changed", new_email=user.email)
    audit(db, request, "email.verified", "user", user.id, old={"email": account.email}, new={"email": user.email})
    publish(db, EmailVerified(user_id=user.id, changed=changed))
    return user


def _take_address(db: Session, core: Core, user_id: uuid.UUID) -> User:
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(
            email=User.email_verification_address,
            pending_email=func.nullif(User.pending_email, User.email_verification_address),
            email_verified_at=core.clock(),
            email_verification_token_hash=None,
            email_verification_expires_at=None,
            email_verification_address=None,
        )
        .returning(User)
    )
    try:
        return db.scalars(statement).one()
    except IntegrityError as error:
        if "uq_users_email" in str(error.orig):
            raise email_taken() from error
        raise


def unusable_link() -> Invalid:
    message = _("This link has expired or has been used already.")
    return Invalid("token_invalid", message, errors={"token": [message]})


def request_verification(db: Session, email: str) -> None:
    """Note that somebody wants another link; the caller hears the same whether or not the account exists.

    The look-up happens in :func:`resend_verification`, after the answer, so that the answer's time tells nothing.
    """
    publish(db, VerificationRequested(email=email))


def resend_verification(delivery: Delivery, event: VerificationRequested) -> None:
    """Send another link where one is due: to an unverified account, or to an address being changed to.

    The row is held from the look-up on, so that no address is changed between choosing it and noting the token.
    """
    account = account_by_email(delivery.db, event.email, lock=True)
    if account is not None and link_due(account):
        pending = account.pending_email if account.email_verified else None
        send_verification(delivery.db, delivery.core, account, pending=pending)


def link_due(account: Account) -> bool:
    return not account.email_verified or account.pending_email is not None
