"""Courses, modules and lessons in the resource tree."""

import uuid
from typing import Any

from pyramid.authorization import Allow, Everyone
from sqlalchemy import select

from lms_core.courses import queries
from lms_core.courses.access import course_acl, is_open, sees_drafts
from lms_core.courses.models import Course, Lesson, Module
from lms_core.kernel.db import Base
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Collection, Item, Resource, parse_uuid, version_of


class CourseCollection(Collection):
    """``/courses``: the catalog is everybody's."""

    @property
    def __acl__(self) -> list[ACE]:
        return [(Allow, Everyone, "courses:list"), *scoped_acl(["courses:create"], ["own", "all"])]


class InCourse(Item):
    """An item that belongs to a course and gets its ACL from the caller's part there."""

    model: type[Base]

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.row)

    @property
    def drafts(self) -> bool:
        """Whether the caller sees what is not published."""
        return sees_drafts(self.request, self.row)

    @property
    def concealed(self) -> bool:
        return not is_open(self.row) and not self.drafts and not self.row.part_enrolled

    def lock(self) -> str | None:
        model: Any = self.model
        statement = select(model.updated_at).where(model.id == self.row.id).with_for_update(key_share=True)
        return version_of(self.request.db.scalar(statement))


def read_course(request: Request, connection: Any, key: uuid.UUID | str) -> Any:
    """The course as the caller sees it, read through either lane, or None."""
    return queries.fetch(connection, queries.course_by(request.registry, key), caller_id(request))


class CourseItem(InCourse):
    """``/courses/{id or slug}``."""

    model = Course

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return 0 < len(name) <= 255

    @property
    def id(self) -> uuid.UUID:
        """The course's id, by whichever of its names it was reached."""
        found: uuid.UUID = self.row.id
        return found

    def load(self) -> Any:
        key: uuid.UUID | str = parse_uuid(self.__name__) or self.__name__
        return read_course(self.request, self.request.reader, key)


class CourseModules(Resource):
    """``/courses/{id}/modules``."""


class ModuleCollection(Collection):
    """``/modules``: reached by id only."""


class ModuleItem(InCourse):
    """``/modules/{id}``."""

    model = Module

    def load(self) -> Any:
        return queries.fetch(
            self.request.reader, queries.module_by(self.request.registry, self.id), caller_id(self.request)
        )

    @property
    def concealed(self) -> bool:
        return super().concealed or not (self.row.is_published or self.drafts)

    @property
    def __acl__(self) -> list[ACE]:
        if self.row.is_published or self.drafts:
            return course_acl(self.request, self.row)
        return []


class ModuleLessons(Resource):
    """``/modules/{id}/lessons``."""


class LessonCollection(Collection):
    """``/lessons``: reached by id only."""


class LessonItem(InCourse):
    """``/lessons/{id}``: readable by who is enrolled, and by anybody where it is a preview."""

    model = Lesson
    PERMISSIONS = ("lessons:read", "lessons:update", "lessons:delete", "lessons:progress")

    def load(self) -> Any:
        return queries.fetch(
            self.request.reader, queries.lesson_by(self.request.registry, self.id), caller_id(self.request)
        )

    @property
    def published(self) -> bool:
        return bool(self.row.is_published and self.row.module_is_published)

    @property
    def concealed(self) -> bool:
        return super().concealed or not (self.published or self.drafts)

    @property
    def __acl__(self) -> list[ACE]:
        if not self.published and not self.drafts:
            return []
        acl = course_acl(self.request, self.row, self.PERMISSIONS)
        if self.row.is_preview and self.published and is_open(self.row):
            acl.append((Allow, Everyone, "lessons:read"))
        return acl
