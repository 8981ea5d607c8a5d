"""Commands on a course's staff. Each runs in the caller's transaction; raising rolls it back.

Nobody gives what they do not have: the owner and who runs every course may give everything, a member of the staff
only what they may do there themselves, and never to themselves.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.accounts.queries import person_named
from lms_core.courses.access import Giver, staff_permissions
from lms_core.courses.events import StaffAssigned
from lms_core.courses.models import Course, CourseStaff
from lms_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _


def assign(db: Session, registry: Any, course_id: uuid.UUID, values: Mapping[str, Any], giver: Giver) -> uuid.UUID:
    """Make somebody part of the staff; answers who.

    Raises 422 ``user_unknown``, ``permission_unknown``; 403 ``permission_not_yours``; 409 ``owns_course``,
    ``already_staff``.
    """
    course = _course(db, course_id)
    user_id = person_named(db, values)
    if user_id == course.instructor_id:
        raise Conflict("owns_course", _("This person owns the course."))
    changes = values.get("permissions", {})
    _check(registry, giver, user_id, {}, frozenset(), values["role"], changes)
    added = insert(CourseStaff).values(
        course_id=course_id, user_id=user_id, role=values["role"], permissions=changes, assigned_by=giver.user_id
    )
    if db.execute(added.on_conflict_do_nothing().returning(CourseStaff.id)).first() is None:
        raise Conflict("already_staff", _("This person is on the staff already."))
    publish(db, StaffAssigned(user_id, course_id, values["role"], course.title), actor_id=giver.user_id)
    return user_id


def change(
    db: Session, registry: Any, course_id: uuid.UUID, user_id: uuid.UUID, values: Mapping[str, Any], giver: Giver
) -> None:
    """Give a member another role or other permissions. Raises 404, 422 and 403 as :func:`assign` does."""
    member = _member(db, course_id, user_id)
    role, changes = values.get("role", member.role), values.get("permissions", member.permissions)
    before = staff_permissions(registry, member.role, member.permissions)
    _check(registry, giver, user_id, member.permissions, before, role, changes)
    member.role, member.permissions = role, changes
    db.flush()


def dismiss(db: Session, registry: Any, course_id: uuid.UUID, user_id: uuid.UUID, giver: Giver) -> None:
    """Take somebody off the staff; everybody may go by themselves.

    Raises 404 where they are not on it, 403 ``permission_not_yours``.
    """
    member = _member(db, course_id, user_id)
    held = staff_permissions(registry, member.role, member.permissions)
    if user_id != giver.user_id and giver.limits is not None and not held <= giver.limits:
        raise _not_yours()
    db.delete(member)
    db.flush()


def _not_yours() -> Forbidden:
    return Forbidden("permission_not_yours", _("You cannot give or take what you do not have yourself."))


def _course(db: Session, course_id: uuid.UUID) -> Course:
    course = db.scalar(select(Course).where(Course.id == course_id, Course.deleted_at.is_(None)).with_for_update())
    if course is None:
        raise NotFound()
    return course


def _member(db: Session, course_id: uuid.UUID, user_id: uuid.UUID) -> CourseStaff:
    chosen = select(CourseStaff).where(CourseStaff.course_id == course_id, CourseStaff.user_id == user_id)
    member = db.scalar(chosen.with_for_update())
    if member is None:
        raise NotFound()
    return member


def _check(
    registry: Any,
    giver: Giver,
    user_id: uuid.UUID,
    old: Mapping[str, bool],
    before: frozenset[str],
    role: str,
    changes: Mapping[str, bool],
) -> None:
    unknown = sorted(name for name in changes if name not in registry.staff_permissions and name not in old)
    if unknown:
        message = _("No permission that staff can have: ${names}.", mapping={"names": ", ".join(unknown[:10])})
        raise Invalid("permission_unknown", message, errors={"permissions": [message]})
    if giver.limits is None:
        return
    touched = before ^ staff_permissions(registry, role, changes)
    if user_id == giver.user_id or not touched <= giver.limits:
        raise _not_yours()
