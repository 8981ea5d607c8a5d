"""Reads of ratings.

Of who wrote a review nothing shows but the name, and where the account is closed or suspended not even that.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import Numeric

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.courses.access import access_columns
from lms_core.courses.models import Course
from lms_core.kernel.db import AnyRow, AnySelect
from lms_core.kernel.pagination import Page, page_of
from lms_core.kernel.security import CALLER
from lms_core.learning.models import CourseRating, RatingVote

_VOTE = and_(RatingVote.rating_id == CourseRating.id, RatingVote.user_id == CALLER)
_WORDS = (
    CourseRating.id, CourseRating.rating, CourseRating.review_title, CourseRating.review_content,
    CourseRating.is_verified_purchase, CourseRating.helpful_count, CourseRating.unhelpful_count,
    CourseRating.instructor_response, CourseRating.instructor_response_at, CourseRating.created_at,
    CourseRating.updated_at,
    case((USABLE, func.coalesce(func.nullif(User.display_name, ""), User.first_name))).label("author_name"),
    func.coalesce(CourseRating.user_id == CALLER, False).label("is_mine"),
    case((RatingVote.is_helpful, "helpful"), (~RatingVote.is_helpful, "unhelpful")).label("my_vote"),
)  # fmt: skip
_NEWEST = (CourseRating.created_at.desc(), CourseRating.id.desc())
_SORTS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "newest": _NEWEST,
    "highest": (CourseRating.rating.desc(), *_NEWEST),
    "lowest": (CourseRating.rating.asc(), *_NEWEST),
    "helpful": (CourseRating.helpful_count.desc(), *_NEWEST),
}
_STARS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def _ratings(*columns: Any) -> AnySelect:
    return (
        select(*_WORDS, *columns)
        .join_from(CourseRating, User, User.id == CourseRating.user_id)
        .outerjoin(RatingVote, _VOTE)
    )


def of_course(
    connection: Connection,
    course_id: uuid.UUID,
    caller: uuid.UUID | None,
    *,
    sort: str,
    rating: int | None,
    page: int,
    limit: int,
) -> Page:
    """One page of a course's ratings."""
    wanted = [CourseRating.course_id == course_id]
    if rating is not None:
        wanted.append(CourseRating.rating == rating)
    statement = _ratings(CourseRating.course_id).where(*wanted).order_by(*_SORTS[sort])
    counted = select(CourseRating.id).where(*wanted)
    return page_of(connection, statement, counted=counted, page=page, limit=limit, params={CALLER.key: caller})


def of_caller(connection: Connection, course_id: uuid.UUID, caller: uuid.UUID | None) -> AnyRow | None:
    """The caller's own rating of a course."""
    mine = _ratings(CourseRating.course_id).where(CourseRating.course_id == course_id, CourseRating.user_id == CALLER)
    return connection.execute(mine, {CALLER.key: caller}).first()


def rating_by(registry: Any, rating_id: uuid.UUID) -> AnySelect:
    """The statement of a rating, with its course and the caller's part there."""
    return (
        _ratings(*access_columns(registry))
        .join(Course, Course.id == CourseRating.course_id)
        .where(CourseRating.id == rating_id, Course.deleted_at.is_(None))
    )


def summary(connection: Connection, course_id: uuid.UUID) -> AnyRow:
    """``rating_average``, ``rating_count``, and ``stars_one`` to ``stars_five``, all of one moment."""
    average = func.coalesce(func.round(func.avg(CourseRating.rating), 2), 0, type_=Numeric)
    stars = [
        func.count().filter(CourseRating.rating == number).label(f"stars_{name}") for name, number in _STARS.items()
    ]
    statement = select(average.label("rating_average"), func.count().label("rating_count"), *stars)
    return connection.execute(statement.where(CourseRating.course_id == course_id)).one()


def votes(db: Session, rating_id: uuid.UUID, caller: uuid.UUID) -> AnyRow | None:
    """``helpful_count``, ``unhelpful_count`` and the caller's own vote."""
    return db.execute(_ratings().where(CourseRating.id == rating_id), {CALLER.key: caller}).first()
