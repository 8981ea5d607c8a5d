"""A course's staff in the resource tree."""

import hashlib
from typing import Any

import orjson
from sqlalchemy import select

from lms_core.courses.access import Giver, may_in_course, scopes_of, staff_permissions
from lms_core.courses.models import CourseStaff
from lms_core.courses.resources import OfCourse
from lms_core.courses.staff import queries
from lms_core.kernel.security import ACE, user_principal
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item


class CourseStaffCollection(OfCourse, Collection):
    """``/courses/{id}/staff``."""

    @property
    def concealed(self) -> bool:
        """Who does not run the course has no business with its staff, published or not."""
        return self.course.concealed

    def giver(self) -> Giver:
        """The caller, with what they may hand on."""
        caller, row = self.request.caller, self.course.row
        if row.part_staff is None:
            return Giver(caller.user_id, None)
        scopes = [scope for scope in scopes_of(row, caller) if scope in ("own", "all")]
        if any(caller.may("staff:update", scope) for scope in scopes):
            return Giver(caller.user_id, None)
        held = staff_permissions(self.request.registry, row.part_staff["role"], row.part_staff["permissions"])
        return Giver(caller.user_id, frozenset(name for name in held if may_in_course(self.request, row, name)))

    def shown(self, row: Any) -> dict[str, Any]:
        """A member with all that role and permissions come to, as far as the member's groups grant it."""
        held = staff_permissions(self.request.registry, row.role, row.permissions)
        granted = (name for name in held if f"{name}:assigned" in row.grants)
        return {**row._mapping, "effective": sorted(granted)}

    def version_of(self, member: Any) -> str:
        """What changes with a member's role and permissions."""
        written = orjson.dumps([member.role, member.permissions], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(written, digest_size=8).hexdigest()


class StaffItem(Item):
    """``/courses/{id}/staff/{userId}``: whoever is on a staff may leave it."""

    @property
    def staff(self) -> CourseStaffCollection:
        parent: CourseStaffCollection = self.__parent__  # type: ignore[assignment]  # It hangs nowhere else.
        return parent

    def load(self) -> Any:
        return queries.member(self.request.reader, self.staff.course.id, self.id)

    @property
    def version(self) -> str | None:
        """Members carry no time of change: what was changed back is as it was."""
        return self.staff.version_of(self.row)

    def lock(self) -> str | None:
        statement = select(CourseStaff.role, CourseStaff.permissions).where(
            CourseStaff.course_id == self.staff.course.id, CourseStaff.user_id == self.id
        )
        member = self.request.db.execute(statement.with_for_update()).first()
        return self.staff.version_of(member) if member is not None else None

    @property
    def __acl__(self) -> list[ACE]:
        if may_in_course(self.request, self.staff.course.row, "staff:update"):
            return [(Allow, Authenticated, "staff:dismiss")]
        return [(Allow, user_principal(self.row.user_id), "staff:dismiss")]
