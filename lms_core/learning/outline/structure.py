"""What an outline says to everybody: the modules of a version and their lessons, as JSON but for the states."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from lms_core.learning.unlocking.rules import Rule

MOST_LESSONS = 20_000
"""Lessons of which a process keeps the JSON: some hundred bytes each."""

LOCKED, AVAILABLE, IN_PROGRESS, COMPLETED = "locked", "available", "in_progress", "completed"
_STATES = {state: b',"state":"%b"}' % state.encode() for state in (LOCKED, AVAILABLE, IN_PROGRESS, COMPLETED)}


@dataclass(frozen=True, slots=True)
class OutlinedLesson:
    """``key`` are the bytes of its id; ``words`` its JSON, open at the end for the state."""

    key: bytes
    is_preview: bool
    words: bytes

    def written(self, state: str) -> bytes:
        """Whole, in a state; a preview is never locked."""
        return self.words + _STATES[AVAILABLE if self.is_preview and state == LOCKED else state]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A module: what it demands, what it says, and its lessons."""

    rule: Rule
    words: dict[str, Any]
    lessons: tuple[OutlinedLesson, ...]
    keys: frozenset[bytes]
    _uniform: dict[str, orjson.Fragment] = field(default_factory=dict)

    def uniform(self, state: str) -> orjson.Fragment:
        """The lessons, all in one state: written once."""
        found = self._uniform.get(state)
        if found is None:
            found = self._uniform[state] = written(lesson.written(state) for lesson in self.lessons)
        return found


Structure = tuple[Chapter, ...]


def written(parts: Iterable[bytes]) -> orjson.Fragment:
    """A JSON array of what is JSON already."""
    return orjson.Fragment(b"[" + b",".join(parts) + b"]")


def structure_of(rows: Iterable[Any], *, draft: bool = False) -> Structure:
    """The structure in the rows of :func:`lms_core.courses.queries.outline`."""
    return tuple(_chapters(rows, draft))


def _chapters(rows: Iterable[Any], draft: bool) -> Iterator[Chapter]:
    for row in rows:
        lessons = tuple(_lesson(each, draft) for each in row.lessons)
        rule = Rule(
            row.id, row.unlock_type, row.unlock_date, row.unlock_after_days, row.unlock_min_score,
            tuple(row.prerequisites), len(lessons),
        )  # fmt: skip
        words = {
            "id": row.id, "title": row.title, "description": row.description,
            "durationMinutes": row.estimated_duration_minutes, **({"isPublished": row.is_published} if draft else {}),
        }  # fmt: skip
        yield Chapter(rule, words, lessons, frozenset(lesson.key for lesson in lessons))


def _lesson(said: dict[str, Any], draft: bool) -> OutlinedLesson:
    shown = ("id", "title", "contentType", "durationMinutes", "isPreview", *(["isPublished"] if draft else []))
    words = orjson.dumps({name: said[name] for name in shown})
    return OutlinedLesson(uuid.UUID(said["id"]).bytes, said["isPreview"], words[:-1])


class Shelf:
    """``registry.outlines``: the structures used last, up to so many lessons in all."""

    def __init__(self, most: int = MOST_LESSONS) -> None:
        self._most = most
        self._held = 0
        self._kept: OrderedDict[tuple[uuid.UUID, int], Structure] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version_id: uuid.UUID, amendments: int) -> Structure | None:
        """What was put here, if it is still there."""
        key = (version_id, amendments)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, version_id: uuid.UUID, amendments: int, structure: Structure) -> None:
        """Keep a structure; those that were not used for the longest time make room."""
        with self._lock:
            old = self._kept.pop((version_id, amendments), ())
            self._kept[version_id, amendments] = structure
            self._held += _weight(structure) - _weight(old)
            while self._held > self._most and len(self._kept) > 1:
                _key, dropped = self._kept.popitem(last=False)
                self._held -= _weight(dropped)


def _weight(structure: Structure) -> int:
    return sum(1 + len(chapter.lessons) for chapter in structure)
