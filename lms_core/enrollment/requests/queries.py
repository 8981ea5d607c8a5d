"""Reads of requests to join."""

import uuid
from typing import Any

from sqlalchemy import Connection, null, select
from sqlalchemy.orm import Session, aliased

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.enrollment.models import EnrollmentRequest
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import Page, page_of

COLUMNS = (
    EnrollmentRequest.id, EnrollmentRequest.user_id, EnrollmentRequest.status, EnrollmentRequest.reason_for_joining,
    EnrollmentRequest.created_at, EnrollmentRequest.reviewed_at, EnrollmentRequest.review_notes,
    EnrollmentRequest.earlier, Course.title.label("course_title"), Course.slug.label("course_slug"),
    User.full_name.label("user_name"), User.avatar_url.label("user_avatar_url"),
)  # fmt: skip
_Reviewer = aliased(User)
_REVIEWER = (
    EnrollmentRequest.reviewed_by.label("reviewer_id"),
    _Reviewer.full_name.label("reviewer_name"),
    _Reviewer.avatar_url.label("reviewer_avatar_url"),
)
"""Which of the staff it was, only staff learn."""


def _requests(*more: Any, staff: bool) -> AnySelect:
    reviewer = _REVIEWER if staff else [null().label(column.key) for column in _REVIEWER]
    statement = (
        select(*COLUMNS, *reviewer, *more)
        .join_from(EnrollmentRequest, Course, Course.id == EnrollmentRequest.course_id)
        .join(User, User.id == EnrollmentRequest.user_id)
    )
    return statement.outerjoin(_Reviewer, _Reviewer.id == EnrollmentRequest.reviewed_by) if staff else statement


def request_by(registry: Any, request_id: uuid.UUID) -> AnySelect:
    """The statement of a request, with its course and the caller's part there."""
    return _requests(*access_columns(registry), staff=True).where(EnrollmentRequest.id == request_id)


def request(connection: Connection | Session, request_id: uuid.UUID) -> AnyRow | None:
    """A request as its applicant sees it."""
    statement = _requests(Course.id.label("course_id"), staff=False)
    return connection.execute(statement.where(EnrollmentRequest.id == request_id)).first()


def of_course(connection: Connection, course_id: uuid.UUID, *, status: str, page: int, limit: int) -> Page:
    """The requests of a course in one state, those that have waited longest first."""
    statement = _requests(Course.id.label("course_id"), staff=True).where(
        EnrollmentRequest.course_id == course_id, EnrollmentRequest.status == status, LIVING
    )
    order = (EnrollmentRequest.created_at, EnrollmentRequest.id)
    return page_of(connection, statement.order_by(*order), page=page, limit=limit)


def of_person(connection: Connection, user_id: uuid.UUID, *, status: str | None, page: int, limit: int) -> Page:
    """A person's requests, the latest first."""
    statement = _requests(Course.id.label("course_id"), staff=False)
    statement = statement.where(EnrollmentRequest.user_id == user_id, Course.deleted_at.is_(None))
    if status is not None:
        statement = statement.where(EnrollmentRequest.status == status)
    order = (EnrollmentRequest.created_at.desc(), EnrollmentRequest.id)
    return page_of(connection, statement.order_by(*order), page=page, limit=limit)
