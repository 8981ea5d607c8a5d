"""Who finds which courses: in lists, in searches and in every number."""

from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select, update

from lms_core.accounts.models import Group, UserGroup
from lms_core.courses.models import Course, CourseStaff
from lms_core.enrollment.models import Enrollment
from lms_core.testing.courses import make_course

COURSES = "/api/v1/courses"
HIDDEN = ("draft", "archived", "deleted", "archived draft")
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def people(make_person, app):
    """A caller of each kind. ``owner`` owns every course, ``helper`` is on the staff of each, ``taker`` takes them."""
    made = {name: make_person("instructor", "student") for name in ("owner", "other")}
    made |= {name: make_person("student") for name in ("helper", "shut_out", "taker", "student")}
    return SimpleNamespace(**made, admin=make_person("admin"), nobody=SimpleNamespace(client=app))


@pytest.fixture
def courses(core, people):
    """A course in each state, all of the owner's, with the same words, category and tag."""
    made = {}
    for name in ("open", *HIDDEN):
        values = {"title": f"The {name} course", "category": "Science", "tags": ["physics"], "description": "Quarks."}
        made[name] = make_course(core, people.owner.id, lessons=1, published="draft" not in name, **values)
    with core.transaction() as db:
        for course in made.values():
            db.add(CourseStaff(course_id=course.id, user_id=people.helper.id, role="teaching_assistant"))
            refused = {"courses:read": False}
            db.add(
                CourseStaff(course_id=course.id, user_id=people.shut_out.id, role="co_instructor", permissions=refused)
            )
            db.add(Enrollment(course_id=course.id, user_id=people.taker.id))
        for name, column in (("archived", "archived_at"), ("archived draft", "archived_at"), ("deleted", "deleted_at")):
            db.execute(update(Course).where(Course.id == made[name].id).values({column: NOW}))
    return made


def found(person, **query):
    """What the caller finds, by state; the total says the same, and so does every facet."""
    page = person.client.get(COURSES, {"sort": "title", **query}).json
    names = {card["title"].removeprefix("The ").removesuffix(" course") for card in page["items"]}
    assert page["total"] == len(page["items"]) == len(names)
    facets = person.client.get(f"{COURSES}/facets", query).json
    numbers = [{each["count"] for each in facets[name]["values"]} for name in ("category", "tags", "price", "language")]
    assert numbers == [{len(names)} if names else set()] * 4
    return names


EVERYBODY = ("nobody", "student", "taker", "shut_out", "helper", "other", "owner", "admin")


@pytest.mark.parametrize("query", [{}, {"status": "published"}, {"search": "quarks"}, {"tags": "physics"},
                                   {"category": "Science"}, {"mine": "false", "deleted": "false"}])  # fmt: skip
def test_the_catalog_is_the_same_for_everybody(people, courses, query):
    for who in EVERYBODY:
        assert found(getattr(people, who), **query) == {"open"}, who


REACHES = {
    "mine": {name: {"open", "draft", "archived", "archived draft"} for name in ("owner", "helper")},
    "enrolled": {"taker": {"open", "archived"}},
    "draft": {name: {"draft"} for name in ("owner", "helper", "admin")},
    "archived": {
        **{name: {"archived", "archived draft"} for name in ("owner", "helper", "admin")},
        "taker": {"archived"},
    },
}
"""What each sees; who is not named sees nothing."""
ASKED = {
    "mine": {"mine": "true"},
    "enrolled": {"enrolled": "true"},
    "draft": {"status": "draft"},
    "archived": {"status": "archived"},
}


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("narrowed", [{}, {"search": "quarks"}, {"category": "Science", "tags": "physics"}])
def test_beyond_the_catalog_one_sees_what_one_may_read(people, courses, reach, narrowed):
    for who in EVERYBODY[1:]:
        seen = REACHES[reach].get(who, set())
        assert found(getattr(people, who), **ASKED[reach], **narrowed) == seen, who
    for url in (COURSES, f"{COURSES}/facets"):
        refused = people.nobody.client.get(url, {**ASKED[reach], **narrowed}, status=401)
        assert refused.json["code"] == "unauthorized"


