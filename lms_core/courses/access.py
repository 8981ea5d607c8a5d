"""The caller's part in a course, and what it allows: the one place that decides who may what around a course.

Everything below a course (module, lesson, and in later domains quiz, thread, enrollment) loads its row together
with :func:`access_columns`, in one statement, and builds its ACL from them with :func:`course_acl`.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pyramid.authorization import Allow, Everyone
from sqlalchemy import ColumnElement, Label, and_, cast, exists, false, func, or_, select
from sqlalchemy.types import Text

from lms_core.courses.models import Course, CourseStaff, Lesson, Module
from lms_core.files.models import FileUpload
from lms_core.kernel.security import ACE, CALLER, Identity, scoped_acl

if TYPE_CHECKING:
    from pyramid.config import Configurator


PartFactory = Callable[[], ColumnElement[bool]]


def add_course_part(config: "Configurator", scope: str, factory: PartFactory) -> None:
    """Directive: a later domain says when a scope applies, as a condition on ``courses`` and :data:`CALLER`.

    Enrollment says it of ``enrolled``; courses cannot ask it, because it comes before.
    """

    def register() -> None:
        config.registry.course_parts[scope] = factory()

    config.action(("lms.course_part", scope), register)


def access_columns(registry: Any) -> list[Label[Any]]:
    """Columns ``course_*`` and ``part_*`` to select beside a row of a course."""
    staff = (
        select(CourseStaff.role)
        .where(CourseStaff.course_id == Course.id, CourseStaff.user_id == CALLER)
        .correlate(Course)
        .scalar_subquery()
    )
    return [
        Course.id.label("course_id"),
        Course.instructor_id.label("course_instructor_id"),
        Course.is_published.label("course_is_published"),
        Course.archived_at.label("course_archived_at"),
        staff.label("part_role"),
        registry.course_parts.get("enrolled", false()).label("part_enrolled"),
    ]


def scopes_of(row: Any, identity: Identity | None) -> list[str]:
    """The scopes that apply to the caller in the course of the row."""
    scopes = ["all"]
    if identity is not None:
        if row.course_instructor_id == identity.user_id:
            scopes.append("own")
        if row.part_role is not None:
            scopes.append("assigned")
        if row.part_enrolled:
            scopes.append("enrolled")
    return scopes


def reads_file(registry: Any) -> ColumnElement[bool]:
    """Whether the caller may read a lesson that a file is attached to, as a condition on ``file_uploads``.

    The same answers as ``LessonItem.__acl__`` gives, in SQL: the course's own people, whoever takes the course once
    it is published, and everybody for a preview.
    """
    shown = and_(Lesson.is_published, Module.is_published, Course.is_published)
    staff = exists().where(CourseStaff.course_id == Course.id, CourseStaff.user_id == CALLER)
    enrolled: ColumnElement[bool] = registry.course_parts.get("enrolled", false())
    attached = Lesson.attachments.op("@>", is_comparison=True)(
        func.jsonb_build_array(func.jsonb_build_object("fileId", cast(FileUpload.id, Text)))
    )
    return (
        exists()
        .select_from(Lesson)
        .where(
            Module.id == Lesson.module_id,
            Course.id == Module.course_id,
            Course.deleted_at.is_(None),
            attached,
            or_(
                Course.instructor_id == CALLER,
                staff,
                and_(shown, enrolled),
                and_(shown, Lesson.is_preview, Course.archived_at.is_(None)),
            ),
        )
        .correlate(FileUpload)
    )


def is_open(row: Any) -> bool:
    """Whether anybody may know of the course."""
    return bool(row.course_is_published) and row.course_archived_at is None


EDITING = (
    "courses:read", "courses:update", "courses:publish", "courses:delete",
    "modules:create", "modules:read", "modules:update", "modules:delete",
    "lessons:create", "lessons:read", "lessons:update", "lessons:delete",
)  # fmt: skip


def course_acl(row: Any, identity: Identity | None, permissions: Iterable[str] = EDITING) -> list[ACE]:
    """What the caller's part allows in the course of the row.

    A student keeps what was enrolled for when the course is archived, and loses it while it is unpublished.
    """
    scopes = scopes_of(row, identity)
    if not row.course_is_published and "enrolled" in scopes:
        scopes.remove("enrolled")
    acl = scoped_acl(permissions, scopes)
    if is_open(row):
        acl += [(Allow, Everyone, "courses:read"), (Allow, Everyone, "modules:read")]
    return acl


def edits(row: Any, identity: Identity | None) -> bool:
    """Whether the caller sees drafts of the course."""
    if identity is None:
        return False
    return any(identity.may("courses:update", scope) for scope in scopes_of(row, identity))


def includeme(config: "Configurator") -> None:
    config.registry.course_parts = {}
    config.add_directive("add_course_part", add_course_part)
