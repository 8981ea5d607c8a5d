"""Ratings in the resource tree.

``own`` is of one's rating here, and not of one's course: who owns a course does not delete what is said about it.
"""

import uuid
from typing import Any

from lms_core.courses.access import course_acl, is_open
from lms_core.courses.queries import fetch
from lms_core.courses.resources import InCourse, OfCourse
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Everyone
from lms_core.learning.models import CourseRating
from lms_core.learning.ratings import queries


def reading(request: Request, row: Any) -> list[ACE]:
    """Who may read what is said about the course of the row: everybody, where everybody may know of it."""
    acl = course_acl(request, row, ["ratings:read", "ratings:respond"])
    return [*acl, (Allow, Everyone, "ratings:read")] if is_open(row) else acl


class CourseRatings(OfCourse):
    """``/courses/{id}/ratings``."""

    @property
    def __acl__(self) -> list[ACE]:
        acl = reading(self.request, self.course.row)
        if not self.course.row.course_is_published or self.course.concealed:
            return acl
        # Who took the course may rate it, too, and for them the part "enrolled" is over: the command looks closer.
        return [*acl, *scoped_acl(["ratings:create"], ["enrolled"])]


class RatingCollection(Collection):
    """``/ratings``: reached by id only."""


class RatingItem(InCourse):
    """``/ratings/{id}``."""

    model = CourseRating

    def load(self) -> Any:
        return read_rating(self.request, self.request.reader, self.id)

    @property
    def concealed(self) -> bool:
        return super().concealed and not self.row.is_mine

    @property
    def __acl__(self) -> list[ACE]:
        acl = [*reading(self.request, self.row), *scoped_acl(["ratings:delete"], ["all"])]
        if self.row.is_mine:
            acl += scoped_acl(["ratings:update", "ratings:delete"], ["own"])
            acl += [(Allow, "ratings:update:own", "ratings:read")]
        if not self.concealed:
            acl += scoped_acl(["ratings:vote"], ["own"])
        return acl


def read_rating(request: Request, connection: Any, rating_id: uuid.UUID) -> Any:
    """The rating as the caller sees it, read through either lane, or None."""
    return fetch(connection, queries.rating_by(request.registry, rating_id), caller_id(request))
