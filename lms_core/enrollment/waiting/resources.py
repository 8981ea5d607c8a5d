"""Waiting lists in the resource tree: a course's, one's own places, and single ones."""

from typing import Any, ClassVar

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.waiting import queries
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item, Resource


class CourseWaits(OfCourse):
    """``/courses/{id}/waiting-list``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, ["rosters:read"])


class MyWaits(Resource):
    """``/users/me/waits``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:read"], ["own"])


class WaitCollection(Collection):
    """``/waits``: reached by id only."""


class WaitItem(Item):
    """``/waits/{id}``: one's own, and whose who may see or change the course's roster."""

    def load(self) -> Any:
        return fetch(self.request.reader, queries.wait_by(self.request.registry, self.id), caller_id(self.request))

    @property
    def own(self) -> bool:
        """Whether it is the caller's; of a course that was deleted, nobody has one."""
        return self.row.course_deleted_at is None and bool(self.row.user_id == caller_id(self.request))

    def _staff(self, permission: str) -> bool:
        return may_in_course(self.request, self.row, permission)

    @property
    def concealed(self) -> bool:
        return not (self.own or self._staff("rosters:read") or self._staff("rosters:update"))

    @property
    def __acl__(self) -> list[ACE]:
        acl: list[ACE] = []
        if self.own:
            acl += scoped_acl(["enrollments:read"], ["own"])
            acl.append((Allow, "enrollments:create:own", "waits:delete"))
        if not self.concealed and not self.own:
            acl.append((Allow, Authenticated, "enrollments:read"))
        if self._staff("rosters:update"):
            acl.append((Allow, Authenticated, "waits:delete"))
        return acl
