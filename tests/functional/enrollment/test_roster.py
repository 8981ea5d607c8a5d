"""A course's roster: who may see it, what it shows of whom, and how it is narrowed and put in order."""

import datetime as dt
from decimal import Decimal
from itertools import chain

import pytest
from sqlalchemy import func, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.testing.courses import make_course

DAY = dt.timedelta(days=1)
NAMES = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Edsger", "Dijkstra"), ("Barbara", "Liskov"))
"""The first is the newest, the least busy and the furthest."""


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/enrollments"


@pytest.fixture
def crowd(core, make_person, take):
    """Five students, each a little different."""
    people = [make_person(first_name=first, last_name=last) for first, last in NAMES]
    now = core.clock()
    with core.transaction() as db:
        for number, person in enumerate(people):
            take(person)
            db.execute(
                update(Enrollment).where(Enrollment.user_id == person.id).values(
                    enrolled_at=now - number * DAY,
                    last_accessed_at=None if number == 3 else now - (9 - number) * DAY / 10,
                    progress_percentage=100 - 25 * number,
                    grade_points=None if number == 1 else Decimal(number * 10),
                    enrollment_type="instructor" if number == 2 else "self",
                )
            )  # fmt: skip
    return people


def names(client, url, query=""):
    return [each["student"]["name"].split()[1] for each in client.get(f"{url}?{query}").json["items"]]


def test_a_row_says_what_staff_need(core, instructor, course, url, crowd):
    page = instructor.client.get(url).json
    assert (page["total"], page["totalIsExact"], page["page"]) == (5, True, 1)
    assert [each["student"]["name"].split()[1] for each in page["items"]] == sorted(last for _first, last in NAMES)
    [ada] = [each for each in page["items"] if each["student"]["name"] == "Ada Lovelace"]
    assert ada["student"] == {
        "id": str(crowd[0].id), "name": "Ada Lovelace", "displayName": None, "avatarUrl": None, "email": crowd[0].email,
    }  # fmt: skip
    assert (ada["status"], ada["progressPercentage"], ada["gradePoints"], ada["hasNotes"]) == ("active", 100, 0, False)
    instructor.client.put_json(f"/api/v1/enrollments/{ada['id']}/notes", {"notes": "Bright."})
    [again] = [each for each in instructor.client.get(url).json["items"] if each["id"] == ada["id"]]
    assert again["hasNotes"] is True
    assert "Bright" not in instructor.client.get(url).text


def test_contact_data_is_for_who_may_see_it(instructor, admin, assist, url, crowd):
    helper, second = assist(), assist("co_instructor")
    trusted = assist(rosters_contact=True)
    barred = assist("co_instructor", rosters_contact=False)
    needle = crowd[1].email.split("@")[0]
    for person, sees in ((instructor, True), (admin, True), (second, True), (trusted, True), (helper, False),
                         (barred, False)):  # fmt: skip
        answer = person.client.get(url)
        assert all((each["student"]["email"] is not None) == sees for each in answer.json["items"])
        assert ("@example.com" in answer.text) == sees
        assert names(person.client, url, f"search={needle}") == (["Hopper"] if sees else []), "no address is guessed"
        assert names(person.client, url, "search=hopp") == ["Hopper"]


