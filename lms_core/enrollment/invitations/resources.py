"""Invitations in the resource tree: a course's, one's own, and single ones."""

from typing import Any, ClassVar

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.invitations import queries
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Item, Resource

INVITATIONS = ("invitations:create", "invitations:read", "invitations:update")


class CourseInvitations(OfCourse):
    """``/courses/{id}/invitations``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, INVITATIONS)


class MyInvitations(Resource):
    """``/users/me/invitations``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:read"], ["own"])


class InvitationCollection(Collection):
    """``/invitations``: reached by id, or by whoever has the link."""


class InvitationItem(Item):
    """``/invitations/{id}``: who runs the course sees it, and whose verified address it was sent to can decline."""

    def load(self) -> Any:
        statement = queries.invitation_by(self.request.registry, self.id)
        return fetch(self.request.reader, statement, caller_id(self.request))

    @property
    def concealed(self) -> bool:
        staff = any(may_in_course(self.request, self.row, permission) for permission in INVITATIONS)
        return not staff and not self.row.own

    @property
    def __acl__(self) -> list[ACE]:
        acl = course_acl(self.request, self.row, INVITATIONS)
        return [*acl, (Allow, "enrollments:create:own", "invitations:decline")] if self.row.own else acl
