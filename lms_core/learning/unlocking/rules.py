"""When a module is open to a student, and why not: one pure function over what the version demands and what was done.

All conditions of a module have to hold. What nobody could ever meet holds nobody up: a prerequisite that the version
does not have, a score in a module without a graded quiz, a schedule without a date. What a student has begun stays
open, whatever an author or an accommodation changes afterwards; only the enrollment itself can close it.

:func:`lms_core.learning.unlocking.queries.open_lesson` says the same in SQL, for statements that ask yes or no.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lms_core.enrollment.queries import TAKING


@dataclass(frozen=True, slots=True)
class Rule:
    """A module as a version has it, and what it demands."""

    id: uuid.UUID
    unlock_type: str = "immediate"
    unlock_date: dt.datetime | None = None
    unlock_after_days: int | None = None
    unlock_min_score: int | None = None
    prerequisites: tuple[uuid.UUID, ...] = ()
    lessons_total: int = 1

    @property
    def waits(self) -> bool:
        """Whether it asks for anything that a student does."""
        return self.unlock_type == "sequential" or bool(self.prerequisites)


@dataclass(frozen=True, slots=True)
class Done:
    """What a student has done in a module; ``score`` is the average of its quizzes, in percent."""

    started: bool = False
    completed: bool = False
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A student's part in a course, with what was granted to them alone.

    ``own_dates`` are the moments at which modules open to this student, in place of the course's. ``scored`` are the
    modules in which there is something to score.
    """

    status: str
    enrolled_at: dt.datetime
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    waives_sequence: bool = False
    own_dates: Mapping[uuid.UUID, dt.datetime] = field(default_factory=dict)
    modules: Mapping[uuid.UUID, Done] = field(default_factory=dict)
    scored: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, and whether it holds now. ``accommodated``: what was granted to the student decided it."""

    code: str
    passed: bool
    unlocks_at: dt.datetime | None = None
    module_ids: tuple[uuid.UUID, ...] = ()
    required: int | None = None
    actual: float | None = None
    accommodated: bool = False

    def as_json(self) -> dict[str, Any]:
        """As a reason for being locked: the code, and what belongs to it."""
        said: dict[str, Any] = {"code": self.code}
        if self.unlocks_at is not None:
            said["unlocksAt"] = self.unlocks_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        if self.module_ids:
            said["moduleIds"] = [str(each) for each in self.module_ids]
        if self.required is not None:
            said |= {"required": self.required, "actual": self.actual}
        return said


@dataclass(frozen=True, slots=True)
class Decision:
    """A module for a student: open or not, because of which conditions; begun ones are open whatever these say."""

    module_id: uuid.UUID
    is_open: bool
    begun: bool
    conditions: tuple[Condition, ...]
    barred: bool = False
    """Whether the whole course is closed to the student: what was begun, too."""

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Why the module is locked; empty where it is open."""
        return [] if self.is_open else [each.as_json() for each in self.conditions if not each.passed]

    @property
    def earned(self) -> bool:
        """Whether it is open and needed the student to do something for it."""
        return self.is_open and any(each.module_ids and not each.accommodated for each in self.conditions)


def decide(rules: Sequence[Rule], standing: Standing | None, now: dt.datetime) -> list[Decision]:
    """For each module of a version, in order. ``standing`` is None for who is not enrolled."""
    barred = _barred(standing, now)
    if standing is None or barred:
        return [Decision(rule.id, is_open=False, begun=False, conditions=barred, barred=True) for rule in rules]
    there = {rule.id for rule in rules}
    complete = {rule.id for rule in rules if not rule.lessons_total}
    complete |= {module_id for module_id, done in standing.modules.items() if done.completed}
    decisions = []
    for place, rule in enumerate(rules):
        previous = rules[place - 1].id if place and rule.unlock_type == "sequential" else None
        named = tuple(each for each in dict.fromkeys(rule.prerequisites) if each in there)
        conditions = tuple(_conditions(rule, previous, named, standing, complete, now))
        begun = standing.modules.get(rule.id, _NOTHING).started
        is_open = begun or all(each.passed for each in conditions)
        decisions.append(Decision(rule.id, is_open, begun, conditions))
    return decisions


_NOTHING = Done()


def _barred(standing: Standing | None, now: dt.datetime) -> tuple[Condition, ...]:
    """What keeps somebody from the whole course."""
    if standing is None:
        return (Condition("not_enrolled", passed=False),)
    if standing.status not in TAKING:
        return (Condition(f"enrollment_{standing.status}", passed=False),)
    if standing.ends_at is not None and standing.ends_at <= now:
        return (Condition("enrollment_expired", passed=False),)
    if standing.starts_at is not None and standing.starts_at > now:
        return (Condition("not_started_yet", passed=False, unlocks_at=standing.starts_at),)
    return ()


def _conditions(
    rule: Rule,
    previous: uuid.UUID | None,
    named: tuple[uuid.UUID, ...],
    standing: Standing,
    complete: set[uuid.UUID],
    now: dt.datetime,
) -> Iterator[Condition]:
    """``previous`` is the module that it follows, ``named`` are its prerequisites that are there."""
    own, waived = standing.own_dates.get(rule.id), standing.waives_sequence
    opens_at = _date(rule, standing) if own is None else own
    if rule.unlock_type in ("scheduled", "relative") and opens_at is not None:
        yield Condition(rule.unlock_type, opens_at <= now, unlocks_at=opens_at, accommodated=own is not None)
    if previous is not None:
        yield Condition("sequential", waived or previous in complete, module_ids=(previous,), accommodated=waived)
    if named:
        missing = tuple(each for each in named if each not in complete)
        yield Condition("prerequisite", not missing, module_ids=missing or named)
    sources = named if previous is None or waived or previous in named else (*named, previous)
    if rule.unlock_min_score is not None and sources:
        yield _score(rule.unlock_min_score, sources, standing)


def _date(rule: Rule, standing: Standing) -> dt.datetime | None:
    if rule.unlock_type == "relative" and rule.unlock_after_days is not None:
        return (standing.starts_at or standing.enrolled_at) + dt.timedelta(days=rule.unlock_after_days)
    return rule.unlock_date if rule.unlock_type == "scheduled" else None


def _score(required: int, sources: tuple[uuid.UUID, ...], standing: Standing) -> Condition:
    """``actual`` is the lowest score of those that fall short, or of all; None where one of them has none yet."""
    scores = {each: standing.modules.get(each, _NOTHING).score for each in sources}
    counted = {each: score for each, score in scores.items() if score is not None or each in standing.scored}
    short = {each: score for each, score in counted.items() if score is None or score < required}
    told = short or counted
    known = [score for score in told.values() if score is not None]
    actual = min(known) if known and len(known) == len(told) else None
    return Condition("minimum_score", not short, module_ids=tuple(told) or sources, required=required, actual=actual)
