"""Reads of what was granted to single students."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.kernel.db import AnySelect


@dataclass(frozen=True, slots=True)
class Granted:
    """What one student has in one course beyond what all have.

    Where somebody has so many minutes, they have ``extra_time_factor`` (1 to 5) times as many; where so many attempts,
    ``extra_attempts`` more. ``unlock_dates`` are by module.
    """

    extra_time_factor: Decimal = Decimal(1)
    extra_attempts: int = 0
    extended_until: dt.datetime | None = None
    waives_sequence: bool = False
    unlock_dates: Mapping[uuid.UUID, dt.datetime] = field(default_factory=lambda: MappingProxyType({}))


NOTHING = Granted()


def dates() -> Any:
    """The dates of the enclosing statement's accommodation: a JSON array of ``[moduleId, unlocksAt]``, or null."""
    return (
        select(func.jsonb_agg(func.jsonb_build_array(AccommodationDate.module_id, AccommodationDate.unlocks_at)))
        .where(AccommodationDate.accommodation_id == Accommodation.id)
        .correlate(Accommodation)
        .scalar_subquery()
    )


def read_dates(found: Any) -> dict[uuid.UUID, dt.datetime]:
    """What :func:`dates` answered."""
    return {uuid.UUID(module_id): dt.datetime.fromisoformat(moment) for module_id, moment in found or ()}


_GRANTED = (
    Accommodation.id.label("accommodation_id"), Accommodation.extra_time_factor, Accommodation.extra_attempts,
    Accommodation.waives_sequence, Enrollment.extended_until, dates().label("dates"),
)  # fmt: skip


def of(connection: Connection | Session, user_id: uuid.UUID, course_id: uuid.UUID) -> Granted:
    """What was granted to somebody in a course; :data:`NOTHING` where nothing was, or they do not take it."""
    row = connection.execute(
        select(*_GRANTED)
        .join_from(Enrollment, Accommodation, Accommodation.enrollment_id == Enrollment.id)
        .where(Enrollment.user_id == user_id, Enrollment.course_id == course_id)
    ).first()
    return granted(row) if row is not None else NOTHING


def granted(row: Any) -> Granted:
    """What a row with the accommodation's columns says; all is null where there is none."""
    if row.accommodation_id is None:
        return NOTHING
    return Granted(
        row.extra_time_factor, row.extra_attempts, row.extended_until, row.waives_sequence, read_dates(row.dates)
    )


def accommodation_by(registry: Any, enrollment_id: uuid.UUID) -> AnySelect:
    """The statement of what was granted with an enrollment, if anything was, with the caller's part in the course."""
    return (
        select(
            Enrollment.id, Enrollment.user_id, *_GRANTED, Accommodation.reason, Accommodation.updated_at,
            User.id.label("granted_by_id"), User.full_name.label("granted_by_name"),
            User.avatar_url.label("granted_by_avatar_url"), *access_columns(registry),
        )
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .outerjoin(Accommodation, Accommodation.enrollment_id == Enrollment.id)
        .outerjoin(User, and_(User.id == Accommodation.granted_by, LIVING))
        .where(Enrollment.id == enrollment_id)
    )  # fmt: skip
