"""Reads of the certificates domain."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, literal, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import DateTime

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.certificates.addresses import Addresses
from lms_core.certificates.models import Certificate
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course, CourseVersion
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import Page, page_of

STATUSES = ("pending", "valid", "expired", "revoked", "superseded")
_MOMENT = DateTime(timezone=True)
_NUMBER = "{number}"
_said = Certificate.extra
HOLDER = _said["holder"]["name"].astext
TITLE = _said["course"]["title"].astext


def status_at(now: dt.datetime) -> ColumnElement[str]:
    """One of :data:`STATUSES`, at that time."""
    return case(
        (Certificate.replaced_by.is_not(None), "superseded"),
        (Certificate.revoked_at.is_not(None), "revoked"),
        (Certificate.checksum.is_(None), "pending"),
        (Certificate.expires_at <= now, "expired"),
        else_="valid",
    )


def _issued(at: Addresses, now: dt.datetime) -> AnySelect:
    """What its holder and the staff of its course see of a certificate: addresses only of what is there."""
    made = Certificate.checksum.is_not(None)
    return select(
        Certificate.id, Certificate.certificate_number, Certificate.user_id, Certificate.course_id,
        Certificate.issued_at, Certificate.expires_at, Certificate.revoked_at, Certificate.revoked_reason,
        status_at(now).label("status"), HOLDER.label("holder_name"), TITLE.label("course_title"),
        _address(at.page, made).label("verification_url"), _address(at.pdf, made).label("pdf_url"),
        _address(at.credential, Certificate.credential.is_not(None)).label("credential_url"),
    )  # fmt: skip


def _address(of: Callable[[str], str], there: ColumnElement[bool]) -> ColumnElement[str | None]:
    return case((there, func.replace(of(_NUMBER), _NUMBER, Certificate.certificate_number)), else_=None)


def of_person(
    connection: Connection, at: Addresses, user_id: uuid.UUID, now: dt.datetime, *, page: int, limit: int
) -> Page:
    """Somebody's certificates, the newest first."""
    return _page(connection, _issued(at, now).where(Certificate.user_id == user_id), page, limit)


def of_course(
    connection: Connection,
    at: Addresses,
    course_id: uuid.UUID,
    now: dt.datetime,
    *,
    status: str | None,
    user_id: uuid.UUID | None,
    page: int,
    limit: int,
) -> Page:
    """The certificates of a course, the newest first."""
    wanted = _issued(at, now).where(Certificate.course_id == course_id)
    if status is not None:
        wanted = wanted.where(status_at(now) == status)
    if user_id is not None:
        wanted = wanted.where(Certificate.user_id == user_id)
    return _page(connection, wanted, page, limit)


def _page(connection: Connection, wanted: AnySelect, page: int, limit: int) -> Page:
    ordered = wanted.order_by(Certificate.issued_at.desc(), Certificate.id.desc())
    return page_of(connection, ordered, page=page, limit=limit)


def issued(
    connection: Connection | Session, at: Addresses, certificate_id: uuid.UUID, now: dt.datetime
) -> AnyRow | None:
    """One certificate, as its holder sees it."""
    return connection.execute(_issued(at, now).where(Certificate.id == certificate_id)).first()


_WHOLE = (
    Certificate.id, Certificate.certificate_number, Certificate.user_id, Certificate.extra.label("extra"),
    Certificate.issued_at, Certificate.expires_at, Certificate.revoked_at, Certificate.revoked_reason,
    Certificate.key_name, Certificate.signature, Certificate.credential,
    Certificate.storage_provider, Certificate.storage_path, Certificate.file_size, Certificate.checksum,
    User.deleted_at.label("holder_deleted_at"),
)  # fmt: skip


def certificate_by(registry: Any, number: str, now: dt.datetime) -> AnySelect:
    """The statement of a certificate by its number, with the caller's part in its course."""
    return (
        select(*_WHOLE, status_at(now).label("status"), *access_columns(registry))
        .join_from(Certificate, User, User.id == Certificate.user_id)
        .join(Course, Course.id == Certificate.course_id)
        .where(Certificate.certificate_number == number)
    )


def certificate_of_file(connection: Connection, checksum: str, now: dt.datetime) -> AnyRow | None:
    """The certificate whose PDF is exactly the file with this checksum."""
    return connection.execute(
        select(*_WHOLE, status_at(now).label("status"))
        .join_from(Certificate, User, User.id == Certificate.user_id)
        .where(Certificate.checksum == checksum)
    ).first()


def facts(db: Session, enrollment_id: uuid.UUID, now: dt.datetime) -> AnyRow | None:
    """What a certificate of an enrollment would say now, and until when it would be valid; None for no account."""
    teacher = aliased(User)
    expires_at = literal(now, _MOMENT) + func.make_interval(0, Course.certificate_months)
    return db.execute(
        select(
            Enrollment.id.label("enrollment_id"), Enrollment.user_id, Enrollment.course_id, Enrollment.completed_at,
            Enrollment.grade, User.first_name, User.last_name, User.timezone, User.preferred_language,
            Course.code, Course.title, Course.description, Course.language,
            Course.published_minutes.label("duration_minutes"),
            Course.completion_certificate, CourseVersion.number.label("version"),
            teacher.first_name.label("instructor_first_name"), teacher.last_name.label("instructor_last_name"),
            expires_at.label("expires_at"),
        )
        .join_from(Enrollment, User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .join(teacher, teacher.id == Course.instructor_id)
        .outerjoin(CourseVersion, CourseVersion.id == Course.version_id)
        .where(Enrollment.id == enrollment_id, User.deleted_at.is_(None))
    ).first()  # fmt: skip


def enrollment_of(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> uuid.UUID | None:
    """The enrollment of somebody in a course."""
    mine = (Enrollment.course_id == course_id, Enrollment.user_id == user_id)
    return db.scalar(select(Enrollment.id).where(*mine))


def of_gone_accounts(db: Session, limit: int) -> Sequence[Certificate]:
    """Certificates that say whose they are, of accounts that are deleted; locked, but for those that somebody is at."""
    return db.scalars(
        select(Certificate)
        .join(User, User.id == Certificate.user_id)
        .where(User.deleted_at.is_not(None), HOLDER.is_not(None))
        .limit(limit)
        .with_for_update(of=Certificate, skip_locked=True)
    ).all()


def has_any(db: Session, enrollment_id: uuid.UUID) -> bool:
    """Whether an enrollment has had a certificate, valid or not."""
    return db.scalar(select(Certificate.id).where(Certificate.enrollment_id == enrollment_id).limit(1)) is not None


def email_of(db: Session, user_id: uuid.UUID) -> str | None:
    return db.scalar(select(User.email).where(User.id == user_id, LIVING))


def revoked_between(connection: Connection, first: int, end: int) -> Sequence[int]:
    """The places of revoked certificates in a list that begins with ``first``."""
    return connection.scalars(
        select(cast(Certificate.status_index - first, BigInteger)).where(
            Certificate.status_index >= first, Certificate.status_index < end, Certificate.revoked_at.is_not(None)
        )
    ).all()


def last_index(connection: Connection) -> int:
    """The greatest place that any certificate has; 0 where there is none."""
    return connection.scalar(select(func.coalesce(func.max(Certificate.status_index), 0))) or 0
