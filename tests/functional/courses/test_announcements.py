"""Announcements: who writes them, who sees which, in what order, and when they become live."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from lms_core.courses.announcements.events import AnnouncementPublished
from lms_core.courses.announcements.service import announce
from lms_core.courses.models import Announcement, Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.models import Outbox
from lms_core.testing.courses import make_course

NEWS = {"title": "Exam moved", "content": "<p>To Friday.</p>"}
EVERYBODY = {"targetAudience": {"groups": [], "users": []}}


def soon(minutes=60):
    return (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).isoformat()


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, title="Bread")
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/announcements"


@pytest.fixture
def write(instructor, url):
    """``write(title="...")``: the owner's announcement, as it was answered."""

    def write(**values):
        return instructor.client.post_json(url, {**NEWS, **values}, status=201).json

    return write


def assist(instructor, course, person, role="teaching_assistant", **permissions):
    body = {"userId": str(person.id), "role": role, "permissions": permissions}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)


def one(announcement):
    return f"/api/v1/announcements/{announcement['id']}"


def titles(person, url, query=""):
    return [each["title"] for each in person.client.get(url + query).json["items"]]


def announced(core):
    with core.reader() as db:
        found = select(Outbox.payload["announcement_id"].astext).where(Outbox.name == AnnouncementPublished.name)
        return sorted(db.scalars(found))


def let_time_come(core, announcement):
    """The time an announcement waited for is now."""
    with core.transaction() as db:
        moved = update(Announcement).where(Announcement.id == announcement["id"])
        db.execute(moved.values(publish_at=func.now() - text("interval '1 s'")))


def test_an_owner_announces_and_the_students_read(instructor, student, url, course):
    hostile = '<p onclick="x()">To <b>Friday</b>.</p><script>alert(1)</script><iframe src="https://e.org"></iframe>'
    answer = instructor.client.post_json(url, {"title": "Exam moved", "content": hostile}, status=201)
    made = answer.json
    assert answer.headers["Location"].endswith(one(made))
    assert made["content"] == "<p>To <b>Friday</b>.</p>"
    assert made["removed"] == ["iframe", "onclick", "script"]
    assert (made["status"], made["priority"], made["readCount"], made["expiresAt"]) == ("live", "normal", 0, None)
    assert made["author"]["id"] == str(instructor.id)

    [seen] = student.client.get(url).json["items"]
    assert (seen["title"], seen["content"], seen["readAt"]) == ("Exam moved", made["content"], None)
    assert seen == student.client.get(one(made)).json
    assert (seen["targetAudience"], seen["readCount"]) == (None, None), "whom and how many is the staff's affair"
    assert instructor.client.get(url).json["items"] == [instructor.client.get(one(made)).json]


def test_the_urgent_stand_first_then_the_newest(instructor, student, url, write, core):
    for priority in ("low", "urgent", "normal", "high"):
        for number in (1, 2):
            write(title=f"{priority} {number}", priority=priority)
    past = write(title="over", priority="urgent", expiresAt=soon())
    with core.transaction() as db:
        db.execute(
            update(Announcement)
            .where(Announcement.id == past["id"])
            .values(publish_at=func.now() - text("interval '2 h'"), expires_at=func.now() - text("interval '1 h'"))
        )
    in_order = [f"{priority} {number}" for priority in ("urgent", "high", "normal", "low") for number in (2, 1)]
    assert titles(student, url) == in_order
    assert titles(instructor, url) == [*in_order, "over"]
    first, second = (student.client.get(f"{url}?limit=3&page={page}").json for page in (1, 2))
    assert [each["title"] for each in first["items"] + second["items"]] == in_order[:6]
    assert (first["total"], first["totalIsExact"]) == (8, True)


def test_staff_see_all_with_their_status_and_students_what_is_live(core, instructor, student, make_person, url, write,
                                                                   course):  # fmt: skip
    helper = make_person()
    assist(instructor, course, helper)
    made = {
        "live": write(title="live"),
        "draft": write(title="draft", isPublished=False),
        "scheduled": write(title="scheduled", publishAt=soon(), expiresAt=soon(120)),
        "expired": write(title="expired", expiresAt=soon()),
    }
    with core.transaction() as db:
        db.execute(
            update(Announcement)
            .where(Announcement.id == made["expired"]["id"])
            .values(publish_at=func.now() - text("interval '2 h'"), expires_at=func.now())
        )
    for person in (instructor, helper):
        statuses = {each["title"]: each["status"] for each in person.client.get(url).json["items"]}
        assert statuses == {name: name for name in made}
        for status in made:
            assert titles(person, url, f"?status={status}") == [status]
    assert titles(student, url) == ["live"]
    assert titles(student, url, "?status=draft") == []
    for status, announcement in made.items():
        student.client.get(one(announcement), status=200 if status == "live" else 404)
        helper.client.get(one(announcement))


