"""Reads of accounts: who a session belongs to, what an account may, and how it shows itself."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from lms_core.accounts.fields import normal_address
from lms_core.accounts.models import CalendarLink, Group, GroupPermission, Permission, User, UserGroup, UserSession
from lms_core.kernel.errors import Invalid, Unauthorized
from lms_core.kernel.i18n import _
from lms_core.kernel.prepared import Prepared
from lms_core.kernel.security import Identity, make_identity
from lms_core.kernel.tokens import AccessClaims, hash_token

LIVING: ColumnElement[bool] = User.deleted_at.is_(None)
USABLE: ColumnElement[bool] = and_(LIVING, User.is_active, User.suspended_at.is_(None))
"""Accounts that may act: neither deleted nor switched off nor suspended."""


def live_session(now: ColumnElement[dt.datetime]) -> ColumnElement[bool]:
    return and_(UserSession.revoked_at.is_(None), UserSession.expires_at > now)


def _array(of: Select[Any]) -> ColumnElement[list[str]]:
    return func.array(of.scalar_subquery(), type_=ARRAY(Text))


def _membership(now: ColumnElement[dt.datetime]) -> ColumnElement[bool]:
    return and_(UserGroup.user_id == User.id, or_(UserGroup.expires_at.is_(None), UserGroup.expires_at > now))


def _groups(now: ColumnElement[dt.datetime]) -> ColumnElement[list[str]]:
    """The names of the account's groups, the one of highest priority first."""
    joined = select(Group.name).join(UserGroup, UserGroup.group_id == Group.id)
    return _array(joined.where(_membership(now)).order_by(Group.priority.desc(), Group.name).correlate(User))


def _grants(now: ColumnElement[dt.datetime]) -> Select[Any]:
    """What the groups grant, ``resource:action:scope``; twice where two groups grant it."""
    grant = Permission.resource + ":" + Permission.action + ":" + Permission.scope
    joined = (
        select(grant.label("name"))
        .join(GroupPermission, GroupPermission.permission_id == Permission.id)
        .join(UserGroup, UserGroup.group_id == GroupPermission.group_id)
    )
    return joined.where(_membership(now)).correlate(User)


def grants(now: ColumnElement[dt.datetime]) -> ColumnElement[list[str]]:
    """What its groups grant the account of the enclosing statement, ``resource:action:scope`` each."""
    return _array(_grants(now))


_NOW = bindparam("now", type_=User.created_at.type)

_PERSON = (
    User.id.label("user_id"), User.preferred_language.label("locale"), User.timezone.label("time_zone"),
    User.must_change_password.label("password_due"), _groups(_NOW).label("groups"),
    grants(_NOW).label("grants"),
)  # fmt: skip
_IDENTITY = Prepared(
    select(*_PERSON, UserSession.id.label("session_id"))
    .join(UserSession, UserSession.user_id == User.id)
    .where(UserSession.id == bindparam("session"), User.id == bindparam("user"), live_session(_NOW), USABLE)
)
_BY_CALENDAR = Prepared(
    select(*_PERSON, CalendarLink.id.label("session_id"))
    .join(CalendarLink, CalendarLink.user_id == User.id)
    .where(CalendarLink.token_hash == bindparam("token_hash"), USABLE)
)


def identity_loader(clock: Callable[[], dt.datetime]) -> Callable[[Connection, AccessClaims], Identity | None]:
    """The identity of a live session of a usable account, in one statement."""

    def load(connection: Connection, claims: AccessClaims) -> Identity | None:
        values = {"session": claims.session_id, "user": claims.user_id, "now": clock()}
        row = _IDENTITY.first(connection, **values)
        return make_identity(row) if row is not None else None

    return load


