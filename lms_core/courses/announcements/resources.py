"""Announcements in the resource tree: a course's, one's own across courses, and single ones."""

from typing import Any

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.announcements import queries
from lms_core.courses.announcements.queries import STAFF, STUDENTS, Reader
from lms_core.courses.models import Announcement
from lms_core.courses.queries import fetch
from lms_core.courses.resources import InCourse, OfCourse
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Collection, Resource

MY_SCOPES = ("own", "assigned", "enrolled")


def manages(request: Request, row: Any) -> bool:
    """Whether the caller sees every announcement of the course, and not only what is meant for them."""
    return may_in_course(request, row, "announcements:read")


class CourseAnnouncements(OfCourse):
    """``/courses/{id}/announcements``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, ("announcements:create", "announcements:read"))

    @property
    def reader(self) -> Reader:
        row, user_id = self.course.row, self.request.caller.user_id
        groups = [STUDENTS] if row.part_enrolled else []
        managing = manages(self.request, row)
        if row.course_instructor_id == user_id or (row.part_staff is not None and managing):
            groups.append(STAFF)
        return Reader(user_id, groups, managing)


class MyAnnouncements(Resource):
    """``/users/me/announcements``: of every course where the caller may read them."""

    @property
    def __acl__(self) -> list[ACE]:
        return scoped_acl(["announcements:read"], MY_SCOPES)

    @property
    def scopes(self) -> list[str]:
        return [scope for scope in MY_SCOPES if self.request.caller.may("announcements:read", scope)]


class AnnouncementCollection(Collection):
    """``/announcements``: reached by id only."""


class AnnouncementItem(InCourse):
    """``/announcements/{id}``: for others than the course's own people, what is live and addressed to them exists."""

    model = Announcement
    PERMISSIONS = ("announcements:read", "announcements:update", "announcements:delete", "rosters:read")

    def load(self) -> Any:
        return read_announcement(self.request, self.request.reader, self.id)

    @property
    def visible(self) -> bool:
        row = self.row
        return manages(self.request, row) or bool(row.part_enrolled and row.addressed and row.status == "live")

    @property
    def concealed(self) -> bool:
        return not self.visible

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.row, self.PERMISSIONS) if self.visible else []

    @property
    def shown(self) -> Any:
        """The row, without what only staff learn where the caller is a student."""
        if manages(self.request, self.row):
            return self.row
        return {**self.row._mapping, **dict.fromkeys(column.key for column in queries.hidden_columns())}


def read_announcement(request: Request, connection: Any, announcement_id: Any) -> Any:
    """The announcement as the caller sees it, read through either lane, or None."""
    return fetch(connection, queries.announcement_by(request.registry, announcement_id), caller_id(request))
