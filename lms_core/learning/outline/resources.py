"""What the outline adds to the resource tree."""

from lms_core.courses.access import course_acl
from lms_core.courses.resources import CourseItem
from lms_core.kernel.security import ACE
from lms_core.kernel.traversal import Resource


class CourseExplanation(Resource):
    """``/courses/{id}/explain``: for who may see the course's roster, and its modules."""

    @property
    def course(self) -> CourseItem:
        parent: CourseItem = self.__parent__  # type: ignore[assignment]  # It hangs nowhere else.
        return parent

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, ("rosters:read",)) if self.course.drafts else []