def test_an_audience_is_kept_to(core, instructor, student, make_person, url, write, course):
    other, helper = make_person(), make_person()
    other.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    assist(instructor, course, helper)
    write(title="all", **EVERYBODY)
    students = write(title="students", targetAudience={"groups": ["students"]})
    staff = write(title="staff", targetAudience={"groups": ["staff"]})
    chosen = write(title="chosen", targetAudience={"users": [str(other.id)]})
    both = write(title="both", targetAudience={"groups": ["staff", "staff"], "users": [str(student.id)] * 2})
    assert students["targetAudience"] == {"groups": ["students"]}
    assert both["targetAudience"] == {"groups": ["staff"], "users": [str(student.id)]}

    assert titles(student, url) == ["both", "students", "all"]
    assert titles(other, url) == ["chosen", "students", "all"]
    assert titles(helper, url) == ["both", "chosen", "staff", "students", "all"]
    student.client.get(one(chosen), status=404)
    student.client.get(one(staff), status=404)
    student.client.post_json(f"{one(chosen)}/read", {}, status=404)
    unread = {name: person.client.get(f"{url}/unread").json["unread"]
              for name, person in {"student": student, "other": other, "helper": helper}.items()}  # fmt: skip
    assert unread == {"student": 3, "other": 3, "helper": 3}, "all, staff and both are said to the helper"

    changed = instructor.client.put_json(one(chosen), EVERYBODY).json
    assert changed["targetAudience"] == {}
    student.client.get(one(chosen))


def test_only_people_of_the_course_can_be_chosen(instructor, student, make_person, url):
    stranger, nobody = make_person(), uuid.uuid4()
    body = {**NEWS, "targetAudience": {"users": [str(student.id), str(stranger.id), str(nobody)]}}
    refused = instructor.client.post_json(url, body, status=422).json
    assert refused["code"] == "audience_unknown"
    assert set(refused["errors"]["targetAudience"]["users"]) == {str(stranger.id), str(nobody)}
    assert titles(instructor, url) == []


