"""Reads of access codes."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.enrollment.models import AccessCode, AccessCodeUse
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import CursorPage, Page, cursor_page, page_of

STATUS: ColumnElement[str] = case(
    (AccessCode.revoked_at.is_not(None), "revoked"),
    (AccessCode.valid_until <= func.now(), "expired"),
    (AccessCode.used_count >= AccessCode.max_uses, "used_up"),
    (AccessCode.valid_from > func.now(), "not_valid_yet"),
    else_="valid",
)
"""What a code is good for at this moment."""
COLUMNS = (
    AccessCode.id, AccessCode.code, AccessCode.description, AccessCode.max_uses, AccessCode.used_count,
    AccessCode.valid_from, AccessCode.valid_until, AccessCode.revoked_at, AccessCode.created_at,
    STATUS.label("status"),
)  # fmt: skip


def code_by(registry: Any, code_id: uuid.UUID) -> AnySelect:
    """The statement of a code, with its course and the caller's part there."""
    return (
        select(*COLUMNS, *access_columns(registry))
        .join_from(AccessCode, Course, Course.id == AccessCode.course_id)
        .where(AccessCode.id == code_id)
    )


def code(connection: Connection | Session, code_id: uuid.UUID) -> AnyRow | None:
    return connection.execute(select(*COLUMNS, AccessCode.course_id).where(AccessCode.id == code_id)).first()


def of_course(connection: Connection, course_id: uuid.UUID, *, status: str | None, page: int, limit: int) -> Page:
    """The codes of a course, the newest first."""
    statement = select(*COLUMNS, AccessCode.course_id).where(AccessCode.course_id == course_id)
    if status is not None:
        statement = statement.where(STATUS.in_([status]))
    order = (AccessCode.created_at.desc(), AccessCode.id.desc())
    return page_of(connection, statement.order_by(*order), page=page, limit=limit)


def uses(connection: Connection, code_id: uuid.UUID, *, cursor: str | None, limit: int) -> CursorPage:
    """Who has used a code, the latest first."""
    statement = (
        select(
            AccessCodeUse.id, AccessCodeUse.used_at, AccessCodeUse.user_id,
            User.full_name.label("user_name"), User.avatar_url.label("user_avatar_url"),
        )
        .join(User, User.id == AccessCodeUse.user_id)
        .where(AccessCodeUse.code_id == code_id, LIVING)
    )  # fmt: skip
    order: list[Any] = [AccessCodeUse.used_at, AccessCodeUse.id]
    return cursor_page(connection, statement, order=order, cursor=cursor, limit=limit)
