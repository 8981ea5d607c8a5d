"""Sessions and their refresh tokens.

A refresh token is ``<session>.<secret>.<mark>`` and works once: refreshing rotates it. Because it names its session and
bears a mark that only we can make, every token the session ever gave out is known for what it is, however old, and a
made-up one is known, too: that is refused and ends nothing, or whoever learns a session's id could end it.

Two tabs that wake up together both send the present token. One rotates it; the other is answered 409
``refresh_raced`` for as long as ``lms.session.refresh_grace`` after the rotation: it gets no tokens and ends nothing,
and goes on with the first one's, which its browser has by then. A used token opens nothing at any time. Shown after the
grace, or where it is older than the one before the present one, its owner or a thief has kept it, nobody can tell
which, and the session ends.
"""

import datetime as dt
import hmac
import uuid
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lms_core.accounts.mailing import later
from lms_core.accounts.models import User, UserSession
from lms_core.accounts.queries import USABLE, session_ended
from lms_core.accounts.signin.devices import describe_device
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Forbidden, Unauthorized
from lms_core.kernel.headers import client_address
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.tokens import hash_token


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens of a session; ``expires_in`` is the access token's life in seconds."""

    session_id: uuid.UUID
    access_token: str
    refresh_token: str
    expires_in: int
    csrf_token: str


def account_suspended() -> Forbidden:
    return Forbidden("account_suspended", _("This account is suspended."))


def open_session(db: Session, core: Core, user_id: uuid.UUID, request: Request | None) -> Grant:
    """A new session, on the device the request comes from."""
    session_id = uuid.uuid4()
    token = core.tokens.refresh.issue(session_id)
    db.execute(
        insert(UserSession).values(
            id=session_id,
            user_id=user_id,
            refresh_token_hash=hash_token(token),
            expires_at=later(core, "lms.session.ttl"),
            created_at=core.clock(),
            last_accessed_at=core.clock(),
            ip_address=client_address(request) if request else None,
            **describe_device(request.user_agent if request else None),
        )
    )
    return _grant(core, user_id, session_id, token)


def refresh(db: Session, core: Core, token: str, request: Request | None) -> Grant:
    """Rotate a refresh token, and extend its session by the session's life.

    Raises 401 ``token_invalid``, ``session_ended``, or ``token_reused`` (the session ends); 403
    ``account_suspended``; 409 ``refresh_raced``.
    """
    statement = (
        select(UserSession, USABLE.label("usable"))
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.id == core.tokens.refresh.session_of(token))
    )
    held = db.execute(statement).one_or_none()
    if held is None:
        raise invalid_token()
    session: UserSession = held.UserSession
    current = hmac.compare_digest(session.refresh_token_hash, hash_token(token))
    if not (current or core.tokens.refresh.issued(token)):
        raise invalid_token()
    if session.revoked_at is not None or session.expires_at <= core.clock():
        raise session_ended()
    if not current:
        _refuse_used(core, session, token, request)
    if not held.usable:
        raise account_suspended()
    return _rotate(db, core, session)


def invalid_token() -> Unauthorized:
    return Unauthorized("token_invalid", _("The token is not valid."))


def _rotate(db: Session, core: Core, session: UserSession) -> Grant:
    token = core.tokens.refresh.issue(session.id)
    rotated = db.execute(
        update(UserSession)
        .where(
            UserSession.id == session.id,
            UserSession.refresh_token_hash == session.refresh_token_hash,
            UserSession.revoked_at.is_(None),
        )
        .values(
            refresh_token_hash=hash_token(token),
            previous_token_hash=session.refresh_token_hash,
            token_rotated_at=core.clock(),
            last_accessed_at=core.clock(),
            expires_at=later(core, "lms.session.ttl"),
        )
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if rotated is None:
        raise _raced()
    return _grant(core, session.user_id, session.id, token)


def _raced() -> Conflict:
    detail = _("Another request has just refreshed this session; use its tokens.")
    return Conflict("refresh_raced", detail, retry_after=1)


def _refuse_used(core: Core, session: UserSession, token: str, request: Request | None) -> NoReturn:
    """Tell a second tab to wait for the first one's tokens; whoever else has a used token ends the session."""
    since = core.clock() - dt.timedelta(seconds=core.settings.seconds("lms.session.refresh_grace"))
    just_replaced = session.token_rotated_at is not None and session.token_rotated_at > since
    if just_replaced and hmac.compare_digest(session.previous_token_hash or "", hash_token(token)):
        raise _raced()
    # In a transaction of its own: the refusal rolls the request's back.
    with core.transaction() as db:
        revoke(db, core.clock(), session.id, "token_reused")
        audit(db, request, "session.token_reused", "session", session.id, new={"user": str(session.user_id)})
    raise Unauthorized("token_reused", _("This token was used before, so its session has ended; sign in again."))


def revoke(db: Session, now: dt.datetime, session_id: uuid.UUID, reason: str) -> uuid.UUID | None:
    """End a session. Answers whose it was, None where it had ended already."""
    return db.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason=reason)
        .returning(UserSession.user_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()


def revoke_all(
    db: Session, now: dt.datetime, user_id: uuid.UUID, reason: str, *, keep: uuid.UUID | None = None
) -> None:
    """End the sessions of an account, all but the one to keep."""
    statement = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if keep is not None:
        statement = statement.where(UserSession.id != keep)
    db.execute(statement.values(revoked_at=now, revoked_reason=reason).execution_options(synchronize_session=False))


def _grant(core: Core, user_id: uuid.UUID, session_id: uuid.UUID, token: str) -> Grant:
    access = core.tokens.access
    return Grant(
        session_id=session_id,
        access_token=access.issue(user_id, session_id),
        refresh_token=token,
        expires_in=access.ttl,
        csrf_token=core.tokens.csrf.issue(session_id),
    )
