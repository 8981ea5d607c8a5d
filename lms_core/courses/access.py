"""The caller's part in a course, and what it allows: the one place that decides who may what around a course.

Everything below a course (module, lesson, and in later domains quiz, thread, enrollment) loads its row together
with :func:`access_columns`, in one statement, and builds its ACL from them with :func:`course_acl`.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyramid.authorization import Allow, Everyone
from sqlalchemy import ColumnElement, Label, and_, cast, exists, false, func, or_, select, true
from sqlalchemy.types import Text

from lms_core.courses.freezing import IN_DRAFT
from lms_core.courses.models import Course, CourseStaff, Lesson, LessonRevision, Module, VersionLesson, VersionModule
from lms_core.files.models import FileUpload
from lms_core.kernel.errors import LMSError
from lms_core.kernel.security import ACE, CALLER, Identity, scoped_acl

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

ROLES = ("co_instructor", "teaching_assistant")

PartFactory = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""The condition for a person: :data:`CALLER`, or a column of the enclosing statement."""


@dataclass(frozen=True, slots=True)
class Giver:
    """Who chooses staff; ``limits`` are the permissions they may hand on, None for all."""

    user_id: uuid.UUID
    limits: frozenset[str] | None


def add_course_part(config: "Configurator", scope: str, factory: PartFactory) -> None:
    """Directive: a later domain says when a scope applies to a person, as a condition on ``courses``.

    Enrollment says it of ``enrolled``; courses cannot ask it, because it comes before.
    """

    def register() -> None:
        config.registry.course_parts[scope] = factory(CALLER)
        config.registry.course_part_factories[scope] = factory

    config.action(("lms.course_part", scope), register)


@dataclass(frozen=True, slots=True)
class LessonGate:
    """What keeps a lesson from who takes the course.

    ``condition`` holds where it is open to :data:`CALLER`: on ``version_lessons``, its ``version_modules`` and
    ``courses``. ``refusal`` is what to answer for a request and the row of a lesson: where it does not hold, and where
    the caller takes the course at other times than now; None where it has nothing to say.
    """

    condition: ColumnElement[bool]
    refusal: Callable[["Request", Any], LMSError | None]


def add_lesson_gate(
    config: "Configurator", factory: PartFactory, refusal: Callable[["Request", Any], LMSError | None]
) -> None:
    """Directive: a later domain says which lessons are open to who takes the course, and why another is not.

    Learning says it; courses cannot ask it, because it comes before. Staff and previews do not come to the gate.
    """

    def register() -> None:
        config.registry.lesson_gate = LessonGate(factory(CALLER), refusal)

    config.action("lms.lesson_gate", register)


def add_staff_permission(config: "Configurator", permission: str, *roles: str, shows: Iterable[str] = ()) -> None:
    """Directive: a course's owner may give the permission to each member of the staff, or take it away.

    The roles named have it unless the owner says otherwise. A permission that was never declared so is every staff
    member's. In either case a group must grant it to the person in the scope ``assigned``. Who was denied
    ``resource:read`` has no other permission of that resource either, and who was denied what it ``shows`` besides has
    not this one.
    """

    def register() -> None:
        config.registry.staff_permissions[permission] = frozenset(roles)
        config.registry.staff_shows[permission] = frozenset(shows)

    config.action(("lms.staff_permission", permission), register)


_SHOWS: Mapping[str, tuple[str, ...]] = {
    "courses:publish": ("modules:read",),
    "courses:export": ("modules:read", "lessons:read"),
    "lessons:create": ("modules:read",),
}
"""What of :data:`EDITING` shows more than it is called after."""


def _shown_by(registry: Any, permission: str) -> set[str]:
    """What somebody gets to see who has the declared permission in a course."""
    resource, _colon, _action = permission.partition(":")
    return {"courses:read", f"{resource}:read", *registry.staff_shows[permission]}


def staff_permissions(registry: Any, role: str, changes: Mapping[str, bool]) -> frozenset[str]:
    """The declared permissions that a role has in a course, with what was given and taken there.

    What somebody may not read, they may not change or take along either: whatever shows it is taken with it.
    """
    declared: Mapping[str, Collection[str]] = registry.staff_permissions
    taken = {name for name, given in changes.items() if not given}
    held = (name for name, roles in declared.items() if changes.get(name, role in roles))
    return frozenset(name for name in held if taken.isdisjoint(_shown_by(registry, name)))


