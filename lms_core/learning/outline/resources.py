"""What the outline adds to the resource tree."""

from lms_core.courses.access import course_acl
from lms_core.courses.resources import OfCourse
from lms_core.kernel.security import ACE


class CourseExplanation(OfCourse):
    """``/courses/{id}/explain``: for who may see the course's roster, and its modules."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, ("rosters:read",)) if self.course.drafts else []