def test_who_was_chosen_and_left_does_not_stand_in_the_way(core, instructor, student, make_person, write, course):
    other = make_person()
    other.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    made = write(targetAudience={"users": [str(student.id)]})
    with core.transaction() as db:
        db.execute(update(Enrollment).where(Enrollment.user_id == student.id).values(status="dropped"))
    both = {"users": [str(student.id), str(other.id)]}
    changed = instructor.client.put_json(one(made), {"title": "Again", "targetAudience": both}).json
    assert set(changed["targetAudience"]["users"]) == set(both["users"])
    student.client.get(one(made), status=404)
    instructor.client.put_json(one(made), {"targetAudience": {"users": [str(other.id)]}})
    instructor.client.put_json(one(made), {"targetAudience": both}, status=422)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"content": ""}, "content"),
        ({"content": "<script>1</script>"}, "content"),
        ({"content": "x" * 50_001}, "content"),
        ({"content": "<b>" * 10_001}, "content"),
        ({"priority": "divine"}, "priority"),
        ({"publishAt": "tomorrow"}, "publishAt"),
        ({"publishAt": None}, "publishAt"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"publishAt": "9998-01-02T00:00:00Z", "expiresAt": "9998-01-01T00:00:00Z"}, "expiresAt"),
        ({"targetAudience": ["students"]}, "targetAudience"),
        ({"targetAudience": {"groups": ["teachers"]}}, "targetAudience"),
        ({"targetAudience": {"groups": "students"}}, "targetAudience"),
        ({"targetAudience": {"users": ["me"]}}, "targetAudience"),
        ({"targetAudience": {"people": []}}, "targetAudience"),
        ({"targetAudience": None}, "targetAudience"),
        ({"readCount": 7}, "readCount"),
        ({"announcedAt": None}, "announcedAt"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_stored(core, instructor, url, write, change, field):
    refused = instructor.client.post_json(url, {**NEWS, **change}, status=422).json
    assert set(refused["errors"]) == {field}
    made = write(isPublished=False)
    assert set(instructor.client.put_json(one(made), change, status=422).json["errors"]) == {field}
    assert instructor.client.get(one(made)).json["updatedAt"] == made["updatedAt"]
    assert announced(core) == []


@pytest.mark.parametrize("written", [{}, {"isPublished": False}])
def test_what_is_announced_does_not_end_before_it_began(instructor, write, written):
    """Be it that people were told of it, or are to be by this very change."""
    made = write(**written)
    change = {"isPublished": True, "expiresAt": "2001-01-01T00:00:00Z"}
    refused = instructor.client.put_json(one(made), change, status=422).json
    assert refused["errors"] == {"expiresAt": ["Must be later than the publication."]}
    assert instructor.client.get(one(made)).json["updatedAt"] == made["updatedAt"]


def test_others_see_and_do_nothing(app, core, instructor, student, make_person, url, write):
    made = write()
    stranger, other_teacher = make_person(), make_person("instructor", "student")
    other_course = make_course(core, other_teacher.id)
    for client, refused in ((stranger.client, 403), (other_teacher.client, 403), (app, 401)):
        client.get(url, status=refused)
        client.get(f"{url}/unread", status=refused)
        client.post_json(url, NEWS, status=refused)
        client.get(one(made), status=404)
        client.put_json(one(made), {"title": "Mine"}, status=404)
        client.delete(one(made), status=404)
        client.post_json(f"{one(made)}/read", {}, status=404)
        client.get(f"{one(made)}/readers", status=404)
    student.client.post_json(url, NEWS, status=403)
    student.client.put_json(one(made), {"title": "Mine"}, status=403)
    student.client.delete(one(made), status=403)
    student.client.get(f"{one(made)}/readers", status=403)
    draft = make_course(core, instructor.id, published=False)
    stranger.client.get(f"/api/v1/courses/{draft.id}/announcements", status=404)
    assert other_teacher.client.get(f"/api/v1/courses/{other_course.id}/announcements").json["total"] == 0
    assert stranger.client.get("/api/v1/users/me/announcements").json["items"] == []
    app.get("/api/v1/users/me/announcements", status=401)
    app.get("/api/v1/users/me/announcements/unread", status=401)


def test_staff_write_by_role_and_permission(admin, instructor, make_person, url, write, course):
    helper, second = make_person(), make_person()
    made = write()
    assist(instructor, course, helper)
    assist(instructor, course, second, "co_instructor")
    helper.client.post_json(url, NEWS, status=403)
    helper.client.put_json(one(made), {"title": "Mine"}, status=403)
    assert second.client.put_json(one(made), {"title": "Ours"}).json["title"] == "Ours"
    second.client.post_json(url, NEWS, status=201)
    admin.client.post_json(url, NEWS, status=201)
    instructor.client.put_json(
        f"/api/v1/courses/{course.id}/staff/{helper.id}", {"permissions": {"announcements:create": True}}
    )
    helper.client.post_json(url, NEWS, status=201)
    helper.client.delete(one(made), status=403)
    second.client.delete(one(made), status=204)
    second.client.get(one(made), status=404)
    instructor.client.put_json(
        f"/api/v1/courses/{course.id}/staff/{helper.id}", {"permissions": {"courses:read": False}}
    )
    assert helper.client.get("/api/v1/users/me/announcements").json["items"] == []


def test_who_left_or_whose_course_went_sees_nothing_any_more(core, instructor, student, url, write, course):
    made = write()

    def gone():
        student.client.get(one(made), status=404)
        assert student.client.get("/api/v1/users/me/announcements").json["items"] == []
        assert student.client.get("/api/v1/users/me/announcements/unread").json["unread"] == 0

    for values in ({"status": "dropped"}, {"status": "suspended"}, {"expires_at": func.now()}):
        with core.transaction() as db:
            db.execute(update(Enrollment).values(**values))
        gone()
        with core.transaction() as db:
            db.execute(update(Enrollment).values(status="active", expires_at=None))
        student.client.get(one(made))
    for values in ({"is_published": False}, {"deleted_at": func.now()}):
        with core.transaction() as db:
            db.execute(update(Course).where(Course.id == course.id).values(**values))
        gone() if "deleted_at" in values else student.client.get(one(made), status=403)
    assert student.client.get("/api/v1/users/me/announcements").json["items"] == []
    instructor.client.get(one(made), status=404)


def test_a_draft_is_dated_when_it_is_published(core, instructor, student, url, write):
    draft = write(isPublished=False)
    assert announced(core) == []
    published = instructor.client.put_json(one(draft), {"isPublished": True}).json
    assert published["status"] == "live"
    assert published["publishAt"] > draft["publishAt"]
    assert announced(core) == [draft["id"]]
    assert titles(student, url) == ["Exam moved"]


def test_people_are_told_once_however_often_it_is_changed(core, instructor, student, url, write, run_periodic):
    made = write()
    for change in ({"title": "Moved again"}, {"isPublished": False}, {"isPublished": True}, {"expiresAt": soon()}):
        instructor.client.put_json(one(made), change)
    assert instructor.client.get(one(made)).json["publishAt"] == made["publishAt"]
    refused = instructor.client.put_json(one(made), {"publishAt": soon()}, status=409).json
    assert refused["code"] == "already_announced"
    same = instructor.client.put_json(one(made), {"publishAt": made["publishAt"]}).json
    assert same["status"] == "live"
    run_periodic("announcements.announce")
    assert announced(core) == [made["id"]]
    instructor.client.put_json(one(made), {"isPublished": False})
    student.client.get(one(made), status=404)


def test_a_scheduled_one_is_told_of_when_its_time_has_come(core, instructor, student, url, write, run_periodic):
    made = write(publishAt=soon())
    run_periodic("announcements.announce")
    assert (titles(student, url), announced(core)) == ([], [])
    moved = instructor.client.put_json(one(made), {"publishAt": soon(30)}).json
    assert (moved["status"], moved["publishAt"] < made["publishAt"]) == ("scheduled", True)
    let_time_come(core, made)
    assert titles(student, url) == ["Exam moved"]
    run_periodic("announcements.announce")
    run_periodic("announcements.announce")
    assert announced(core) == [made["id"]]


def test_a_time_that_is_past_means_now(instructor, write, core):
    made = write(publishAt="2001-01-01T00:00:00Z")
    assert (made["status"], made["publishAt"] > "2026") == ("live", True)
    waiting = write(publishAt=soon())
    assert instructor.client.put_json(one(waiting), {"publishAt": "2001-01-01T00:00:00Z"}).json["status"] == "live"
    assert announced(core) == sorted([made["id"], waiting["id"]])


def test_two_workers_tell_each_once(core, write):
    made = [write(title=f"News {number}", publishAt=soon()) for number in range(12)]
    for each in made:
        let_time_come(core, each)

    def work(_number):
        with core.transaction() as db:
            return announce(db)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(work, range(8)))
    assert sum(counts) == 12
    assert announced(core) == sorted(each["id"] for each in made)


