"""Which courses a list is about: everybody's catalog, or what the caller may see beyond it.

A course is listed where ``GET /courses/{id}`` would answer it. Whatever is counted is counted under the same
conditions, so that nothing hidden shows in a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, false, func, select, true, union_all

from lms_core.courses.access import READS
from lms_core.courses.models import Course, CourseStaff
from lms_core.courses.queries import IN_CATALOG
from lms_core.kernel.errors import Forbidden, Unauthorized
from lms_core.kernel.security import CALLER, Identity

STATES: Mapping[str, ColumnElement[bool]] = {
    "published": and_(Course.is_published, Course.archived_at.is_(None)),
    "draft": and_(~Course.is_published, Course.archived_at.is_(None)),
    "archived": Course.archived_at.is_not(None),
}
PARTS = ("own", "assigned", "enrolled")
_RUNNING = {False: frozenset({"own", "assigned"}), True: frozenset({"own"})}
"""Whose courses are one's own to run, while they live and when they are deleted."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is asked for and what the caller may see of it; equal reaches have equal conditions.

    ``parts`` are the scopes in which the caller may read courses that are not in the catalog.
    """

    state: str | None = "published"
    deleted: bool = False
    mine: bool = False
    enrolled: bool = False
    parts: frozenset[str] = frozenset()


CATALOG = Reach()
"""What anybody may see."""


def reach_of(identity: Identity | None, query: Mapping[str, Any]) -> Reach:
    """The reach of a loaded ``schemas.CatalogQuery``.

    Raises 401 where nobody asks for what is somebody's. Deleted courses are for who may delete every course, and their
    own for who may delete those: 403 for others.
    """
    mine, enrolled, deleted = (bool(query.get(name)) for name in ("mine", "enrolled", "deleted"))
    state: str | None = query.get("status") or (None if mine or enrolled or deleted else "published")
    if state == "published" and not (mine or enrolled or deleted):
        return CATALOG
    if identity is None:
        raise Unauthorized()
    if deleted and not identity.may("courses:delete", "own" if mine else "all"):
        raise Forbidden()
    parts = frozenset(part for part in (*PARTS, "all") if identity.may("courses:read", part))
    return Reach(state, deleted, mine, enrolled, parts)


def conditions(reach: Reach, course_parts: Mapping[str, ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """The conditions on ``courses``; ``course_parts`` is what later domains registered with ``add_course_part``."""
    if reach == CATALOG:
        return [IN_CATALOG]
    found: list[ColumnElement[bool]] = [
        Course.deleted_at.is_not(None) if reach.deleted else Course.deleted_at.is_(None)
    ]
    if reach.state is not None:
        found.append(STATES[reach.state])
    takes = course_parts.get("enrolled", false())
    if reach.mine:
        found.append(_through(reach.parts & _RUNNING[reach.deleted], takes))
    if reach.enrolled:
        found.append(and_(takes, Course.is_published))
    if not (reach.deleted or reach.mine or reach.state == "published" or "all" in reach.parts):
        found.append(_readable(reach, takes))
    return found


def _readable(reach: Reach, takes: ColumnElement[bool]) -> ColumnElement[bool]:
    if reach.enrolled:
        return true() if "enrolled" in reach.parts else STATES["published"]
    through = reach.parts - {"enrolled"} if reach.state == "draft" else reach.parts
    return _through(through, takes)


def _through(parts: frozenset[str], takes: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the course is the caller's by one of these parts.

    Their ids are gathered first, as an array: few courses to begin from, and not a question to ask of every one.
    """
    sets = {
        "own": select(Course.id).where(Course.instructor_id == CALLER),
        "assigned": select(CourseStaff.course_id).where(CourseStaff.user_id == CALLER, READS),
        "enrolled": select(Course.id).where(takes, Course.is_published),
    }
    chosen = [sets[part].correlate(None) for part in PARTS if part in parts]
    return Course.id == any_(func.array(union_all(*chosen).scalar_subquery())) if chosen else false()
