"""When a module is open: each condition by itself and together, and what holds of all of them."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms_core.learning.unlocking.rules import Done, Rule, Standing, decide

NOW = dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
"""In the night in which much of Europe puts its clocks forward."""
SECOND = dt.timedelta(seconds=1)
VIENNA = dt.timezone(dt.timedelta(hours=2))
A, B, C = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
TAKING = Standing("active", NOW - dt.timedelta(days=7))
COMPLETE, BEGUN = Done(started=True, completed=True), Done(started=True)


def standing(**done):
    return replace(TAKING, modules={{"a": A, "b": B, "c": C}[name]: value for name, value in done.items()})


def scored(score, **others):
    return replace(standing(a=Done(True, True, score), **others), scored=frozenset({A}))


def after(days, **fields):
    return Rule(B, "relative", unlock_after_days=days, **fields)


def at(moment):
    return Rule(B, "scheduled", unlock_date=moment)


FIRST = Rule(A)
FOLLOWS, NEEDS = Rule(B, "sequential"), Rule(B, prerequisites=(A,))
DEMANDS = Rule(B, "sequential", unlock_min_score=60)


@pytest.mark.parametrize(
    ("rule", "who", "reasons"),
    [
        (Rule(B), TAKING, []),
        (at(NOW), TAKING, []),
        (at(NOW + SECOND), TAKING, [{"code": "scheduled", "unlocksAt": "2026-03-29T01:30:01Z"}]),
        # The same moment by another clock.
        (at(NOW.astimezone(VIENNA)), TAKING, []),
        (at((NOW + SECOND).astimezone(VIENNA)), TAKING, [{"code": "scheduled", "unlocksAt": "2026-03-29T01:30:01Z"}]),
        (at(None), TAKING, []),
        (after(7), TAKING, []),
        (after(8), TAKING, [{"code": "relative", "unlocksAt": "2026-03-30T01:30:00Z"}]),
        (after(0), TAKING, []),
        (after(None), TAKING, []),
        (after(1), replace(TAKING, starts_at=NOW - dt.timedelta(hours=23)),
         [{"code": "relative", "unlocksAt": "2026-03-29T02:30:00Z"}]),
        (FOLLOWS, TAKING, [{"code": "sequential", "moduleIds": [str(A)]}]),
        (FOLLOWS, standing(a=BEGUN), [{"code": "sequential", "moduleIds": [str(A)]}]),
        (FOLLOWS, standing(a=COMPLETE), []),
        (FOLLOWS, replace(TAKING, waives_sequence=True), []),
        (NEEDS, TAKING, [{"code": "prerequisite", "moduleIds": [str(A)]}]),
        (NEEDS, replace(TAKING, waives_sequence=True), [{"code": "prerequisite", "moduleIds": [str(A)]}]),
        (NEEDS, standing(a=COMPLETE), []),
        (Rule(B, prerequisites=(C,)), TAKING, []),  # The version does not have it.
        (Rule(B, prerequisites=(A, C)), TAKING, [{"code": "prerequisite", "moduleIds": [str(A)]}]),
        (replace(at(NOW + SECOND), prerequisites=(A,)), TAKING,
         [{"code": "scheduled", "unlocksAt": "2026-03-29T01:30:01Z"},
          {"code": "prerequisite", "moduleIds": [str(A)]}]),
        (DEMANDS, scored(59.99), [{"code": "minimum_score", "moduleIds": [str(A)], "required": 60, "actual": 59.99}]),
        (DEMANDS, scored(60), []),
        (DEMANDS, scored(None), [{"code": "minimum_score", "moduleIds": [str(A)], "required": 60, "actual": None}]),
        (DEMANDS, standing(a=COMPLETE), []),  # There is nothing to score.
        (DEMANDS, standing(a=Done(True, True, 10)),
         [{"code": "minimum_score", "moduleIds": [str(A)], "required": 60, "actual": 10}]),
        (DEMANDS, replace(scored(10), waives_sequence=True), []),
        (Rule(B, unlock_min_score=60), scored(0), []),  # It waits for no module.
        (FOLLOWS, standing(b=BEGUN), []),  # What was begun stays open.
        (at(NOW + SECOND), standing(b=BEGUN), []),
        (at(NOW + SECOND), replace(TAKING, own_dates={B: NOW}), []),
        (at(NOW), replace(TAKING, own_dates={B: NOW + SECOND}),
         [{"code": "scheduled", "unlocksAt": "2026-03-29T01:30:01Z"}]),
        (after(30), replace(TAKING, own_dates={B: NOW}), []),
        (Rule(B), replace(TAKING, own_dates={B: NOW + SECOND}), []),  # It has no date that this could replace.
        (Rule(B), None, [{"code": "not_enrolled"}]),
        (Rule(B), replace(TAKING, status="completed"), []),
        (Rule(B), replace(TAKING, status="suspended"), [{"code": "enrollment_suspended"}]),
        (Rule(B), replace(standing(b=BEGUN), status="dropped"), [{"code": "enrollment_dropped"}]),
        (Rule(B), replace(TAKING, ends_at=NOW), [{"code": "enrollment_expired"}]),
        (Rule(B), replace(TAKING, ends_at=NOW + SECOND), []),
        (Rule(B), replace(TAKING, starts_at=NOW), []),
        (Rule(B), replace(TAKING, starts_at=NOW + SECOND),
         [{"code": "not_started_yet", "unlocksAt": "2026-03-29T01:30:01Z"}]),
    ],
)  # fmt: skip
def test_why_the_second_module_is_locked(rule, who, reasons):
    _first, second = decide([FIRST, rule], who, NOW)
    assert (second.is_open, second.reasons) == (not reasons, reasons)


def test_the_first_module_follows_none():
    assert decide([Rule(A, "sequential")], TAKING, NOW)[0].is_open


def test_an_empty_module_holds_nobody_up():
    assert decide([Rule(A, lessons_total=0), FOLLOWS], TAKING, NOW)[1].is_open


def test_what_was_granted_is_told_apart():
    granted = replace(TAKING, waives_sequence=True, own_dates={C: NOW})
    _first, second, third = decide([FIRST, FOLLOWS, replace(at(NOW + SECOND), id=C)], granted, NOW)
    assert [each.accommodated for each in (*second.conditions, *third.conditions)] == [True, True]
    assert not second.earned


IDS = [uuid.UUID(int=number) for number in range(1, 6)]
moments = st.integers(-3, 3).map(lambda days: NOW + dt.timedelta(days=days))
maybe_moments = st.none() | moments
scores = st.none() | st.integers(0, 100)


@st.composite
def courses(draw):
    """Up to five modules with any rules."""
    return [
        Rule(
            module_id,
            draw(st.sampled_from(["immediate", "scheduled", "sequential", "relative"])),
            draw(maybe_moments),
            draw(st.none() | st.integers(0, 10)),
            draw(st.none() | st.integers(1, 100)),
            tuple(draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))),
            draw(st.integers(0, 2)),
        )
        for module_id in IDS[: draw(st.integers(1, 5))]
    ]


@st.composite
def standings(draw):
    """Anybody's part in the course."""
    done = st.builds(Done, st.booleans(), st.booleans(), scores)
    return Standing(
        draw(st.sampled_from(["active", "completed", "suspended", "dropped", "expired"])),
        draw(moments), draw(maybe_moments), draw(maybe_moments), draw(st.booleans()),
        draw(st.dictionaries(st.sampled_from(IDS), moments)), draw(st.dictionaries(st.sampled_from(IDS), done)),
        draw(st.frozensets(st.sampled_from(IDS))),
    )  # fmt: skip


