"""A course's roster in the resource tree."""

from lms_core.courses.access import course_acl
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.resources import shows_contact
from lms_core.kernel.security import ACE, caller_id

PERMISSIONS = ("rosters:read", "rosters:update", "rosters:contact", "rosters:message")


class CourseRoster(OfCourse):
    """``/courses/{id}/enrollments``."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, PERMISSIONS)

    @property
    def shows_contact(self) -> bool:
        """Whether the caller may see how students can be reached."""
        return shows_contact(self.request, self.course.row)

    @property
    def enrolls_as(self) -> str:
        """How those come to take the course whom the caller enrolls: who does not teach it, administers it."""
        row, user_id = self.course.row, caller_id(self.request)
        return "instructor" if row.course_instructor_id == user_id or row.part_staff is not None else "admin"