def test_whatever_is_listed_can_be_opened(people, courses):
    for who in EVERYBODY[1:]:
        person = getattr(people, who)
        for query in (*ASKED.values(), *([{"deleted": "true"}] if who == "admin" else [])):
            for card in person.client.get(COURSES, query).json["items"]:
                person.client.get(f"{COURSES}/{card['id']}")


def test_reaches_narrow_each_other(people, courses):
    assert found(people.owner, mine="true", status="draft") == {"draft"}
    assert found(people.owner, mine="true", status="published") == {"open"}
    assert found(people.taker, enrolled="true", status="archived") == {"archived"}
    assert found(people.taker, enrolled="true", status="published") == {"open"}
    assert found(people.taker, enrolled="true", status="draft") == set()
    assert found(people.taker, enrolled="true", mine="true") == set()
    assert found(people.owner, instructor=str(people.owner.id)) == {"open"}


def test_deleted_courses_are_for_who_may_delete_every_course(people, courses):
    assert found(people.admin, deleted="true") == {"deleted"}
    assert found(people.admin, deleted="true", status="draft") == set()
    for who in ("student", "taker", "helper", "other", "owner"):
        for url in (COURSES, f"{COURSES}/facets"):
            assert getattr(people, who).client.get(url, {"deleted": "true"}, status=403).json["code"] == "forbidden"
    people.nobody.client.get(COURSES, {"deleted": "true"}, status=401)


def test_an_owner_finds_what_they_deleted_themselves(people, courses):
    assert found(people.owner, deleted="true", mine="true") == {"deleted"}
    assert found(people.other, deleted="true", mine="true") == set()
    assert found(people.admin, deleted="true", mine="true") == set()
    for who in ("student", "helper"):
        getattr(people, who).client.get(COURSES, {"deleted": "true", "mine": "true"}, status=403)


def test_a_draft_is_shown_with_the_module_that_its_author_wrote(people, courses):
    [card] = people.owner.client.get(COURSES, {"status": "draft"}).json["items"]
    assert card["firstModule"] == {"id": str(courses["draft"].modules[0]), "title": "Module 1", "description": None}
    assert (card["isPublished"], card["publishedAt"]) == (False, None)


def test_the_newest_drafts_come_first(people, core):
    for title in ("first", "second", "third"):
        make_course(core, people.owner.id, lessons=0, modules=0, published=False, title=title)
    cards = people.owner.client.get(COURSES, {"mine": "true"}).json["items"]
    assert [card["title"] for card in cards] == ["third", "second", "first"]


def test_what_one_no_longer_takes_is_not_listed(people, courses, core):
    for status in ("dropped", "suspended", "expired"):
        with core.transaction() as db:
            db.execute(update(Enrollment).where(Enrollment.user_id == people.taker.id).values(status=status))
        assert found(people.taker, enrolled="true") == found(people.taker, status="archived") == set()


def test_an_instructor_who_is_one_no_longer_sees_no_drafts(people, courses, core):
    instructors = select(Group.id).where(Group.name == "instructor")
    with core.transaction() as db:
        db.execute(
            delete(UserGroup).where(UserGroup.user_id == people.owner.id, UserGroup.group_id.in_(instructors)),
        )
    assert found(people.owner, status="draft") == found(people.owner, mine="true") == set()


def test_a_correction_finds_no_draft(people, courses, core):
    make_course(core, people.owner.id, lessons=1, title="Thermodynamics", published=False)
    make_course(core, people.other.id, lessons=1, title="Thermodynamics in the kitchen")
    cards = people.student.client.get(COURSES, {"search": "termodynamics"}).json["items"]
    assert [card["title"] for card in cards] == ["Thermodynamics in the kitchen"]


def test_only_what_everybody_sees_may_be_kept_by_caches(people, courses):
    for url in (COURSES, f"{COURSES}/facets"):
        public = people.nobody.client.get(url).headers
        assert public["Cache-Control"] == "public, max-age=30"
        assert {"Authorization", "Cookie"} <= set(public["Vary"].split(", "))
        for who in EVERYBODY[1:]:
            assert getattr(people, who).client.get(url).headers["Cache-Control"] == "no-store"
        for refused in ({"status": "draft"}, {"level": "divine"}):
            assert people.nobody.client.get(url, refused, status="*").headers["Cache-Control"] == "no-store"


def test_a_stale_token_is_nobody_s(app):
    assert app.bearer("stale").get(COURSES, status=401).json["code"] == "token_invalid"
