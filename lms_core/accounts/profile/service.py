"""The command of the profile: edit it, and begin the change of its e-mail address."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms_core.accounts import mailing
from lms_core.accounts.events import ProfileChanged
from lms_core.accounts.lockout import check_password
from lms_core.accounts.models import User
from lms_core.accounts.queries import Account, account_by_email, account_where, session_ended
from lms_core.accounts.registration.service import check_domain, send_verification
from lms_core.accounts.service import email_taken
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, PreconditionFailed
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request


def edit_profile(
    db: Session,
    core: Core,
    account: Account,
    changes: Mapping[str, Any],
    request: Request | None,
    *,
    seen: dt.datetime | None = None,
) -> None:
    """Apply the changes; a new e-mail address waits in ``pending_email`` until its link is followed.

    Raises 412 ``stale`` where the account has changed since ``seen``; for a new address 401 ``invalid_credentials``,
    403 ``account_locked``, 409 ``email_taken``, 422 ``password_required`` and ``email_domain_not_allowed``.
    """
    values = {name: value for name, value in changes.items() if name not in ("email", "current_password")}
    email: str = changes.get("email", account.email)
    moves = email.lower() != account.email.lower()
    if moves:
        # Before anything is written: a wrong password is counted on a connection of its own, which must not find
        # the row held by this one.
        _allow_address(db, core, account, email, changes.get("current_password"), request)
    _update(db, account, values, seen, request)
    if moves:
        _begin_move(db, core, account, email, request)


def _update(
    db: Session, account: Account, values: dict[str, Any], seen: dt.datetime | None, request: Request | None
) -> None:
    before = db.execute(
        select(User.updated_at, *(getattr(User, name) for name in values))
        .where(User.id == account.id)
        .with_for_update(key_share=True)
    ).one()
    if seen is not None and before.updated_at != seen:
        raise PreconditionFailed("stale", _("Somebody changed this since you read it; read it again."))
    changed = {name: value for name, value in values.items() if getattr(before, name) != value}
    if changed:
        db.execute(update(User).where(User.id == account.id).values(**changed))
        old = {name: _plain(getattr(before, name)) for name in changed}
        new = {name: _plain(value) for name, value in changed.items()}
        audit(db, request, "profile.changed", "user", account.id, old=old, new=new)
        publish(db, ProfileChanged(user_id=account.id))


def set_avatar_url(db: Session, user_id: uuid.UUID, url: str | None, request: Request | None) -> None:
    """Say where a person's picture is, or that there is none; the person's row stays locked with the transaction.

    Raises 401 ``session_ended`` where the account was deleted a moment ago.
    """
    account = account_where(db, User.id == user_id, lock=True)
    if account is None:
        raise session_ended()
    _update(db, account, {"avatar_url": url}, None, request)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _allow_address(
    db: Session, core: Core, account: Account, email: str, password: str | None, request: Request | None
) -> None:
    """Whoever found a screen unlocked must not be able to take the account along."""
    check_domain(core.settings, email)
    if password is None:
        message = _("Give the current password to change the e-mail address.")
        raise Invalid("password_required", message, errors={"currentPassword": [message]})
    check_password(core, account, password, request)
    if account_by_email(db, email) is not None:
        raise email_taken()


def _begin_move(db: Session, core: Core, account: Account, email: str, request: Request | None) -> None:
    """Ask the new address for a proof, and warn the old one."""
    db.execute(update(User).where(User.id == account.id).values(pending_email=email))
    send_verification(db, core, account, pending=email)
    mailing.send(db, core, account, "email_change_requested", new_email=email)
    audit(db, request, "email.change_requested", "user", account.id, new={"email": email})
