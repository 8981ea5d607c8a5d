"""Reads of invitations."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, select
from sqlalchemy.orm import Session, aliased

from lms_core.accounts.models import User
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.courses.queries import IN_CATALOG
from lms_core.enrollment.methods import enrollment_methods
from lms_core.enrollment.models import Enrollment, Invitation
from lms_core.enrollment.queries import ENROLLED
from lms_core.kernel.core import Core
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import Page, page_of
from lms_core.kernel.security import CALLER

MOST = 500
"""Addresses that one request invites."""
LONGEST_DAYS = 180
"""How far ahead an invitation can end."""

STATUS: ColumnElement[str] = case(
    (and_(Invitation.status == "pending", Invitation.expires_at <= func.now()), "expired"),
    else_=Invitation.status.expression,
)
"""What an invitation is good for at this moment."""
_Inviter = aliased(User)
_INVITER = (
    _Inviter.full_name.label("inviter_name"),
    _Inviter.id.label("inviter_id"), _Inviter.avatar_url.label("inviter_avatar_url"),
)  # fmt: skip
COLUMNS = (
    Invitation.id, Invitation.email, STATUS.label("status"), Invitation.message, Invitation.user_id,
    Invitation.sent_at, Invitation.sent_count, Invitation.expires_at, Invitation.ended_at, Invitation.created_at,
    Course.title.label("course_title"), Course.slug.label("course_slug"), *_INVITER,
)  # fmt: skip


def _invitations(*more: Any) -> AnySelect:
    return (
        select(*COLUMNS, *more)
        .join_from(Invitation, Course, Course.id == Invitation.course_id)
        .outerjoin(_Inviter, _Inviter.id == Invitation.invited_by)
    )


def invitation_by(registry: Any, invitation_id: uuid.UUID) -> AnySelect:
    """The statement of an invitation, with its course, the caller's part there, and whether it is the caller's own."""
    own = exists().where(User.id == CALLER, User.email_verified, func.lower(User.email) == func.lower(Invitation.email))
    statement = _invitations(own.correlate(Invitation).label("own"), *access_columns(registry))
    return statement.where(Invitation.id == invitation_id)


def invitation(connection: Connection | Session, invitation_id: uuid.UUID) -> AnyRow:
    statement = _invitations(Course.id.label("course_id")).where(Invitation.id == invitation_id)
    return connection.execute(statement).one()


def _joined_so(core: Core) -> ColumnElement[bool]:
    """Whether people can join the course, and by invitation."""
    inviting = [name for name, method in enrollment_methods(core).items() if method.invites]
    return and_(IN_CATALOG, Course.enrollment_type.in_(inviting))


def of_link(connection: Connection | Session, core: Core, token_hash: str) -> AnyRow | None:
    """The invitation that a link belongs to, of a course that people can join by it."""
    statement = _invitations(Course.id.label("course_id")).where(Invitation.token_hash == token_hash, _joined_so(core))
    return connection.execute(statement).first()


def of_course(
    connection: Connection, course_id: uuid.UUID, *, status: str | None, search: str, page: int, limit: int
) -> Page:
    """The invitations of a course, the newest first."""
    statement = _invitations(Course.id.label("course_id")).where(Invitation.course_id == course_id)
    if status is not None:
        statement = statement.where(STATUS.in_([status]))
    if search:
        statement = statement.where(Invitation.email.icontains(search, autoescape=True))
    order = (Invitation.created_at.desc(), Invitation.id.desc())
    return page_of(connection, statement.order_by(*order), page=page, limit=limit)


def of_person(connection: Connection, core: Core, user_id: uuid.UUID, *, page: int, limit: int) -> Page:
    """What somebody can still accept, the newest first: by their verified address, in courses they are not in."""
    address = select(func.lower(User.email)).where(User.id == user_id, User.email_verified).scalar_subquery()
    there = exists().where(Enrollment.course_id == Invitation.course_id, Enrollment.user_id == user_id, ENROLLED)
    statement = _invitations(Course.id.label("course_id")).where(
        func.lower(Invitation.email) == address, Invitation.expires_at > func.now(),
        Invitation.status.in_(("pending", "declined")), _joined_so(core), ~there,
    )  # fmt: skip
    order = (Invitation.created_at.desc(), Invitation.id.desc())
    return page_of(connection, statement.order_by(*order), page=page, limit=limit)