def test_who_may_not_see_a_roster(core, app, instructor, make_person, assist, url, crowd, course):
    app.get(url, status=401)
    for person in (make_person(), make_person("instructor"), make_person("moderator"), crowd[0]):
        person.client.get(url, status=403)
    assist(rosters_read=False).client.get(url, status=403)
    other = make_course(core, make_person("instructor").id)
    instructor.client.get(f"/api/v1/courses/{other.id}/enrollments", status=403)
    draft = make_course(core, instructor.id, published=False)
    crowd[0].client.get(f"/api/v1/courses/{draft.id}/enrollments", status=404)
    assert instructor.client.get(f"/api/v1/courses/{draft.slug}/enrollments").json["items"] == []
    with core.transaction() as db:
        db.execute(update(Course).values(deleted_at=func.now()))
    instructor.client.get(url, status=403)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "Dijkstra Hopper Liskov Lovelace Turing"),
        ("-name", "Turing Lovelace Liskov Hopper Dijkstra"),
        ("enrolledAt", "Liskov Dijkstra Turing Hopper Lovelace"),
        ("-enrolledAt", "Lovelace Hopper Turing Dijkstra Liskov"),
        ("lastActivity", "Lovelace Hopper Turing Liskov Dijkstra"),
        ("-lastActivity", "Liskov Turing Hopper Lovelace Dijkstra"),
        ("progress", "Liskov Dijkstra Turing Hopper Lovelace"),
        ("-progress", "Lovelace Hopper Turing Dijkstra Liskov"),
        ("grade", "Lovelace Turing Dijkstra Liskov Hopper"),
        ("-grade", "Liskov Dijkstra Turing Lovelace Hopper"),
    ],
)
def test_every_order_goes_through_all_pages(instructor, url, crowd, sort, order):
    pages = [names(instructor.client, url, f"sort={sort}&limit=2&page={page}") for page in (1, 2, 3)]
    assert list(chain.from_iterable(pages)) == order.split()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=suspended", "Turing"),
        ("status=suspended&status=dropped", "Hopper Turing"),
        ("status=expired", ""),
        ("enrollmentType=instructor", "Turing"),
        ("enrollmentType=self&enrollmentType=instructor&status=active", "Dijkstra Liskov Lovelace"),
        ("search=ALAN", "Turing"),
        ("search=da%20love", "Lovelace"),
        ("search=nick", "Dijkstra"),
        ("search=%25", ""),
        ("search=_", ""),
        ("search=%5C", ""),
        ("minProgress=75", "Hopper Lovelace"),
        ("minProgress=25&maxProgress=50", "Dijkstra Turing"),
        ("maxProgress=0", "Liskov"),
    ],
)
def test_what_narrows_a_roster(core, instructor, url, crowd, query, found):
    with core.transaction() as db:
        for number, status in ((1, "dropped"), (2, "suspended")):
            db.execute(update(Enrollment).where(Enrollment.user_id == crowd[number].id).values(status=status))
        db.execute(update(User).where(User.id == crowd[3].id).values(display_name="Nickname"))
    assert names(instructor.client, url, query) == found.split()
    assert instructor.client.get(f"{url}?{query}").json["total"] == len(found.split())


def test_who_was_idle_is_found(core, instructor, url, crowd):
    since = (core.clock() - 0.75 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(instructor.client, url, f"inactiveSince={since}") == ["Dijkstra", "Hopper", "Lovelace"]
    long_ago = (core.clock() - 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(instructor.client, url, f"inactiveSince={long_ago}") == []


def test_what_is_over_is_found_completed_or_not(core, instructor, url, crowd):
    now = core.clock()
    dates = ({"status": "completed", "expires_at": now - DAY}, {"expires_at": now - DAY, "extended_until": now + DAY},
             {"starts_at": now + DAY}, {"status": "suspended"}, {"status": "completed"})  # fmt: skip
    with core.transaction() as db:
        for person, values in zip(crowd, dates, strict=True):
            db.execute(update(Enrollment).where(Enrollment.user_id == person.id).values(**values))
    moments = {"now": now, "then": now + 2 * DAY, "past": now - 2 * DAY}
    told = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in moments.items()}
    for query, found in {
        "hasAccess=true": ["Hopper", "Liskov"],
        "hasAccess=false": ["Dijkstra", "Lovelace", "Turing"],
        "hasAccess=false&status=completed": ["Lovelace"],
        f"endsBefore={told['now']}": ["Lovelace"],
        f"endsAfter={told['now']}&endsBefore={told['then']}": ["Hopper"],
        f"endsAfter={told['past']}": ["Hopper", "Lovelace"],
        f"endsAfter={told['then']}": [],
    }.items():
        assert names(instructor.client, url, query) == found, query
    [over] = instructor.client.get(f"{url}?hasAccess=false&status=completed").json["items"]
    assert (over["status"], over["endsAt"]) == ("completed", over["expiresAt"])


@pytest.mark.parametrize(
    "query",
    ["sort=email", "status=gone", "minProgress=101", "minProgress=x", "minProgress=60&maxProgress=50",
     "inactiveSince=yesterday", "page=0", "hasAccess=perhaps", "endsBefore=2026-01-01", "search=" + "x" * 201,
     "search=%00", "unknown=1", "limit=101"],
)  # fmt: skip
def test_what_does_not_fit_is_refused(instructor, url, query):
    assert instructor.client.get(f"{url}?{query}", status=422).json["code"] == "invalid"


def test_an_account_that_is_gone_is_left_out(core, instructor, url, crowd):
    with core.transaction() as db:
        db.execute(update(User).where(User.id == crowd[0].id).values(deleted_at=func.now()))
    page = instructor.client.get(url).json
    assert page["total"] == len(page["items"]) == 4


def test_a_page_costs_four_statements(instructor, assist, url, crowd, statements):
    for person in (instructor, assist()):
        for query in ("", "?sort=-lastActivity&status=active&search=a&limit=100"):
            with statements() as seen:
                person.client.get(url + query)
            assert seen.count == 4, seen
