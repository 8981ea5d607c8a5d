"""Reads of a course's versions, and what a draft would change."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Uuid, and_, case, literal, null, select, union_all
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.courses.freezing import LESSON_FACTS, MODULE_WORDS, OFFERED, digest
from lms_core.courses.models import Course, CourseVersion, Lesson, LessonRevision, Module, VersionLesson, VersionModule
from lms_core.kernel.db import AnyRow
from lms_core.kernel.pagination import Page, page_of


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a module or a lesson: ``added``, ``removed``, or ``edited`` and ``moved``, one or both."""

    kind: str
    id: uuid.UUID
    title: str
    module_id: uuid.UUID | None
    changes: tuple[str, ...]


def versions(connection: Connection, course_id: uuid.UUID, *, page: int, limit: int) -> Page:
    """The versions of a course, the newest first."""
    statement = _versions(course_id).order_by(CourseVersion.number.desc())
    counted = select(CourseVersion.id).where(CourseVersion.course_id == course_id)
    return page_of(connection, statement, counted=counted, page=page, limit=limit)


def version(connection: Connection | Session, course_id: uuid.UUID, number: int) -> AnyRow | None:
    """One version, or None."""
    return connection.execute(_versions(course_id).where(CourseVersion.number == number)).first()


def _versions(course_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            CourseVersion.id,
            CourseVersion.number,
            CourseVersion.note,
            CourseVersion.published_at,
            CourseVersion.lessons_total,
            and_(Course.is_published, Course.version_id == CourseVersion.id).label("is_current"),
            # An account that is gone leaves no name behind.
            case((User.deleted_at.is_(None), User.id)).label("published_by_id"),
            User.full_name.label("published_by_name"),
            User.avatar_url.label("published_by_avatar_url"),
        )
        .join_from(CourseVersion, Course, Course.id == CourseVersion.course_id)
        .outerjoin(User, User.id == CourseVersion.published_by)
        .where(CourseVersion.course_id == course_id)
    )


def changes(connection: Connection | Session, course_id: uuid.UUID, version_id: uuid.UUID | None) -> list[Change]:
    """What publishing the draft now would change for who sees the version (None: nothing yet), in one statement.

    What is gone stands first, then the rest in the order of the draft.
    """
    rows = connection.execute(union_all(*_draft_parts(course_id), *_version_parts(version_id))).all()
    return compare([row for row in rows if row.state == "version"], [row for row in rows if row.state == "draft"])


def _part(state: str, kind: str, key: Any, parent: Any, place: Any, title: Any, facts: Any) -> list[Any]:
    return [
        literal(state).label("state"), literal(kind).label("kind"), key.label("id"), parent.label("module_id"),
        place.label("place"), title.label("title"), facts.label("facts"),
    ]  # fmt: skip


_NO_MODULE = null().cast(Uuid)


def _draft_parts(course_id: uuid.UUID) -> tuple[Select[Any], Select[Any]]:
    module = _part(
        "draft", "module", Module.id, _NO_MODULE, Module.order_index, Module.title, digest(Module, MODULE_WORDS)
    )
    lesson = _part(
        "draft", "lesson", Lesson.id, Lesson.module_id, Lesson.order_index, Lesson.title, digest(Lesson, LESSON_FACTS)
    )
    return (
        select(*module).where(Module.course_id == course_id, Module.deleted_at.is_(None), Module.is_published),
        select(*lesson)
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .where(Module.course_id == course_id, OFFERED),
    )


def _version_parts(version_id: uuid.UUID | None) -> tuple[Select[Any], Select[Any]]:
    module = _part(
        "version", "module", VersionModule.module_id, _NO_MODULE, VersionModule.place, VersionModule.title,
        digest(VersionModule, MODULE_WORDS),
    )  # fmt: skip
    lesson = _part(
        "version", "lesson", VersionLesson.lesson_id, VersionLesson.module_id, VersionLesson.place,
        LessonRevision.title, LessonRevision.digest,
    )  # fmt: skip
    return (
        select(*module).where(VersionModule.version_id == version_id),
        select(*lesson)
        .join_from(VersionLesson, LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .where(VersionLesson.version_id == version_id),
    )


def compare(old: Sequence[Any], new: Sequence[Any]) -> list[Change]:
    """The changes between two states, each as parts with kind, id, module_id, place, title and facts."""
    before, after = {part.id: part for part in old}, {part.id: part for part in new}
    moved = _moved(old, new)
    gone = [Change(part.kind, part.id, part.title, part.module_id, ("removed",)) for part in _ordered(old)
            if part.id not in after]  # fmt: skip
    found = []
    for part in _ordered(new):
        was = before.get(part.id)
        if was is None:
            kinds: tuple[str, ...] = ("added",)
        else:
            kinds = (("edited",) if was.facts != part.facts else ()) + (("moved",) if part.id in moved else ())
        if kinds:
            found.append(Change(part.kind, part.id, part.title, part.module_id, kinds))
    return [*gone, *found]


def _ordered(parts: Iterable[Any]) -> list[Any]:
    """Each module with its lessons behind it."""
    listed = list(parts)
    places = {part.id: part.place for part in listed if part.kind == "module"}

    def place(part: Any) -> tuple[int, int]:
        return (part.place, -1) if part.kind == "module" else (places.get(part.module_id, 0), part.place)

    return sorted(listed, key=place)


def _moved(old: Sequence[Any], new: Sequence[Any]) -> set[uuid.UUID]:
    """What stands elsewhere among those that both states have: in another module, or in another order."""
    kept = {part.id for part in old} & {part.id for part in new}
    was, now = _rows(old, kept), _rows(new, kept)
    moved = {part for parent, parts in now.items() for part in parts if part not in was.get(parent, ())}
    for parent, parts in now.items():
        stayed = [part for part in parts if part not in moved]
        earlier = [part for part in was.get(parent, ()) if part in set(stayed)]
        moved |= {part for part, other in zip(stayed, earlier, strict=True) if part != other}
    return moved


def _rows(parts: Sequence[Any], kept: set[uuid.UUID]) -> dict[uuid.UUID | None, list[uuid.UUID]]:
    """The ids of siblings in order, by their parent."""
    rows: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for part in sorted(parts, key=lambda each: each.place):
        if part.id in kept:
            rows.setdefault(part.module_id, []).append(part.id)
    return rows
