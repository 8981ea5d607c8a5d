"""Access codes in the resource tree: they are secrets of those who may give them out."""

from typing import Any

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.codes import queries
from lms_core.kernel.security import ACE, caller_id
from lms_core.kernel.traversal import Collection, Item

CODES = ("access_codes:create", "access_codes:read", "access_codes:update")


class CourseCodes(OfCourse):
    """``/courses/{id}/access-codes``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, CODES)


class CodeCollection(Collection):
    """``/access-codes``: reached by id only."""


class CodeItem(Item):
    """``/access-codes/{id}``."""

    def load(self) -> Any:
        return fetch(self.request.reader, queries.code_by(self.request.registry, self.id), caller_id(self.request))

    @property
    def concealed(self) -> bool:
        return not any(may_in_course(self.request, self.row, permission) for permission in CODES)

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.row, CODES)
