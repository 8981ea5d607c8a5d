"""Who has read what: counted once a person whatever happens at once, and found again across courses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, event, func, select, text, update

from lms_core.accounts.models import User
from lms_core.courses.models import Announcement, AnnouncementRead
from lms_core.testing.accounts import bearer
from lms_core.testing.courses import make_course

MINE = "/api/v1/users/me/announcements"
NEWS = {"title": "Exam moved", "content": "<p>To Friday.</p>"}


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, title="Bread")
    enroll(student, made)
    return made


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def write(instructor, course, **values):
    url = f"/api/v1/courses/{course.id}/announcements"
    return instructor.client.post_json(url, {**NEWS, **values}, status=201).json


def one(announcement):
    return f"/api/v1/announcements/{announcement['id']}"


def read(person, announcement, **kwargs):
    return person.client.post_json(f"{one(announcement)}/read", {}, **kwargs)


def counted(core, announcement):
    with core.reader() as db:
        kept = db.scalar(select(Announcement.read_count).where(Announcement.id == announcement["id"]))
        rows = select(func.count()).where(AnnouncementRead.announcement_id == announcement["id"])
        assert kept == db.scalar(rows)
        return kept


def test_reading_counts_once(core, instructor, student, make_person, course):
    made = write(instructor, course)
    url = f"/api/v1/courses/{course.id}/announcements"
    assert student.client.get(f"{url}/unread").json == {"unread": 1, "unreadIsExact": True}
    first = read(student, made).json
    assert first["announcementId"] == made["id"]
    assert read(student, made).json == first, "the first time stays"
    assert student.client.get(one(made)).json["readAt"] == first["readAt"]
    assert student.client.get(f"{url}/unread").json["unread"] == 0
    assert student.client.get(f"{url}?unread=true").json["items"] == []
    assert student.client.get(f"{url}?unread=false").json["total"] == 1

    other = make_person(first_name="Grace", last_name="Hopper")
    enroll(other, course)
    read(other, made)
    assert instructor.client.get(one(made)).json["readCount"] == 2
    first = instructor.client.get(f"{one(made)}/readers?limit=1").json
    assert first["items"][0]["user"]["name"] == "Grace Hopper"
    rest = instructor.client.get(f"{one(made)}/readers?limit=1&cursor={first['next']}").json
    assert [each["user"]["id"] for each in rest["items"]] == [str(student.id)]
    assert rest["next"] is None
    refused = instructor.client.get(f"{one(made)}/readers?cursor=W1siaSIsIjEiXSxbImkiLCIxIl1d", status=422).json
    assert refused["code"] == "cursor_invalid"


def test_only_what_is_shown_can_be_read(core, instructor, student, course):
    made = write(instructor, course)
    with core.transaction() as db:
        db.execute(update(Announcement).values(is_published=False))
    read(student, made, status=404)
    assert read(instructor, made, status=409).json["code"] == "announcement_not_live"
    assert counted(core, made) == 0


def test_reading_at_once_counts_each_person_once(core, app, instructor, make_person, course):
    made = write(instructor, course)
    people = [make_person() for _ in range(6)]
    for person in people:
        enroll(person, course)
    tokens = [bearer(core, person.id) for person in people] * 3

    def go(token):
        return app.bearer(token).post_json(f"{one(made)}/read", {}).status_int

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(go, tokens)) == {200}
    assert counted(core, made) == 6


def test_an_account_that_goes_takes_its_reads_along(core, app, instructor, make_person, course):
    several = [write(instructor, course, title=f"News {number}") for number in range(4)]
    people = [make_person() for _ in range(6)]
    for person in people:
        enroll(person, course)
        for made in several:
            read(person, made)
    staying, going = people[:3], people[3:]
    late = write(instructor, course, title="Late")

    def act(person):
        if person in going:
            with core.transaction() as db:
                db.execute(delete(User).where(User.id == person.id))
        else:
            read(person, late)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, people))
    assert [counted(core, made) for made in (*several, late)] == [3] * 5
    assert len(instructor.client.get(f"{one(late)}/readers").json["items"]) == len(staying)


def test_a_closed_account_is_counted_and_not_named(core, instructor, make_person, course):
    person = make_person(first_name="Grace", last_name="Hopper")
    enroll(person, course)
    made = write(instructor, course)
    read(person, made)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == person.id).values(deleted_at=func.now()))
    [reader] = instructor.client.get(f"{one(made)}/readers").json["items"]
    assert reader["user"] is None


def test_reading_while_it_is_deleted_leaves_nothing_behind(core, app, instructor, make_person, course):
    made = write(instructor, course)
    people = [make_person() for _ in range(4)]
    for person in people:
        enroll(person, course)
    token = instructor.client.authorization[1]

    def act(person):
        if person is None:
            return app.bearer(token).delete(one(made)).status_int
        client = app.bearer(person.client.authorization[1])
        return client.post_json(f"{one(made)}/read", {}, expect_errors=True).status_int

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(act, [*people[:2], None, *people[2:]]))
    assert answers[2] == 204
    assert set(answers) <= {200, 204, 404, 409}
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(AnnouncementRead)) == 0


def test_mine_are_those_of_all_my_courses_newest_first(core, instructor, student, make_person, course):
    second = make_course(core, instructor.id, title="Wine")
    make_course(core, instructor.id, title="Not mine")
    enroll(student, second)
    make_course(core, make_person("instructor").id)
    write(instructor, second, title="one", priority="urgent")
    write(instructor, course, title="two")
    write(instructor, second, title="three", priority="low")
    write(instructor, course, title="staff", targetAudience={"groups": ["staff"]})
    write(instructor, course, title="draft", isPublished=False)
    seen = student.client.get(MINE).json
    assert [(each["title"], each["course"]["title"]) for each in seen["items"]] == [
        ("three", "Wine"), ("two", "Bread"), ("one", "Wine"),
    ]  # fmt: skip
    assert seen["next"] is None
    pages, cursor = [], ""
    for _page in range(3):
        page = student.client.get(f"{MINE}?limit=1{cursor}").json
        pages += page["items"]
        cursor = f"&cursor={page['next']}"
    assert (pages, page["next"]) == (seen["items"], None)

    assert student.client.get(f"{MINE}/unread").json == {"unread": 3, "unreadIsExact": True}
    read(student, seen["items"][1])
    assert student.client.get(f"{MINE}/unread").json["unread"] == 2
    assert [each["title"] for each in student.client.get(f"{MINE}?unread=true").json["items"]] == ["three", "one"]
    assert [each["title"] for each in student.client.get(f"{MINE}?unread=false").json["items"]] == ["two"]
    assert student.client.get(f"{MINE}?cursor=x", status=422).json["code"] == "cursor_invalid"
    mine = instructor.client.get(MINE).json["items"]
    assert [each["title"] for each in mine] == ["staff", "three", "two", "one"], "who teaches is told as staff"


def test_who_teaches_and_attends_the_same_course_sees_each_once(core, instructor, student, course):
    body = {"userId": str(student.id), "role": "teaching_assistant"}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
    for groups in (["students"], ["staff"], ["staff", "students"], []):
        write(instructor, course, title="/".join(groups) or "all", targetAudience={"groups": groups})
    seen = [each["title"] for each in student.client.get(MINE).json["items"]]
    assert seen == ["all", "staff/students", "staff", "students"]
    assert student.client.get(f"{MINE}/unread").json["unread"] == 4


FILL = (
    """
    INSERT INTO courses (code, title, slug, instructor_id, is_published)
    SELECT 'MANY-' || n, 'Many ' || n, 'many-' || n, :owner, true FROM generate_series(1, 500) AS n
    """,
    """
    INSERT INTO announcements (course_id, author_id, title, content, publish_at)
    SELECT id, :owner, 'News ' || n, repeat('words ', 50), now() - n * interval '1 minute'
    FROM courses, generate_series(1, 200) AS n WHERE code LIKE 'MANY-%'
    """,
    """
    INSERT INTO enrollments (user_id, course_id) SELECT :student, id FROM courses WHERE code LIKE 'MANY-%0'
    """,
)


def announcements_read(plan):
    """Announcements that the nodes of a plan fetch, with those they throw away again."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    below = sum(announcements_read(child) for child in plan.get("Plans", ()))
    return below + (own if plan.get("Relation Name") == "announcements" else 0)


def test_a_page_of_mine_costs_the_same_however_much_has_piled_up(core, instructor, student, statements):
    """50 courses with 10,000 announcements, among 500 courses with 100,000."""
    with core.transaction() as db:
        for statement in FILL:
            db.execute(text(statement), {"owner": instructor.id, "student": student.id})
    with core.reader() as db:
        db.execute(text("ANALYZE courses, announcements, enrollments"))
    sent = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if "my_courses" in statement:
            sent.append((statement, parameters))

    event.listen(core.readers, "before_cursor_execute", note)
    cursor = ""
    for _page in range(5):
        with statements() as seen:
            page = student.client.get(f"{MINE}?limit=20{cursor}").json
        assert (len(page["items"]), seen.count) == (20, 2), seen
        cursor = f"&cursor={page['next']}"
    event.remove(core.readers, "before_cursor_execute", note)
    with core.reader() as db:
        plans = [
            db.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).scalar()[0] for sql, values in sent
        ]
    # No more than can stand on the page of each course; a row on each cursor is read and thrown away.
    assert [announcements_read(plan["Plan"]) <= 50 * 22 for plan in plans] == [True] * 5, plans
    assert student.client.get(f"{MINE}/unread").json == {"unread": 1000, "unreadIsExact": False}
