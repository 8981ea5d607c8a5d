"""Putting an outline together: what everybody sees, with what one student has done and may do."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orjson import Fragment

from lms_core.learning.outline.structure import (
    AVAILABLE,
    COMPLETED,
    IN_PROGRESS,
    LOCKED,
    Chapter,
    Structure,
    written,
)
from lms_core.learning.unlocking.queries import moments_of, read_standing
from lms_core.learning.unlocking.rules import Condition, Decision, Done, Standing, decide

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Doing:
    """What a student has done: the lessons completed, and those begun, the last one first."""

    done: frozenset[bytes]
    begun: Sequence[bytes]


def compose(course: Any, row: Any, structure: Structure, now: dt.datetime) -> Json:
    """The outline of a version for a student, or for who is none; ``row`` is what ``queries.student`` answered."""
    standing = read_standing(row)
    decisions = decide([chapter.rule for chapter in structure], standing, now)
    doing = Doing(frozenset(_cut(row.done)), _cut(row.begun))
    moments = moments_of(row)
    modules = [
        _module(chapter, decision, standing, doing, moments)
        for chapter, decision in zip(structure, decisions, strict=True)
    ]
    return {
        **_head(course, row.number),
        "enrollment": _enrollment(row) if standing is not None else None,
        "continue_lesson_id": _where_to_go_on(structure, decisions, doing),
        "modules": modules,
    }


def explain(
    course: Any, student_id: uuid.UUID, row: Any, structure: Structure, now: dt.datetime, *, grants: bool
) -> Json:
    """What decided about each module for a student, condition by condition, whether it held or not.

    With ``grants`` also whether something that was granted to the student decided it.
    """
    standing = read_standing(row)
    decisions = decide([chapter.rule for chapter in structure], standing, now)
    return {
        **_head(course, row.number),
        "user_id": student_id,
        "at": now,
        "enrollment": _enrollment(row) if standing is not None else None,
        "modules": [
            {
                "id": decision.module_id,
                "title": chapter.words["title"],
                "is_open": decision.is_open,
                "begun": decision.begun,
                "conditions": [_condition(each, grants=grants) for each in decision.conditions],
            }
            for chapter, decision in zip(structure, decisions, strict=True)
        ],
    }


def _condition(condition: Condition, *, grants: bool) -> Json:
    told = {**condition.as_json(), "passed": condition.passed}
    return {**told, "accommodated": condition.accommodated} if grants else told


def show(course: Any, number: int | None, structure: Structure) -> Json:
    """An outline for who runs the course and takes no part in it: everything is open."""
    modules = [{**_state(chapter, AVAILABLE), "lessons": chapter.uniform(AVAILABLE)} for chapter in structure]
    return {**_head(course, number), "enrollment": None, "continue_lesson_id": None, "modules": modules}


def _head(course: Any, number: int | None) -> Json:
    return {"course_id": course.id, "title": course.title, "version": number}


def _enrollment(row: Any) -> Json:
    return {
        "id": row.enrollment_id,
        "status": row.status,
        "enrolledAt": row.enrolled_at,
        "startsAt": row.starts_at,
        "endsAt": row.ends_at,
        "completedAt": row.completed_at,
        "progressPercentage": _number(float(row.progress_percentage)),
        "lessonsCompleted": row.lessons_completed,
        "lessonsTotal": row.lessons_total,
    }


def _number(percent: float) -> float:
    """Whole where it is whole."""
    return int(percent) if percent.is_integer() else percent


def _cut(ids: bytes | None) -> list[bytes]:
    return [ids[at : at + 16] for at in range(0, len(ids), 16)] if ids else []


def _module(
    chapter: Chapter,
    decision: Decision,
    standing: Standing | None,
    doing: Doing,
    moments: Mapping[uuid.UUID, Json],
) -> Json:
    if decision.barred or standing is None:
        return {**_state(chapter, LOCKED), "reasons": decision.reasons, "lessons": chapter.uniform(LOCKED)}
    done = standing.modules.get(chapter.rule.id, Done())
    completed = len(chapter.keys & doing.done)
    begun = done.started or completed > 0 or not chapter.keys.isdisjoint(doing.begun)
    reached = COMPLETED if done.completed else IN_PROGRESS if begun else AVAILABLE
    return {
        **_state(chapter, reached if decision.is_open else LOCKED, completed),
        **moments.get(chapter.rule.id, {}),
        "reasons": decision.reasons,
        "lessons": _lessons(chapter, AVAILABLE if decision.is_open else LOCKED, doing, completed),
    }


def _state(chapter: Chapter, state: str, completed: int = 0) -> Json:
    total = len(chapter.lessons)
    return {
        **chapter.words,
        "state": state,
        "reasons": [],
        "lessonsCompleted": completed,
        "lessonsTotal": total,
        "progressPercentage": _number(completed * 10_000 // total / 100) if total else 0,
        "unlockedAt": None,
        "completedAt": None,
    }


def _lessons(chapter: Chapter, untouched: str, doing: Doing, completed: int) -> Fragment:
    """What was begun is open whatever the module is."""
    if completed == len(chapter.lessons):
        return chapter.uniform(COMPLETED)
    if not completed and chapter.keys.isdisjoint(doing.begun):
        return chapter.uniform(untouched)
    begun = frozenset(doing.begun)
    return written(
        lesson.written(COMPLETED if lesson.key in doing.done else IN_PROGRESS if lesson.key in begun else untouched)
        for lesson in chapter.lessons
    )


def _where_to_go_on(structure: Structure, decisions: Sequence[Decision], doing: Doing) -> uuid.UUID | None:
    """The lesson begun last that is not completed, else the first that is open and not begun."""
    if any(decision.barred for decision in decisions):
        return None
    there = frozenset[bytes]().union(*(chapter.keys for chapter in structure))
    begun = (key for key in doing.begun if key in there)
    key = next(begun, None) or next(_open_keys(structure, decisions, doing), None)
    return uuid.UUID(bytes=key) if key is not None else None


def _open_keys(structure: Structure, decisions: Sequence[Decision], doing: Doing) -> Iterator[bytes]:
    for chapter, decision in zip(structure, decisions, strict=True):
        if decision.is_open and not chapter.keys <= doing.done:
            yield from (lesson.key for lesson in chapter.lessons if lesson.key not in doing.done)