def opened(rules, who, now=NOW):
    return {each.module_id for each in decide(rules, who, now) if each.is_open}


@settings(derandomize=True)
@given(courses(), standings(), st.sampled_from(IDS))
def test_to_complete_or_to_begin_more_locks_nothing(rules, who, module):
    was = who.modules.get(module, Done())
    more = replace(who, modules={**who.modules, module: replace(was, started=True, completed=True)})
    assert opened(rules, who) <= opened(rules, more)


@settings(derandomize=True)
@given(courses(), standings(), st.sampled_from(IDS), st.integers(0, 100))
def test_a_better_score_locks_nothing(rules, who, module, score):
    was = who.modules.get(module, Done(score=0))
    better = replace(was, score=max(score, was.score or 0))
    before = replace(who, modules={**who.modules, module: was})
    if was.score is not None:
        assert opened(rules, before) <= opened(rules, replace(who, modules={**who.modules, module: better}))


@settings(derandomize=True)
@given(courses(), standings())
def test_time_locks_nothing_while_the_enrollment_lasts(rules, who):
    lasting = replace(who, ends_at=None)
    assert opened(rules, lasting) <= opened(rules, lasting, NOW + dt.timedelta(days=1))


@settings(derandomize=True)
@given(courses(), standings())
def test_a_waiver_locks_nothing(rules, who):
    assert opened(rules, replace(who, waives_sequence=False)) <= opened(rules, replace(who, waives_sequence=True))


@settings(derandomize=True)
@given(courses(), standings())
def test_a_module_is_locked_exactly_where_there_is_a_reason(rules, who):
    decisions = decide(rules, who, NOW)
    assert [each.module_id for each in decisions] == [rule.id for rule in rules]
    assert all(bool(each.reasons) != each.is_open for each in decisions)
    assert decide(rules, who, NOW) == decisions
