"""What was granted to a student, in the resource tree."""

import uuid
from typing import Any

from pyramid.authorization import DENY_ALL
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch, hold_course
from lms_core.enrollment.accommodations import queries
from lms_core.enrollment.models import Accommodation
from lms_core.kernel.security import ACE, caller_id
from lms_core.kernel.traversal import Allow, Item, version_of

PERMISSIONS = ("accommodations:read", "accommodations:update")


class EnrollmentAccommodations(Item):
    """``/enrollments/{id}/accommodations``: its student's, and whose who may decide about it in the course."""

    @property
    def id(self) -> uuid.UUID:
        """The enrollment's."""
        enrollment: Any = self.__parent__
        found: uuid.UUID = enrollment.id
        return found

    def load(self) -> Any:
        return self.read(self.request.reader)

    def read(self, connection: Connection | Session) -> Any:
        """The row as it is now."""
        statement = queries.accommodation_by(self.request.registry, self.id)
        return fetch(connection, statement, caller_id(self.request))

    def lock(self) -> str | None:
        hold_course(self.request.db, self.row.course_id)
        mine = select(Accommodation.updated_at).where(Accommodation.enrollment_id == self.id)
        return version_of(self.request.db.scalar(mine.with_for_update()))

    @property
    def own(self) -> bool:
        """Whether it is the caller's."""
        return bool(self.row.user_id == caller_id(self.request))

    @property
    def __acl__(self) -> list[ACE]:
        acl = course_acl(self.request, self.row, PERMISSIONS)
        if self.own:
            acl.append((Allow, "enrollments:read:own", "accommodations:read"))
        return [*acl, DENY_ALL]

    @property
    def concealed(self) -> bool:
        return not self.own and not any(
            may_in_course(self.request, self.row, each) for each in ("rosters:read", *PERMISSIONS)
        )

    def shown(self, row: Any) -> dict[str, Any]:
        """What the caller may see of it: who has it sees what it is, and not why."""
        granted = queries.granted(row)
        told = {name: getattr(granted, name) for name in granted.__slots__}
        told |= {"enrollment_id": self.id, "updated_at": row.updated_at, "modules": _dates(granted)}
        if may_in_course(self.request, row, "accommodations:read"):
            told |= {"reason": row.reason}
            told |= {f"granted_by_{name}": getattr(row, f"granted_by_{name}") for name in ("id", "name", "avatar_url")}
        return told


def _dates(granted: queries.Granted) -> list[dict[str, Any]]:
    ordered = sorted(granted.unlock_dates.items(), key=lambda each: (each[1], each[0]))
    return [{"module_id": module_id, "unlocks_at": moment} for module_id, moment in ordered]