def holds(registry: Any, permission: str) -> ColumnElement[bool]:
    """On ``course_staff``: whether the member has a declared permission, as :func:`staff_permissions` says."""
    given = CourseStaff.permissions[permission].as_boolean()
    left = func.coalesce(given, CourseStaff.role.in_(registry.staff_permissions[permission]))
    shown = (CourseStaff.permissions[name].as_boolean() for name in sorted(_shown_by(registry, permission)))
    return and_(left, *(func.coalesce(each, true()) for each in shown))


READS: ColumnElement[bool] = func.coalesce(CourseStaff.permissions["courses:read"].as_boolean(), true())
"""On ``course_staff``: whether the owner left it to the member to read the course, which either role does."""


def belongs_to_course(registry: Any, person: Any) -> ColumnElement[bool]:
    """Whether somebody owns, helps to run or takes the course of the enclosing statement."""
    factories: Mapping[str, PartFactory] = registry.course_part_factories
    return or_(
        Course.instructor_id == person,
        exists().where(CourseStaff.course_id == Course.id, CourseStaff.user_id == person),
        *(factory(person) for factory in factories.values()),
    )


def access_columns(registry: Any) -> list[Label[Any]]:
    """Columns ``course_*`` and ``part_*`` to select beside a row of a course."""
    staff = (
        select(func.jsonb_build_object("role", CourseStaff.role, "permissions", CourseStaff.permissions))
        .where(CourseStaff.course_id == Course.id, CourseStaff.user_id == CALLER)
        .correlate(Course)
        .scalar_subquery()
    )
    return [
        Course.id.label("course_id"),
        Course.instructor_id.label("course_instructor_id"),
        Course.is_published.label("course_is_published"),
        Course.version_id.label("course_version_id"),
        Course.archived_at.label("course_archived_at"),
        Course.deleted_at.label("course_deleted_at"),
        staff.label("part_staff"),
        registry.course_parts.get("enrolled", false()).label("part_enrolled"),
    ]


def scopes_of(row: Any, identity: Identity | None) -> list[str]:
    """The scopes that apply to the caller in the course of the row."""
    scopes = ["all"]
    if identity is not None:
        if row.course_instructor_id == identity.user_id:
            scopes.append("own")
        if row.part_staff is not None:
            scopes.append("assigned")
        if row.part_enrolled:
            scopes.append("enrolled")
    return scopes


def is_staff(*permissions: str) -> ColumnElement[bool]:
    """Whether the caller helps to run the course of the enclosing statement, and was left these permissions.

    They are such as either role has.
    """
    left = (func.coalesce(CourseStaff.permissions[name].as_boolean(), true()) for name in permissions)
    return exists().where(CourseStaff.course_id == Course.id, CourseStaff.user_id == CALLER, *left)


def reads_file(registry: Any) -> ColumnElement[bool]:
    """Whether the caller may read a lesson that a file is attached to, as a condition on ``file_uploads``.

    The same answers as ``LessonItem.__acl__`` gives, in SQL: of the draft the course's own people; of what was
    published they too, whoever takes the course, and for a preview everybody.
    """
    its_people = or_(Course.instructor_id == CALLER, is_staff("courses:read", "lessons:read"))
    enrolled: ColumnElement[bool] = registry.course_parts.get("enrolled", false())
    preview = and_(LessonRevision.is_preview, Course.archived_at.is_(None))
    shown = exists().where(
        VersionLesson.version_id == Course.version_id, VersionLesson.revision_id == LessonRevision.id,
        VersionModule.version_id == VersionLesson.version_id, VersionModule.module_id == VersionLesson.module_id,
        or_(preview, and_(enrolled, registry.lesson_gate.condition)),
    )  # fmt: skip
    in_draft = (
        exists()
        .select_from(Lesson)
        .where(
            Module.id == Lesson.module_id, Course.id == Module.course_id, Course.deleted_at.is_(None), IN_DRAFT,
            attached(Lesson), its_people,
        )
    )  # fmt: skip
    published = (
        exists()
        .select_from(LessonRevision)
        .where(
            Lesson.id == LessonRevision.lesson_id, Module.id == Lesson.module_id, Course.id == Module.course_id,
            Course.deleted_at.is_(None), attached(LessonRevision),
            or_(its_people, and_(Course.is_published, shown)),
        )
    )  # fmt: skip
    return or_(in_draft.correlate(FileUpload), published.correlate(FileUpload))


