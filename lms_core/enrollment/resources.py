"""Enrollments in the resource tree."""

from typing import Any, ClassVar

from lms_core.enrollment import queries
from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Item


class EnrollmentCollection(Collection):
    """``/enrollments``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["enrollments:create"], ["own"])


class EnrollmentItem(Item):
    """``/enrollments/{id}``: the student's own; who may read every roster sees every one."""

    def load(self) -> Any:
        return queries.enrollment(self.request.reader, self.id)

    @property
    def own(self) -> bool:
        identity = self.request.identity
        return identity is not None and self.row.user_id == identity.user_id

    @property
    def __acl__(self) -> list[ACE]:
        acl: list[ACE] = [(Allow, "rosters:read:all", "enrollments:read")]
        return [*acl, *scoped_acl(["enrollments:read"], ["own"])] if self.own else acl

    @property
    def concealed(self) -> bool:
        return not self.own