def test_a_worker_that_fails_tells_nobody_and_the_next_does(core, write):
    made = write(publishAt=soon())
    let_time_come(core, made)
    with core.transaction() as db:
        assert announce(db) == 1
        db.rollback()
    assert announced(core) == []
    with core.transaction() as db:
        assert announce(db) == 1
    assert announced(core) == [made["id"]]


def test_what_expired_or_lies_in_a_draft_is_not_told_of(core, instructor, write, run_periodic):
    late = write(publishAt=soon(), expiresAt=soon(120))
    with core.transaction() as db:
        db.execute(update(Announcement).values(publish_at=func.now() - text("interval '2 s'"), expires_at=func.now()))
    draft = make_course(core, instructor.id, published=False)
    instructor.client.post_json(f"/api/v1/courses/{draft.id}/announcements", NEWS, status=201)
    run_periodic("announcements.announce")
    assert announced(core) == []
    instructor.client.post_json(f"/api/v1/courses/{draft.id}/publish")
    run_periodic("announcements.announce")
    assert len(announced(core)) == 1
    assert late["id"] not in announced(core)


def test_an_archived_course_announces_nothing(core, instructor, student, url, write, course):
    made = write()
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == course.id).values(archived_at=func.now()))
    assert instructor.client.post_json(url, NEWS, status=409).json["code"] == "course_archived"
    student.client.get(one(made))


def test_an_edit_of_a_stale_version_is_refused(instructor, student, write):
    made = write()
    tag = instructor.client.get(one(made)).headers["ETag"]
    student.client.post_json(f"{one(made)}/read", {})
    instructor.client.put_json(one(made), {"title": "A"}, headers={"If-Match": tag})
    stale = instructor.client.put_json(one(made), {"title": "B"}, headers={"If-Match": tag}, status=412).json
    assert stale["code"] == "stale"
    instructor.client.delete(one(made), headers={"If-Match": tag}, status=412)


def test_a_repeated_key_announces_once(core, instructor, url):
    first, second = (
        instructor.client.post_json(url, NEWS, headers={"Idempotency-Key": "once"}, status=201) for _ in range(2)
    )
    assert first.json == second.json
    assert announced(core) == [first.json["id"]]


def test_reads_are_bounded_in_statements(instructor, student, url, write, statements):
    made = [write(title=f"News {number}") for number in range(5)]
    for path in (url, f"{url}/unread", one(made[0]), "/api/v1/users/me/announcements",
                 "/api/v1/users/me/announcements/unread"):  # fmt: skip
        for person in (student, instructor):
            with statements() as seen:
                person.client.get(path)
            assert seen.count <= 3, seen
    with statements() as seen:
        instructor.client.get(f"{one(made[0])}/readers")
    assert seen.count <= 3, seen
