"""What authors may demand of a module: what is complete, and possible."""

import pytest
from sqlalchemy import select

from lms_core.courses.models import VersionModule
from lms_core.testing.courses import make_course


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, modules=3, lessons=1)


@pytest.fixture
def put(instructor, course):
    def change(place, status=200, **values):
        return instructor.client.put_json(f"/api/v1/modules/{course.modules[place]}", values, status=status).json

    return change


def test_what_was_said_is_shown_and_frozen(core, instructor, course, put):
    said = {
        "unlockType": "scheduled", "unlockDate": "2031-02-03T04:05:06+02:00", "unlockAfterDays": 3,
        "unlockMinScore": 80, "prerequisites": [str(course.modules[0])],
    }  # fmt: skip
    shown = {**said, "unlockDate": "2031-02-03T02:05:06Z"}
    assert {name: put(1, **said)[name] for name in said} == shown
    url = f"/api/v1/courses/{course.id}"
    [changed] = instructor.client.get(f"{url}/changes").json["items"]
    assert (changed["id"], changed["changes"]) == (str(course.modules[1]), ["edited"])
    instructor.client.post_json(f"{url}/publish")
    put(1, unlockType="immediate", prerequisites=[], unlockMinScore=None, unlockDate=None, unlockAfterDays=None)
    instructor.client.post_json(f"{url}/versions/2/restore")
    assert {name: instructor.client.get(f"/api/v1/modules/{course.modules[1]}").json[name] for name in said} == shown
    copy = instructor.client.post_json(f"{url}/duplicate", {}, status=201).json
    copied = instructor.client.get(f"/api/v1/courses/{copy['id']}/modules").json["items"]
    assert copied[1]["prerequisites"] == [copied[0]["id"]]
    assert (copied[1]["unlockDate"], copied[1]["unlockMinScore"]) == (shown["unlockDate"], 80)
    with core.reader() as db:
        frozen = db.execute(select(VersionModule).where(VersionModule.unlock_min_score == 80)).one()
    assert (frozen.unlock_after_days, frozen.prerequisites) == (3, [course.modules[0]])


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"unlockType": "scheduled"}, "unlock_incomplete", "unlockDate"),
        ({"unlockType": "relative"}, "unlock_incomplete", "unlockAfterDays"),
        ({"unlockMinScore": 50}, "unlock_incomplete", "unlockMinScore"),
        ({"unlockType": "whenever"}, "invalid", "unlockType"),
        ({"unlockDate": "2031-02-03T04:05:06"}, "invalid", "unlockDate"),
        ({"unlockDate": "tomorrow"}, "invalid", "unlockDate"),
        ({"unlockAfterDays": -1}, "invalid", "unlockAfterDays"),
        ({"unlockAfterDays": 3651}, "invalid", "unlockAfterDays"),
        ({"unlockAfterDays": "7"}, "invalid", "unlockAfterDays"),
        ({"unlockMinScore": 0}, "invalid", "unlockMinScore"),
        ({"unlockMinScore": 101}, "invalid", "unlockMinScore"),
        ({"unlockMinScore": 50.5}, "invalid", "unlockMinScore"),
        ({"prerequisites": ["no id"]}, "invalid", "prerequisites"),
        ({"prerequisites": ["5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"]}, "prerequisite_unknown", "prerequisites"),
        ({"prerequisites": ["5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"] * 101}, "invalid", "prerequisites"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(instructor, course, put, values, code, field):
    before = instructor.client.get(f"/api/v1/modules/{course.modules[1]}").json
    told = put(1, 422, title="New", **values)
    assert (told["code"], list(told["errors"])) == (code, [field])
    assert instructor.client.get(f"/api/v1/modules/{course.modules[1]}").json == before
    body = {"title": "One more", **values}
    assert instructor.client.post_json(f"/api/v1/courses/{course.id}/modules", body, status=422).json["code"] == code


def test_a_module_of_another_course_is_none_to_wait_for(core, instructor, put):
    other = make_course(core, instructor.id)
    assert put(1, 422, prerequisites=[str(other.modules[0])])["code"] == "prerequisite_unknown"


def test_no_module_waits_for_itself(course, put):
    first, second, third = map(str, course.modules)
    assert put(0, 422, prerequisites=[first])["code"] == "prerequisite_cycle"
    put(1, prerequisites=[first])
    put(2, prerequisites=[second])
    assert put(0, 422, prerequisites=[third])["code"] == "prerequisite_cycle"
    put(2, prerequisites=[], unlockType="sequential")
    assert put(1, 422, prerequisites=[third])["code"] == "prerequisite_cycle"
    put(1, prerequisites=[first, first])


def test_an_order_in_which_a_module_never_opens_is_not_published(instructor, course, put):
    first, second, third = map(str, course.modules)
    put(1, prerequisites=[first])
    put(0, unlockType="sequential")
    url = f"/api/v1/courses/{course.id}"
    instructor.client.put_json(f"{url}/modules/order", {"ids": [second, first, third]})
    told = instructor.client.post_json(f"{url}/publish", status=409).json
    assert told["code"] == "course_incomplete"
    assert [each.split("“")[-1] for each in told["errors"]["modules"]] == [
        "The module Module 2 waits for itself, and never opens.",
        "The module Module 1 waits for itself, and never opens.",
    ]
    instructor.client.put_json(f"{url}/modules/order", {"ids": [first, second, third]})
    instructor.client.post_json(f"{url}/publish")


def test_nobody_waits_for_what_is_deleted(instructor, course, put):
    first, second, _third = map(str, course.modules)
    put(2, prerequisites=[first, second])
    instructor.client.delete(f"/api/v1/modules/{first}", status=204)
    assert put(2, title="Later")["prerequisites"] == [second]
    put(2, prerequisites=[second])


def test_a_title_alone_is_changed_whatever_else_is_wrong(instructor, course, put):
    first, second, third = map(str, course.modules)
    put(1, prerequisites=[first])
    put(0, unlockType="sequential")
    url = f"/api/v1/courses/{course.id}"
    instructor.client.put_json(f"{url}/modules/order", {"ids": [second, first, third]})
    assert put(1, title="Renamed")["title"] == "Renamed"
    assert put(1, prerequisites=[])["prerequisites"] == []
