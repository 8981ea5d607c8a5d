"""Enrollments in the resource tree."""

from typing import Any, ClassVar

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch, hold_course
from lms_core.courses.resources import InCourse
from lms_core.enrollment import queries
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.errors import Forbidden
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Everyone, Resource


def shows_contact(request: Request, course: Any) -> bool:
    """Whether the caller may see how students of a course can be reached; ``course`` is its row."""
    return may_in_course(request, course, "rosters:contact")


def check_contact(request: Request, course: Any) -> None:
    """For what says of an address whether it has an account. Raises 403 ``contact_needed``."""
    if not shows_contact(request, course):
        raise Forbidden("contact_needed", _("You may not see the addresses of students here; name them by userId."))


class EnrollmentCollection(Collection):
    """``/enrollments``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:create"], ["own"])


class EnrollmentMethods(Resource):
    """``/enrollment-methods``: how courses can be joined is no secret."""

    __acl__: ClassVar[list[ACE]] = [(Allow, Everyone, "enrollment_methods:list")]


class EnrollmentItem(InCourse):
    """``/enrollments/{id}``: the student's own, and whose who may see or change the course's roster."""

    model = Enrollment

    def load(self) -> Any:
        statement = queries.enrollment_by(self.request.registry, self.id)
        return fetch(self.request.reader, statement, caller_id(self.request))

    def lock(self) -> str | None:
        hold_course(self.request.db, self.row.course_id)
        return super().lock()

    @property
    def own(self) -> bool:
        """Whether it is the caller's."""
        return bool(self.row.user_id == caller_id(self.request))

    @property
    def staff(self) -> bool:
        """Whether the caller sees it as one of those who run the course."""
        return may_in_course(self.request, self.row, "rosters:read")

    @property
    def manages(self) -> bool:
        """Whether the caller decides about it as one of those who run the course."""
        return may_in_course(self.request, self.row, "rosters:update")

    @property
    def __acl__(self) -> list[ACE]:
        acl = course_acl(self.request, self.row, ("rosters:read", "rosters:update"))
        if self.own:
            acl += scoped_acl(["enrollments:read"], ["own"])
            acl.append((Allow, "enrollments:update:own", "enrollments:drop"))
        if self.staff:
            acl.append((Allow, Authenticated, "enrollments:read"))
        if self.manages:
            acl.append((Allow, Authenticated, "enrollments:drop"))
        return acl

    @property
    def concealed(self) -> bool:
        return not self.own and not self.staff and not self.manages
