"""Courses, modules and lessons in the resource tree."""

import uuid
from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated, Everyone
from sqlalchemy import select

from lms_core.courses import queries
from lms_core.courses.access import EDITING, LessonGate, course_acl, is_open, may_in_course
from lms_core.courses.models import Course, Lesson, Module
from lms_core.kernel.db import Base
from lms_core.kernel.errors import LMSError, NotFound
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
    READING: ClassVar[str] = "courses:read"
    """What lets the course's own people see the draft."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.row)

    @property
    def drafts(self) -> bool:
        """Whether the caller sees what is not published."""
        return may_in_course(self.request, self.row, self.READING)

    @property
    def state(self) -> uuid.UUID | None:
        """Which state of the course the caller sees: None is the draft, else the published version."""
        if self.drafts:
            return None
        version: uuid.UUID | None = self.row.course_version_id
        if version is None:
            raise NotFound()
        return version

    @property
    def concealed(self) -> bool:
        attends = self.row.part_enrolled and self.row.course_deleted_at is None
        return not is_open(self.row) and not attends and not may_in_course(self.request, self.row, "courses:read")

    def lock(self) -> str | None:
        model: Any = self.model
        statement = select(model.updated_at).where(model.id == self.row.id).with_for_update(key_share=True)
        return version_of(self.request.db.scalar(statement))


def read_course(request: Request, connection: Any, key: uuid.UUID | str) -> Any:
    """The course as the caller sees it, read through either lane, or None."""
    return queries.fetch(connection, queries.course_by(request.registry, key), caller_id(request))


WHOLE = ("courses:update", "modules:read", "lessons:read")
"""What somebody must be allowed in a course to have all of it, as it is and as it was."""


class CourseItem(InCourse):
    """``/courses/{id or slug}``. What of it is a draft are its modules and lessons."""

    model = Course
    READING = "modules:read"

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return 0 < len(name) <= 255

    @property
    def id(self) -> uuid.UUID:
        """The course's id, by whichever of its names it was reached."""
        found: uuid.UUID = self.row.id
        return found

    @property
    def __acl__(self) -> list[ACE]:
        acl = super().__acl__
        if all(may_in_course(self.request, self.row, permission) for permission in WHOLE):
            acl += [(Allow, "courses:create:own", "courses:duplicate"), (Allow, Authenticated, "versions:read")]
        return acl

    @property
    def shown(self) -> Any:
        """The row, without what it says of the draft where the caller does not see that."""
        return self.row if self.drafts else {**self.row._mapping, "draft_duration_minutes": None}

    def load(self) -> Any:
        key: uuid.UUID | str = parse_uuid(self.__name__) or self.__name__
        return read_course(self.request, self.request.reader, key)


class CourseModules(Resource):
    """``/courses/{id}/modules``."""


class ModuleCollection(Collection):
    """``/modules``: reached by id only."""


class OfCourse(Resource):
    """What hangs right below a course: ``/courses/{id}/...``."""

    @property
    def course(self) -> CourseItem:
        parent: CourseItem = self.__parent__  # type: ignore[assignment]  # It hangs nowhere else.
        return parent


class InVersion(InCourse):
    """A part of a course: in the draft for who sees that, else in the published version."""

    PERMISSIONS: ClassVar[tuple[str, ...]]
    READ: ClassVar[Any]
    """The query that reads it in one state of the course."""

    def read(self) -> Any:
        """The row as the caller sees it."""
        row = self.READ(self.request.reader, self.id, self.state)
        if row is None:
            raise NotFound()
        return row

    @property
    def shown(self) -> bool:
        return bool(self.row.in_draft if self.drafts else self.row.in_version)

    @property
    def concealed(self) -> bool:
        return super().concealed or not self.shown

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.row, self.PERMISSIONS) if self.shown else []

    def lock(self) -> str | None:
        """The course is locked first, as every change of its structure does, so that no two wait for each other."""
        course = select(Course.id).where(Course.id == self.row.course_id).with_for_update(key_share=True)
        self.request.db.execute(course)
        return super().lock()


class ModuleItem(InVersion):
    """``/modules/{id}``."""

    model = Module
    READING = "modules:read"
    PERMISSIONS = EDITING
    READ = staticmethod(queries.module)

    def load(self) -> Any:
        return queries.fetch(
            self.request.reader, queries.module_by(self.request.registry, self.id), caller_id(self.request)
        )


class ModuleLessons(Resource):
    """``/modules/{id}/lessons``."""


class LessonCollection(Collection):
    """``/lessons``: reached by id only."""


class LessonItem(InVersion):
    """``/lessons/{id}``: readable by who is enrolled and has come so far, and by anybody where it is a preview."""

    model = Lesson
    READING = "lessons:read"
    PERMISSIONS = ("lessons:read", "lessons:update", "lessons:delete", "lessons:progress")
    READ = staticmethod(queries.lesson)

    def load(self) -> Any:
        return queries.fetch(
            self.request.reader, queries.lesson_by(self.request.registry, self.id), caller_id(self.request)
        )

    @property
    def locked(self) -> bool:
        """Whether the caller takes the course and has not come so far."""
        return bool(self.row.part_enrolled and self.row.in_version and not self.row.part_open)

    @property
    def refusal(self) -> LMSError:
        gate: LessonGate = self.request.registry.lesson_gate
        return gate.refusal(self.request, self.row) or super().refusal

    @property
    def __acl__(self) -> list[ACE]:
        acl = super().__acl__
        if self.locked:
            acl = [entry for entry in acl if not entry[1].endswith(":enrolled")]
        if self.row.in_version and self.row.is_preview and is_open(self.row):
            acl.append((Allow, Everyone, "lessons:read"))
        return acl
