"""People, their sessions, and the groups that grant them permissions."""

import datetime as dt
import uuid

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from lms_core.kernel.columns import Count, Document, Off, On, at_least, sparse_index
from lms_core.kernel.db import Base, Created, Identified, Timestamped

LIVING = text("deleted_at IS NULL")


class User(Identified, Timestamped, Base):
    """An account.

    Tokens and backup codes rest here only as hashes, the TOTP secret only sealed. ``email_verified`` and
    ``two_factor_enabled`` are computed by the database from their dates, so they are read, never written.
    """

    __tablename__ = "users"

    email: Mapped[str]
    email_verified: Mapped[bool] = mapped_column(Computed("email_verified_at IS NOT NULL", persisted=True))
    email_verified_at: Mapped[dt.datetime | None]
    email_verification_token_hash: Mapped[str | None]
    email_verification_expires_at: Mapped[dt.datetime | None]
    email_verification_address: Mapped[str | None]
    """Where the link was mailed to: the only address that it can verify."""
    pending_email: Mapped[str | None]
    """The address this account changes to once its owner has verified it."""
    password_hash: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    display_name: Mapped[str | None]
    avatar_url: Mapped[str | None]
    bio: Mapped[str | None]
    phone: Mapped[str | None]
    date_of_birth: Mapped[dt.date | None]
    gender: Mapped[str | None]
    country: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    preferred_language: Mapped[str] = mapped_column(server_default="en")
    is_active: Mapped[On]
    suspended_at: Mapped[dt.datetime | None]
    suspended_reason: Mapped[str | None]
    last_login_at: Mapped[dt.datetime | None]
    login_count: Mapped[Count]
    failed_login_attempts: Mapped[Count]
    failed_login_locked_until: Mapped[dt.datetime | None]
    password_changed_at: Mapped[dt.datetime | None]
    must_change_password: Mapped[Off]
    two_factor_enabled: Mapped[bool] = mapped_column(Computed("two_factor_confirmed_at IS NOT NULL", persisted=True))
    two_factor_secret: Mapped[str | None]
    two_factor_confirmed_at: Mapped[dt.datetime | None]
    two_factor_last_step: Mapped[int | None]
    """The 30-second step (RFC 6238) of the last code accepted; neither it nor an earlier one is accepted again."""
    backup_codes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    extra: Mapped[Document] = mapped_column("metadata")
    deleted_at: Mapped[dt.datetime | None]

    @hybrid_property
    def full_name(self) -> str:
        """First and last name, as far as there are; ``User.full_name.ilike(...)`` has its trigram index."""
        return f"{self.first_name} {self.last_name}".strip()

    @full_name.inplace.expression
    @classmethod
    def _full_name(cls) -> ColumnElement[str]:
        # The blank is a literal, because the planner does not know an indexed expression with a parameter in it.
        return func.btrim(cls.first_name + literal_column("' '") + cls.last_name)

    __table_args__ = (
        CheckConstraint(r"email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'", name="email"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint(
            "email_verification_token_hash IS NULL OR email_verification_address IS NOT NULL",
            name="email_verification_address",
        ),
        CheckConstraint("two_factor_confirmed_at IS NULL OR two_factor_secret IS NOT NULL", name="two_factor_secret"),
        *at_least(0, "login_count", "failed_login_attempts"),
        Index("uq_users_email", text("lower(email)"), unique=True, postgresql_where=LIVING),
        Index(
            "uq_users_email_verification_token_hash",
            "email_verification_token_hash",
            unique=True,
            postgresql_where=text("email_verification_token_hash IS NOT NULL"),
        ),
        Index("ix_users_email_trgm", "email", postgresql_using="gin", postgresql_ops={"email": "gin_trgm_ops"}),
        Index(
            "ix_users_name_trgm",
            literal_column("btrim((first_name || ' '::text) || last_name)").label("full_name"),
            postgresql_using="gin",
            postgresql_ops={"full_name": "gin_trgm_ops"},
        ),
        Index(
            "ix_users_display_name_trgm",
            "display_name",
            postgresql_using="gin",
            postgresql_ops={"display_name": "gin_trgm_ops"},
        ),
        Index(None, "last_name", "first_name", "id", postgresql_where=LIVING),
        Index(None, "created_at", "id", postgresql_where=LIVING),
    )


class UserSession(Identified, Created, Base):
    """One device's login.

    ``previous_token_hash`` is the refresh token that the present one replaced at ``token_rotated_at``: shown again soon
    after that, it comes from a second tab; later, it betrays a theft.
    """

    __tablename__ = "user_sessions"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    refresh_token_hash: Mapped[str] = mapped_column(unique=True)
    previous_token_hash: Mapped[str | None]
    token_rotated_at: Mapped[dt.datetime | None]
    device_name: Mapped[str | None]
    device_type: Mapped[str | None]
    browser: Mapped[str | None]
    browser_version: Mapped[str | None]
    os: Mapped[str | None]
    os_version: Mapped[str | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    location: Mapped[Document]
    is_active: Mapped[bool] = mapped_column(Computed("revoked_at IS NULL", persisted=True))
    last_accessed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    revoked_reason: Mapped[str | None]

    __table_args__ = (
        Index(None, "user_id", "revoked_at"),
        Index(None, "expires_at"),
    )


class PasswordReset(Identified, Created, Base):
    """A reset link that was sent; only the hash of its token is kept."""

    __tablename__ = "password_resets"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class CalendarLink(Identified, Created, Base):
    """The address at which somebody's calendar is read by who has it; only the hash of its token is kept.

    A trigger deletes it once the password is another, or the account is suspended, switched off or deleted.
    """

    __tablename__ = "calendar_links"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)


class Group(Identified, Timestamped, Base):
    """A role. System groups come with the installation and cannot be deleted; a higher priority is shown first."""

    __tablename__ = "groups"

    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    description: Mapped[str | None]
    is_system: Mapped[Off]
    priority: Mapped[Count]
    extra: Mapped[Document] = mapped_column("metadata")


class Permission(Identified, Created, Base):
    """A thing that can be granted: an action on a resource, within a scope (own, assigned, enrolled or all)."""

    __tablename__ = "permissions"

    resource: Mapped[str]
    action: Mapped[str]
    scope: Mapped[str]
    description: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("scope IN ('own', 'assigned', 'enrolled', 'all')", name="scope"),
        UniqueConstraint("resource", "action", "scope"),
    )


class GroupPermission(Identified, Base):
    """A grant of one permission to one group."""

    __tablename__ = "group_permissions"

    group_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"))
    permission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("permissions.id", ondelete="CASCADE"), index=True)
    constraints: Mapped[Document]
    granted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (UniqueConstraint("group_id", "permission_id"), sparse_index("granted_by"))


class UserGroup(Identified, Base):
    """A person's membership of a group, for good or until ``expires_at``."""

    __tablename__ = "user_groups"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    group_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    assigned_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    assigned_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[dt.datetime | None]

    __table_args__ = (UniqueConstraint("user_id", "group_id"), sparse_index("assigned_by"))
