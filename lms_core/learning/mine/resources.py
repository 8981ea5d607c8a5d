"""One's own courses in the resource tree."""

from typing import ClassVar

from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Resource


class MyCourses(Resource):
    """``/users/me/courses``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:read"], ["own"])
