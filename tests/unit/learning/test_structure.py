"""What is kept of outlines: JSON in any state, and no more than there is room for."""

import uuid
from types import SimpleNamespace

import orjson

from lms_core.learning.outline.structure import Shelf, structure_of

LESSON = {
    "id": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a", "title": 'Quotes " and \\ ü', "contentType": "text",
    "durationMinutes": None, "orderIndex": 0, "isPreview": False, "isPublished": True,
}  # fmt: skip


def structure(*lessons, draft=False):
    row = SimpleNamespace(
        id=uuid.uuid4(), unlock_type="immediate", unlock_date=None, unlock_after_days=None, unlock_min_score=None,
        prerequisites=[], title="M", description=None, estimated_duration_minutes=3, is_published=True,
        lessons=list(lessons),
    )  # fmt: skip
    return structure_of([row], draft=draft)


def read(fragment):
    return orjson.loads(orjson.dumps(fragment))


def test_a_lesson_is_the_same_in_every_state_but_for_the_state():
    [chapter] = structure(LESSON, {**LESSON, "isPreview": True})
    for state in ("locked", "available", "in_progress", "completed"):
        plain, preview = read(chapter.uniform(state))
        assert plain == {name: LESSON[name] for name in LESSON if name not in ("orderIndex", "isPublished")} | {
            "state": state
        }
        assert preview["state"] == ("available" if state == "locked" else state)
    assert chapter.uniform("locked") is chapter.uniform("locked")


def test_the_draft_says_what_is_published():
    assert read(structure(LESSON, draft=True)[0].uniform("available"))[0]["isPublished"] is True


def test_an_empty_module_has_no_lessons():
    assert read(structure()[0].uniform("completed")) == []


def test_what_was_used_last_stays():
    shelf, ids = Shelf(most=7), [uuid.uuid4() for _each in range(4)]
    for each in ids[:3]:
        shelf.put(each, 0, structure(LESSON))  # Weighs two.
    assert shelf.get(ids[0], 0)
    shelf.put(ids[3], 0, structure(LESSON))
    assert [shelf.get(each, 0) is not None for each in ids] == [True, False, True, True]
    shelf.put(ids[3], 0, structure(LESSON))
    assert [shelf.get(each, 0) is not None for each in ids] == [True, False, True, True]
    assert shelf.get(ids[3], 1) is None


def test_what_is_too_large_is_kept_alone():
    shelf, one, large = Shelf(most=3), uuid.uuid4(), uuid.uuid4()
    shelf.put(one, 0, structure())
    shelf.put(large, 0, structure(*[LESSON] * 10))
    assert (shelf.get(one, 0), shelf.get(large, 0) is not None) == (None, True)
    shelf.put(one, 0, structure())
    assert (shelf.get(one, 0) is not None, shelf.get(large, 0)) == (True, None)
