"""A course's versions in the resource tree: for who edits the course."""

import re
import uuid
from typing import Any

from lms_core.courses import queries as courses
from lms_core.courses.access import may_in_course
from lms_core.courses.resources import CourseItem, OfCourse
from lms_core.courses.versions import queries
from lms_core.kernel.errors import NotFound
from lms_core.kernel.security import ACE
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item

RESTORING = ("courses:update", "modules:update", "modules:delete", "lessons:update", "lessons:delete")
"""What somebody must be allowed in a course to put an old version back."""


class CourseVersions(OfCourse, Collection):
    """``/courses/{id}/versions``."""


class VersionItem(Item):
    """``/courses/{id}/versions/{number}``."""

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return re.fullmatch(r"[1-9][0-9]{0,8}", name) is not None

    @property
    def course(self) -> CourseItem:
        versions: CourseVersions = self.__parent__  # type: ignore[assignment]  # It hangs nowhere else.
        return versions.course

    @property
    def number(self) -> int:
        return int(self.__name__)

    @property
    def id(self) -> uuid.UUID:
        found: uuid.UUID = self.row.id
        return found

    @property
    def version(self) -> None:
        """What was frozen does not change."""

    @property
    def __acl__(self) -> list[ACE]:
        """Putting a version back rewrites, unpublishes and deletes: it takes the permission for each of these."""
        if all(may_in_course(self.request, self.course.row, permission) for permission in RESTORING):
            return [(Allow, Authenticated, "versions:restore")]
        return []

    def load(self) -> Any:
        return queries.version(self.request.reader, self.course.id, self.number)


class VersionLessons(Collection):
    """``/courses/{id}/versions/{number}/lessons``: reached by id only."""


class VersionLessonItem(Item):
    """``/courses/{id}/versions/{number}/lessons/{lessonId}``."""

    @property
    def version(self) -> None:
        """What was frozen does not change."""

    def load(self) -> Any:
        lessons: Any = self.__parent__
        version: VersionItem = lessons.__parent__
        row = courses.lesson(self.request.reader, self.id, version.id)
        if row is None:
            raise NotFound()
        return {**row._mapping, "course_id": version.course.id}
