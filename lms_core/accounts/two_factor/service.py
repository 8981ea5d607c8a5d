"""Commands of the second factor: enroll, confirm, disable, new backup codes."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.orm import Session

from lms_core.accounts import mailing
from lms_core.accounts.lockout import check_password, count_failure, refuse_locked
from lms_core.accounts.models import User
from lms_core.accounts.queries import Account
from lms_core.accounts.two_factor.codes import (
    invalid_code,
    matching_step,
    new_backup_codes,
    new_secret,
    provisioning_uri,
    qr_code,
    spend_code,
)
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A secret waiting to be confirmed; ``qr_png`` is base64."""

    secret: str
    otpauth_uri: str
    qr_png: str


def already_enabled() -> Conflict:
    return Conflict("two_factor_enabled", _("The second factor is switched on already."))


def not_enabled() -> Conflict:
    return Conflict("two_factor_not_enabled", _("The second factor is not switched on."))


def enroll(db: Session, core: Core, account: Account, password: str, request: Request | None) -> Enrollment:
    """A new secret, not in force before it is confirmed; an earlier one that waits is replaced.

    Raises 401 ``invalid_credentials``, 403 ``account_locked``, 409 ``two_factor_enabled``.
    """
    check_password(core, account, password, request)
    secret = new_secret()
    statement = (
        update(User)
        .where(User.id == account.id, User.two_factor_confirmed_at.is_(None))
        .values(two_factor_secret=core.tokens.cipher.seal(secret))
        .returning(User.id)
    )
    if db.execute(statement).one_or_none() is None:
        raise already_enabled()
    uri = provisioning_uri(core, secret, account.email)
    return Enrollment(secret, uri, qr_code(uri))


def confirm(db: Session, core: Core, account: Account, code: str, request: Request | None) -> list[str]:
    """Switch the second factor on, for who shows that their app has the secret; answers the backup codes.

    The code only proves the set-up and opens nothing, so it is not spent: it may still be the first one to sign in
    with. Raises 401 ``invalid_code``, 403 ``account_locked``, 409 ``two_factor_enabled``, ``two_factor_not_enrolled``.
    """
    if account.two_factor_enabled:
        raise already_enabled()
    if account.two_factor_secret is None:
        raise Conflict("two_factor_not_enrolled", _("Enroll first."))
    refuse_locked(account, core.clock())
    if matching_step(core, account.two_factor_secret, code) is None:
        count_failure(core, account.id, request)
        raise invalid_code()
    shown, hashes = new_backup_codes()
    # The secret is compared so that two tabs enrolling at once cannot confirm one and keep the other.
    statement = (
        update(User)
        .where(User.id == account.id, User.two_factor_confirmed_at.is_(None))
        .where(User.two_factor_secret == account.two_factor_secret)
        .values(two_factor_confirmed_at=core.clock(), two_factor_last_step=None, backup_codes=hashes)
        .returning(User.id)
    )
    if db.execute(statement).one_or_none() is None:
        raise already_enabled()
    mailing.send(db, core, account, "two_factor_enabled")
    audit(db, request, "two_factor.enabled", "user", account.id)
    return shown


def disable(db: Session, core: Core, account: Account, password: str, code: str, request: Request | None) -> None:
    """Switch the second factor off and forget its secret and codes. Raises like :func:`renew_backup_codes`."""
    _check_both(core, account, password, code, request)
    forgotten = dict.fromkeys(("two_factor_confirmed_at", "two_factor_secret", "two_factor_last_step"))
    db.execute(update(User).where(User.id == account.id).values(backup_codes=[], **forgotten))
    mailing.send(db, core, account, "two_factor_disabled")
    audit(db, request, "two_factor.disabled", "user", account.id)


def renew_backup_codes(
    db: Session, core: Core, account: Account, password: str, code: str, request: Request | None
) -> list[str]:
    """Ten new backup codes in place of all earlier ones.

    Raises 401 ``invalid_credentials`` and ``invalid_code``, 403 ``account_locked``, 409 ``two_factor_not_enabled``.
    """
    _check_both(core, account, password, code, request)
    shown, hashes = new_backup_codes()
    db.execute(update(User).where(User.id == account.id).values(backup_codes=hashes))
    audit(db, request, "two_factor.codes_renewed", "user", account.id)
    return shown


def _check_both(core: Core, account: Account, password: str, code: str, request: Request | None) -> None:
    if not account.two_factor_enabled:
        raise not_enabled()
    check_password(core, account, password, request)
    if not spend_code(core, account, code):
        count_failure(core, account.id, request)
        raise invalid_code()