def calendar_identity(connection: Connection, token: str, now: dt.datetime) -> Identity | None:
    """Who made the address of their calendar that has this token, in one statement. It opens that calendar alone."""
    row = _BY_CALENDAR.first(connection, token_hash=hash_token(token), now=now)
    return make_identity(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs to know of an account that is not deleted."""

    id: uuid.UUID
    email: str
    email_verified: bool
    pending_email: str | None
    email_verification_address: str | None
    password_hash: str
    first_name: str
    preferred_language: str
    is_active: bool
    suspended_at: dt.datetime | None
    failed_login_locked_until: dt.datetime | None
    two_factor_enabled: bool
    two_factor_secret: str | None

    @classmethod
    def of(cls, source: Any) -> "Account":
        """From a row or an entity."""
        return cls(**{name: getattr(source, name) for name in cls.__dataclass_fields__})

    @property
    def suspended(self) -> bool:
        return self.suspended_at is not None or not self.is_active


_ACCOUNT = select(*(getattr(User, name) for name in Account.__dataclass_fields__)).where(LIVING)


def account_where(db: Session, *conditions: ColumnElement[bool], lock: bool = False) -> Account | None:
    """The one account that meets the conditions; ``lock`` keeps others from changing it until the session ends."""
    statement = _ACCOUNT.where(*conditions)
    row = db.execute(statement.with_for_update(key_share=True) if lock else statement).one_or_none()
    return Account.of(row) if row is not None else None


def has_address(email: str) -> ColumnElement[bool]:
    """Whether an account has the address, without regard to case and to how its domain is written."""
    return func.lower(User.email) == func.lower(normal_address(email))


def account_by_email(db: Session, email: str, *, lock: bool = False) -> Account | None:
    """The account of an address (:func:`has_address`)."""
    return account_where(db, has_address(email), lock=lock)


def account_by_id(db: Session, user_id: uuid.UUID) -> Account | None:
    return account_where(db, User.id == user_id)


def person_named(db: Session, values: Mapping[str, Any]) -> uuid.UUID:
    """Whose usable account is named by its ``user_id``, or else by its ``email``. Raises 422 ``user_unknown``."""
    by_id = "user_id" in values
    named = User.id == values["user_id"] if by_id else has_address(values["email"])
    found = db.scalar(select(User.id).where(named, USABLE))
    if found is None:
        message = _("There is no such person.")
        raise Invalid("user_unknown", message, errors={"userId" if by_id else "email": [message]})
    return found


def own_account(db: Session, caller: Identity) -> Account:
    """The caller's account. Raises 401 ``session_ended`` where it was deleted a moment ago."""
    account = account_by_id(db, caller.user_id)
    if account is None:
        raise session_ended()
    return account


def session_ended() -> Unauthorized:
    return Unauthorized("session_ended", _("This session has ended; sign in again."))


_PROFILE = select(
    User.id,
    User.email,
    User.email_verified,
    User.pending_email,
    User.first_name,
    User.last_name,
    User.full_name.label("full_name"),
    User.display_name,
    User.avatar_url,
    User.bio,
    User.phone,
    User.date_of_birth,
    User.gender,
    User.country,
    User.timezone,
    User.preferred_language,
    User.two_factor_enabled,
    User.must_change_password,
    User.last_login_at,
    User.created_at,
    User.updated_at,
    _groups(_NOW).label("groups"),
    _array(_grants(_NOW).distinct().order_by("name")).label("permissions"),
).where(User.id == bindparam("user"), LIVING)


def profile(
    db: Session | Connection,
    user_id: uuid.UUID,
    now: dt.datetime,
    more: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
) -> Any:
    """The row of an account as its owner sees it, with groups and permissions; None where there is no account.

    ``more`` are columns that later domains add (``registry.profile_columns``), correlated to ``users``.
    """
    statement = _PROFILE.add_columns(*(column.label(name) for name, column in more.items()))
    return db.execute(statement, {"user": user_id, "now": now}).one_or_none()


_SESSION_COLUMNS = (
    UserSession.id,
    UserSession.device_name,
    UserSession.device_type,
    UserSession.browser,
    UserSession.browser_version,
    UserSession.os,
    UserSession.os_version,
    UserSession.ip_address,
    UserSession.location,
    UserSession.created_at,
    UserSession.last_accessed_at,
    UserSession.expires_at,
)


def live_sessions(user_id: uuid.UUID, current: uuid.UUID, now: dt.datetime) -> "Select[*tuple[Any, ...]]":
    """The live sessions of an account, the one used last first; ``current`` marks the caller's own."""
    moment = bindparam(None, now, type_=User.created_at.type)
    return (
        select(*_SESSION_COLUMNS, (UserSession.id == current).label("current"))
        .where(UserSession.user_id == user_id, live_session(moment))
        .order_by(UserSession.last_accessed_at.desc(), UserSession.id)
    )


def own_session(connection: Connection, session_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> Any:
    """The row of a live session, None where it is not the account's own."""
    return connection.execute(live_sessions(user_id, user_id, now).where(UserSession.id == session_id)).one_or_none()
