"""Requests to join in the resource tree: a course's, one's own, and single ones."""

from typing import Any, ClassVar

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.requests import queries
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item, Resource

ROSTER = ("rosters:read", "rosters:update")


class CourseRequests(OfCourse):
    """``/courses/{id}/enrollment-requests``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, ROSTER)


class MyRequests(Resource):
    """``/users/me/enrollment-requests``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:read"], ["own"])


class RequestCollection(Collection):
    """``/enrollment-requests``: reached by id only."""


class RequestItem(Item):
    """``/enrollment-requests/{id}``: the applicant's own, and whose who may see or change the course's roster."""

    def load(self) -> Any:
        return self.read(self.request.reader)

    def read(self, connection: Any) -> Any:
        """The row, through either lane."""
        return fetch(connection, queries.request_by(self.request.registry, self.id), caller_id(self.request))

    @property
    def own(self) -> bool:
        """Whether it is the caller's; of a course that was deleted, nobody has one."""
        return self.row.course_deleted_at is None and bool(self.row.user_id == caller_id(self.request))

    @property
    def staff(self) -> bool:
        """Whether the caller sees it as one of those who run the course."""
        return any(may_in_course(self.request, self.row, permission) for permission in ROSTER)

    @property
    def concealed(self) -> bool:
        return not self.own and not self.staff

    @property
    def __acl__(self) -> list[ACE]:
        acl = course_acl(self.request, self.row, ROSTER)
        if self.own:
            acl += scoped_acl(["enrollments:read"], ["own"])
            acl.append((Allow, "enrollments:create:own", "enrollments:withdraw"))
        if self.staff:
            acl.append((Allow, Authenticated, "enrollments:read"))
        return acl

    @property
    def shown(self) -> Any:
        """The row, without what only staff learn where the caller is the applicant."""
        if self.staff:
            return self.row
        return {**self.row._mapping, "reviewer_id": None}