def attached(model: type[Lesson] | type[LessonRevision]) -> ColumnElement[bool]:
    """Whether a lesson, or a state of it, has the file: a condition on the model and ``file_uploads``."""
    return model.attachments.op("@>", is_comparison=True)(
        func.jsonb_build_array(func.jsonb_build_object("fileId", cast(FileUpload.id, Text)))
    )


def uses_file() -> ColumnElement[bool]:
    """Whether a lesson has the file, in the draft or in any version, unless its course is deleted."""
    course = (Module.id == Lesson.module_id, Course.id == Module.course_id, Course.deleted_at.is_(None))
    in_draft = exists().select_from(Lesson).where(*course, IN_DRAFT, attached(Lesson))
    revision = (Lesson.id == LessonRevision.lesson_id, attached(LessonRevision))
    in_version = exists().select_from(LessonRevision).where(*course, *revision)
    return or_(in_draft.correlate(FileUpload), in_version.correlate(FileUpload))


def is_open(row: Any) -> bool:
    """Whether anybody may know of the course."""
    return bool(row.course_is_published) and row.course_archived_at is None and row.course_deleted_at is None


EDITING = (
    "courses:read", "courses:update", "courses:publish", "courses:delete", "courses:export",
    "modules:create", "modules:read", "modules:update", "modules:delete",
    "lessons:create", "lessons:read", "lessons:update", "lessons:delete",
    "staff:read", "staff:update",
)  # fmt: skip


STAFF_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("courses:read", "modules:read", "lessons:read", "staff:read"), ROLES),
    # The owner's own affair, unless the owner shares it.
    **dict.fromkeys(("courses:delete", "staff:update"), ()),
}
"""Who has which of :data:`EDITING` by role; what is not named is the co-instructors'."""


def course_acl(request: "Request", row: Any, permissions: Iterable[str] = EDITING) -> list[ACE]:
    """What the caller's part allows in the course of the row.

    A student keeps what was enrolled for when the course is archived, and loses it while it is unpublished.
    """
    scopes = scopes_of(row, request.identity)
    if not row.course_is_published and "enrolled" in scopes:
        scopes.remove("enrolled")
    acl: list[ACE] = []
    for scope in scopes:
        acl += scoped_acl((name for name in permissions if _in_reach(request.registry, row, name, scope)), [scope])
    if is_open(row):
        acl += [(Allow, Everyone, "courses:read"), (Allow, Everyone, "modules:read")]
    return acl


def _in_reach(registry: Any, row: Any, permission: str, scope: str) -> bool:
    """Whether the course lets the permission take hold in the scope: its staff have what the owner left them.

    Who may not read the course may do nothing there. Of a deleted one nothing is left but to look at it and to bring it
    back, for its owner and for who runs every course.
    """
    if row.course_deleted_at is not None:
        return scope in ("own", "all") and permission in ("courses:read", "courses:delete")
    if scope != "assigned":
        return True
    held = staff_permissions(registry, row.part_staff["role"], row.part_staff["permissions"])
    return "courses:read" in held and (permission in held or permission not in registry.staff_permissions)


def may_in_course(request: "Request", row: Any, permission: str) -> bool:
    """Whether the caller has the permission as one of the course's own people, and not merely as a student."""
    identity = request.identity
    if identity is None:
        return False
    return any(
        identity.may(permission, scope) and _in_reach(request.registry, row, permission, scope)
        for scope in scopes_of(row, identity)
        if scope != "enrolled"
    )


def includeme(config: "Configurator") -> None:
    config.registry.course_parts = {}
    config.registry.course_part_factories = {}
    config.registry.staff_permissions = {}
    config.registry.staff_shows = {}
    config.registry.lesson_gate = LessonGate(true(), lambda _request, _row: None)
    config.add_directive("add_lesson_gate", add_lesson_gate)
    config.add_directive("add_course_part", add_course_part)
    config.add_directive("add_staff_permission", add_staff_permission)
    for permission in EDITING:
        roles, shows = STAFF_DEFAULTS.get(permission, ("co_instructor",)), _SHOWS.get(permission, ())
        config.add_staff_permission(permission, *roles, shows=shows)
