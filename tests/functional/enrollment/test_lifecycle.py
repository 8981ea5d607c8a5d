"""The life of an enrollment: what leads from which state to which, who may, and what is kept of it."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from lms_core.courses.models import Course
from lms_core.enrollment.admission import Admission
from lms_core.enrollment.events import (
    CourseCompleted,
    EnrollmentDropped,
    EnrollmentExpired,
    EnrollmentResumed,
    EnrollmentSuspended,
)
from lms_core.enrollment.lifecycle import tasks
from lms_core.enrollment.models import Enrollment, EnrollmentChange
from lms_core.enrollment.service import enroll
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.kernel.tasks import TaskContext
from lms_core.notifications.models import Notification
from lms_core.testing.files import make_file

from ...plugins.content_types.media import PNG

STATES = ("active", "completed", "suspended", "dropped", "expired")
STAFF_STEPS = ("suspend", "resume", "drop", "complete")
LEADS_TO = {
    ("suspend", "active"): "suspended", ("suspend", "completed"): "suspended",
    ("resume", "suspended"): "active",
    ("drop", "active"): "dropped", ("drop", "completed"): "dropped", ("drop", "suspended"): "dropped",
    ("complete", "active"): "completed",
}  # fmt: skip


def put(core, url, **values):
    with core.transaction() as db:
        db.execute(update(Enrollment).where(Enrollment.id == url.rpartition("/")[2]).values(**values))


def told(core, event):
    with core.reader() as db:
        return db.execute(select(Outbox.payload).where(Outbox.name == event.name)).scalars().all()


def history(person, url):
    return person.client.get(f"{url}/history").json["items"]


def steps(person, url):
    return [(each["fromStatus"], each["toStatus"]) for each in reversed(history(person, url))]


@pytest.fixture
def mine(take, student):
    return take(student)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STAFF_STEPS)
def test_what_leads_from_which_state_to_which(core, instructor, mine, step, state):
    put(core, mine, status=state)
    to = LEADS_TO.get((step, state))
    body = {"reason": "Because."} if step != "resume" else {}
    answer = instructor.client.post_json(f"{mine}/{step}", body, status=200 if to else 409).json
    if to:
        assert answer["status"] == to
        change = history(instructor, mine)[0]
        assert (change["fromStatus"], change["toStatus"], change["by"]) == (state, to, "staff")
        assert change["person"]["id"] == str(instructor.id)
    else:
        assert answer["code"] == f"enrollment_{state}"
        assert instructor.client.get(mine).json["status"] == state


@pytest.mark.parametrize("state", STATES)
def test_from_where_a_student_may_leave(core, student, mine, state):
    put(core, mine, status=state)
    may = state in ("active", "completed")
    answer = student.client.post_json(f"{mine}/drop", {"reason": "Too hard."}, status=200 if may else 409).json
    assert answer.get("code") == (None if may else f"enrollment_{state}")
    if may:
        assert (answer["status"], answer["droppedReason"]) == ("dropped", "Too hard.")
        [event] = told(core, EnrollmentDropped)
        assert (event["by_staff"], event["reason"]) == (False, "Too hard.")


def test_leaving_and_coming_back_keeps_what_happened(core, student, instructor, course, mine, take):
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    student.client.post_json(f"{lesson}/start")
    student.client.post_json(f"{lesson}/complete")
    before = student.client.get(mine).json
    student.client.post_json(f"{mine}/drop", {"reason": "A pause."})
    student.client.get(lesson, status=403)
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count)) == 0
    assert take(student) == mine
    after = student.client.get(mine).json
    assert (after["status"], after["progressPercentage"], after["droppedReason"]) == ("active", 50, None)
    assert after["enrolledAt"] > before["enrolledAt"]
    assert steps(student, mine) == [(None, "active"), ("active", "dropped"), ("dropped", "active")]
    left = history(student, mine)[1]
    assert (left["reason"], left["by"]) == ("A pause.", "student")


def dates(shown):
    return shown["startsAt"], shown["expiresAt"]


def test_leaving_shakes_off_no_date_that_the_staff_have_set(core, student, instructor, course, mine, take, deliver):
    staff = {"startsAt": "2998-01-01T00:00:00Z", "expiresAt": "2999-01-01T00:00:00Z"}
    instructor.client.put_json(mine, staff)
    for person in (student, instructor):
        person.client.post_json(f"{mine}/drop", {})
        take(student)
        assert dates(student.client.get(mine).json) == tuple(staff.values())
        student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403)
    # Approving a request says nothing of dates; a place on the waiting list neither.
    student.client.post_json(f"{mine}/drop", {})
    instructor.client.put_json(f"/api/v1/courses/{course.id}", {"enrollmentType": "approval"})
    asked = student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=202).json
    instructor.client.post_json(f"/api/v1/enrollment-requests/{asked['id']}/approve", {})
    assert dates(student.client.get(mine).json) == tuple(staff.values())
    # Who is enrolled by the staff gets what these say now.
    student.client.post_json(f"{mine}/drop", {})
    bulk = f"/api/v1/courses/{course.id}/enrollments/bulk"
    for more in ({"expiresAt": "2997-01-01T00:00:00Z"}, {}):
        instructor.client.post_json(bulk, {"students": [{"userId": str(student.id), **more}]})
        assert dates(student.client.get(mine).json) == (None, more.get("expiresAt"))
        student.client.post_json(f"{mine}/drop", {})


def test_who_moves_up_finds_the_dates_too(core, student, instructor, make_person, course, mine, take, deliver):
    instructor.client.put_json(mine, {"expiresAt": "2999-01-01T00:00:00Z"})
    student.client.post_json(f"{mine}/drop", {})
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=1, waiting_list=True))
    other = take(make_person())
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=202)
    instructor.client.post_json(f"{other}/drop", {})
    deliver()
    found = student.client.get(mine).json
    assert (found["status"], *dates(found)) == ("active", None, "2999-01-01T00:00:00Z")


def test_what_is_over_is_decided_anew(core, student, instructor, mine, take):
    instructor.client.put_json(mine, {"startsAt": "2020-01-01T00:00:00Z", "expiresAt": "2021-01-01T00:00:00Z"})
    take(student)
    assert dates(student.client.get(mine).json) == (None, None)
    instructor.client.put_json(mine, {"startsAt": "2020-01-01T00:00:00Z", "expiresAt": "2999-01-01T00:00:00Z"})
    student.client.post_json(f"{mine}/drop", {})
    put(core, mine, expires_at=core.clock() - dt.timedelta(days=1))
    take(student)
    assert dates(student.client.get(mine).json) == (None, None)


def test_an_end_that_a_method_has_set_it_sets_anew(core, student, instructor, course):
    """Which begins to count where the staff have let somebody begin."""
    now = core.clock().replace(microsecond=0)

    def come(days):
        with core.transaction() as db:
            how = Admission(method="subscription", expires_at=now + dt.timedelta(days=days))
            enrollment = enroll(db, core, student.id, course.id, how)
            return f"/api/v1/enrollments/{enrollment.id}", enrollment.expires_at

    mine, until = come(10)
    assert until == now + dt.timedelta(days=10)
    student.client.post_json(f"{mine}/drop", {})
    assert come(20)[1] == now + dt.timedelta(days=20)
    start = now + dt.timedelta(days=15)
    instructor.client.put_json(mine, {"startsAt": start.isoformat()})
    student.client.post_json(f"{mine}/drop", {})
    assert start + dt.timedelta(days=9) < come(10)[1] <= start + dt.timedelta(days=10)
    instructor.client.put_json(mine, {"expiresAt": (now + dt.timedelta(days=40)).isoformat()})
    student.client.post_json(f"{mine}/drop", {})
    assert come(100)[1] == now + dt.timedelta(days=40)


def test_a_suspended_student_is_out_is_told_and_does_not_get_round_it(core, student, instructor, course, mine, deliver):
    suspended = instructor.client.post_json(f"{mine}/suspend", {"reason": "Pay first."}).json
    assert (suspended["status"], suspended["suspendedReason"]) == ("suspended", "Pay first.")
    deliver()
    with core.reader() as db:
        [notice] = db.scalars(select(Notification.message).where(Notification.type == "enrollment_suspended")).all()
    assert notice == "Pay first."
    mails = [path.read_text() for path in (core.settings.data / "mail").rglob("*.eml")]
    assert any("Pay first." in mail for mail in mails)
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403)
    assert student.client.get(mine).json["suspendedReason"] == "Pay first."
    student.client.post_json(f"{mine}/drop", {}, status=409)
    again = student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=409).json
    assert again["code"] == "enrollment_suspended"
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count)) == 1, "the place stays theirs"
    resumed = instructor.client.post_json(f"{mine}/resume").json
    assert (resumed["status"], resumed["suspendedAt"], resumed["suspendedReason"]) == ("active", None, None)
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    assert len(told(core, EnrollmentResumed)) == 1
    assert [each["reason"] for each in history(student, mine)] == [None, "Pay first.", None]


def test_suspending_takes_no_completion_away(student, instructor, mine):
    done = instructor.client.post_json(f"{mine}/complete", {}).json
    instructor.client.post_json(f"{mine}/suspend", {})
    resumed = instructor.client.post_json(f"{mine}/resume").json
    assert (resumed["status"], resumed["completedAt"]) == ("completed", done["completedAt"])


def test_completing_by_hand_is_completing(core, student, instructor, course, mine, deliver):
    done = instructor.client.post_json(f"{mine}/complete", {"reason": "Examined orally."}).json
    assert (done["status"], done["progressPercentage"], done["lessonsCompleted"]) == ("completed", 100, 0)
    for lesson in course.lessons:
        student.client.post_json(f"/api/v1/lessons/{lesson}/start")
        student.client.post_json(f"/api/v1/lessons/{lesson}/complete")
    deliver()
    assert len(told(core, CourseCompleted)) == 1
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Notification.type == "course_completed")) == 1
        assert db.scalar(select(Course.completed_count)) == 1
    [change] = [each for each in history(student, mine) if each["toStatus"] == "completed"]
    assert (change["reason"], change["by"], change["person"]) == ("Examined orally.", "staff", None)


def test_whoever_is_taken_off_is_told(core, student, instructor, mine, deliver):
    instructor.client.post_json(f"{mine}/drop", {"reason": "Wrong course."})
    [event] = told(core, EnrollmentDropped)
    assert event["by_staff"] is True
    deliver()
    with core.reader() as db:
        kinds = db.execute(select(Notification.type, Notification.message)).all()
    assert ("enrollment_dropped", "Wrong course.") in kinds


def test_who_may_not(app, core, student, instructor, admin, assist, make_person, mine, course):
    stranger, colleague, helper = make_person(), make_person("instructor"), assist()
    second = assist("co_instructor")
    blind = assist(rosters_read=False)
    for step in STAFF_STEPS:
        app.post_json(f"{mine}/{step}", {}, status=404)
        for person in (stranger, colleague, blind):
            person.client.post_json(f"{mine}/{step}", {}, status=404)
        helper.client.post_json(f"{mine}/{step}", {}, status=403)
    for step in ("suspend", "resume", "complete"):
        student.client.post_json(f"{mine}/{step}", {}, status=403)
    soon = {"expiresAt": "2999-01-01T00:00:00Z"}
    student.client.put_json(mine, soon, status=403)
    helper.client.put_json(mine, soon, status=403)
    stranger.client.put_json(mine, soon, status=404)
    for path in (mine, f"{mine}/history", f"{mine}/notes"):
        app.get(path, status=404)
        for person in (stranger, colleague, blind):
            person.client.get(path, status=404)
        for person in (instructor, admin, helper, second):
            person.client.get(path)
    student.client.get(f"{mine}/notes", status=403)
    student.client.put_json(f"{mine}/notes", {"notes": "A star."}, status=403)
    helper.client.put_json(f"{mine}/notes", {"notes": "Late."}, status=403)
    second.client.put_json(mine, soon)
    assert student.client.get(mine).json["status"] == "active"
    with core.transaction() as db:
        db.execute(update(Course).values(deleted_at=func.now()))
    instructor.client.post_json(f"{mine}/suspend", {}, status=404)
    student.client.get(mine)


def test_notes_are_for_the_staff_alone(core, student, instructor, mine):
    instructor.client.put_json(f"{mine}/notes", {"notes": "Often late."})
    assert instructor.client.get(f"{mine}/notes").json == {"notes": "Often late."}
    instructor.client.put_json(f"{mine}/notes", {"notes": "On time now."})
    instructor.client.post_json(f"{mine}/suspend", {})
    instructor.client.post_json(f"{mine}/resume")
    for path in (mine, f"{mine}/history", "/api/v1/users/me/courses"):
        assert "time now" not in student.client.get(path).text
    with core.reader() as db:
        kept = select(AuditLog.old_values, AuditLog.new_values).where(AuditLog.action == "enrollments.note")
        assert [tuple(row) for row in db.execute(kept.order_by(AuditLog.created_at))] == [
            ({"notes": None}, {"notes": "Often late."}), ({"notes": "Often late."}, {"notes": "On time now."}),
        ]  # fmt: skip
    for body in ({}, {"notes": "x" * 10_001}, {"notes": 3}, {"notes": "a\x00"}):
        instructor.client.put_json(f"{mine}/notes", body, status=422)


def test_a_stale_change_is_refused_and_progress_makes_none_stale(student, instructor, course, mine):
    tag = instructor.client.get(mine).headers["ETag"]
    student.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/start")
    student.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/complete")
    instructor.client.put_json(mine, {"expiresAt": "2999-01-01T00:00:00Z"}, headers={"If-Match": tag})
    instructor.client.put_json(mine, {"expiresAt": None}, headers={"If-Match": tag}, status=412)
    instructor.client.post_json(f"{mine}/suspend", {}, headers={"If-Match": tag}, status=412)
    assert student.client.get(mine).json["expiresAt"] == "2999-01-01T00:00:00Z"


def test_dates_are_checked(student, instructor, mine):
    refused = instructor.client.put_json(
        mine, {"startsAt": "2999-01-02T00:00:00Z", "expiresAt": "2999-01-01T00:00:00Z"}, status=422
    )
    assert set(refused.json["errors"]) == {"expiresAt"}
    for body in ({"startsAt": "tomorrow"}, {"expiresAt": "2999-01-01T00:00:00"}, {"status": "active"}, {"notes": "x"}):
        instructor.client.put_json(mine, body, status=422)
    student.client.post_json(f"{mine}/drop", {})
    gone = instructor.client.put_json(mine, {"expiresAt": None}, status=409)
    assert gone.json["code"] == "enrollment_dropped"


@pytest.mark.parametrize(
    "out",
    [
        {"status": "suspended"}, {"status": "dropped"}, {"status": "expired"},
        {"expires_at": "2020-01-01T00:00:00Z"}, {"starts_at": "2999-01-01T00:00:00Z"},
        {"status": "completed", "expires_at": "2020-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_who_is_out_has_no_access_anywhere(core, registry, student, instructor, course, mine, out):
    picture = f"/api/v1/files/{make_file(registry, instructor.id, PNG).id}/content"
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    instructor.client.put_json(lesson, {"content": {"html": f'<p>Words.</p><img src="{picture}">'}})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    paths = (lesson, picture, f"/api/v1/courses/{course.id}/announcements")
    for path in paths:
        student.client.get(path)
    student.client.post_json(f"{lesson}/start")
    put(core, mine, **out)
    for path in paths:
        student.client.get(path, status=(403, 404))
    for step in ("start", "complete"):
        student.client.post_json(f"{lesson}/{step}", status=403)
    assert student.client.get(mine).json["progressPercentage"] == 0


def test_what_ran_out_expires_once(core, student, make_person, instructor, course, take, run_periodic, deliver):
    people = [student, *(make_person() for _ in range(4))]
    urls = [take(person) for person in people]
    past, future = core.clock() - dt.timedelta(hours=1), core.clock() + dt.timedelta(hours=1)
    put(core, urls[0], expires_at=past)
    put(core, urls[1], expires_at=future)
    put(core, urls[2], expires_at=past, status="suspended")
    put(core, urls[3], expires_at=past, status="completed", completed_at=past)
    run_periodic("enrollment.expire")
    run_periodic("enrollment.expire")
    states = [person.client.get(url).json["status"] for person, url in zip(people, urls, strict=True)]
    assert states == ["expired", "active", "suspended", "completed", "active"]
    [event] = told(core, EnrollmentExpired)
    assert event["enrollment_id"] == urls[0].rpartition("/")[2]
    change = history(student, urls[0])[0]
    assert (change["fromStatus"], change["toStatus"], change["by"]) == ("active", "expired", None)
    deliver()
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Notification.type == "enrollment_expired")) == 1
        assert db.scalar(select(Course.enrolled_count)) == 2, "what is over holds no place, whatever its state"
        assert db.scalar(select(Course.completed_count)) == 1


def enrolled(core):
    """How many have a place, as the course counts them; a count of the rows says the same."""
    recount = select(func.count()).where(
        Enrollment.status.not_in(("dropped", "expired")), Enrollment.place_freed_at.is_(None)
    )
    with core.reader() as db:
        counted = db.scalar(select(Course.enrolled_count))
        assert counted == db.scalar(recount)
        return counted


@pytest.mark.parametrize("state", ["completed", "suspended"])
def test_a_place_is_given_back_when_its_time_is_over(
    core, student, instructor, make_person, course, mine, take, run_periodic, deliver, state
):
    """What is completed or suspended stays so; a course of a few places takes one cohort after the other."""
    past = core.clock() - dt.timedelta(days=100)
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=1, waiting_list=True))
    put(core, mine, status=state, completed_at=past if state == "completed" else None)
    waiting, later = make_person(), make_person()
    body = {"courseId": str(course.id)}
    waiting.client.post_json("/api/v1/enrollments", body, status=202)
    run_periodic("enrollment.expire")
    deliver()
    assert waiting.client.get("/api/v1/users/me/waits").json["total"] == 1, "its time is not over"
    put(core, mine, expires_at=past)
    before = len(history(student, mine))
    for _time in range(2):
        run_periodic("enrollment.expire")
        deliver()
    assert enrolled(core) == 1
    assert waiting.client.get("/api/v1/users/me/waits").json["total"] == 0
    assert student.client.get(mine).json["status"] == state
    assert (len(history(student, mine)), told(core, EnrollmentExpired)) == (before, [])
    later.client.post_json("/api/v1/enrollments", body, status=202)
    # More time, and it needs a place again, as what has expired does.
    more = {"expiresAt": "2999-01-01T00:00:00Z"}
    assert instructor.client.put_json(mine, more, status=409).json["code"] == "course_full"
    grant = {"extendedUntil": "2999-01-01T00:00:00Z"}
    assert instructor.client.put_json(f"{mine}/accommodations", grant, status=409).json["code"] == "course_full"
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=2, waiting_list=False))
    assert instructor.client.put_json(mine, more).json["status"] == state
    assert enrolled(core) == 2
    assert instructor.client.put_json(mine, {"expiresAt": None}).json["status"] == state
    assert enrolled(core) == 2


def test_who_is_resumed_when_it_is_over_takes_no_place(core, student, instructor, mine, run_periodic):
    put(core, mine, status="suspended", expires_at=core.clock() - dt.timedelta(days=1))
    run_periodic("enrollment.expire")
    instructor.client.post_json(f"{mine}/resume")
    assert enrolled(core) == 0
    run_periodic("enrollment.expire")
    assert (student.client.get(mine).json["status"], enrolled(core)) == ("expired", 0)
    assert len(told(core, EnrollmentExpired)) == 1


@pytest.mark.parametrize("state", ["active", "completed"])
def test_who_is_counted_still_needs_no_other_place(core, student, make_person, course, mine, run_periodic, state):
    """Whether time has been told of the end by then or not."""
    past = core.clock() - dt.timedelta(days=1)
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=1))
    for beaten in (False, True):
        put(core, mine, status=state, completed_at=past if state == "completed" else None, expires_at=past)
        if beaten:
            run_periodic("enrollment.expire")
        body = {"courseId": str(course.id)}
        again = student.client.post_json("/api/v1/enrollments", body, status=201).json
        assert (again["status"], again["expiresAt"], enrolled(core)) == (state, None, 1)
        refused = make_person().client.post_json("/api/v1/enrollments", body, status=409).json
        assert refused["code"] == "course_full"


def test_two_beats_expire_each_once(core, registry, make_person, take):
    urls = [take(make_person()) for _ in range(12)]
    with core.transaction() as db:
        db.execute(update(Enrollment).values(expires_at=core.clock() - dt.timedelta(seconds=1)))
    context = TaskContext(registry, core)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _beat: tasks.expire(context), range(4)))
    tasks.expire(context)
    assert sorted(event["enrollment_id"] for event in told(core, EnrollmentExpired)) == sorted(
        url.rpartition("/")[2] for url in urls
    )


def test_expiring_goes_on_in_batches(core, registry, make_person, take, monkeypatch):
    for _number in range(5):
        take(make_person())
    with core.transaction() as db:
        db.execute(update(Enrollment).values(expires_at=core.clock() - dt.timedelta(seconds=1)))
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    tasks.expire(TaskContext(registry, core))
    assert len(told(core, EnrollmentExpired)) == 5


def test_time_added_brings_back_what_was_over_where_there_is_room(core, student, instructor, make_person, mine, take,
                                                                 course):  # fmt: skip
    put(core, mine, expires_at=core.clock() - dt.timedelta(days=1), status="expired")
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=1))
    other = take(make_person())
    full = instructor.client.put_json(mine, {"expiresAt": "2999-01-01T00:00:00Z"}, status=409).json
    assert full["code"] == "course_full"
    assert instructor.client.get(mine).json["status"] == "expired"
    instructor.client.post_json(f"{other}/drop", {})
    past = instructor.client.put_json(mine, {"expiresAt": "2021-01-01T00:00:00Z"}).json
    assert past["status"] == "expired", "no time again"
    back = instructor.client.put_json(mine, {"expiresAt": "2999-01-01T00:00:00Z"}).json
    assert back["status"] == "active"
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    assert len(told(core, EnrollmentResumed)) == 1


def at_once(*asks):
    with ThreadPoolExecutor(len(asks)) as pool:
        return [future.result() for future in [pool.submit(ask) for ask in asks]]


def ask(person, path, body=None):
    client = person.client.bearer(person.client.authorization[1])
    return lambda: client.post_json(path, body or {}, expect_errors=True).status_int


def test_two_suspends_are_one(core, instructor, mine):
    assert sorted(at_once(*[ask(instructor, f"{mine}/suspend") for _ in range(6)])) == [200] + [409] * 5
    assert len(told(core, EnrollmentSuspended)) == 1


@pytest.mark.parametrize("attempt", range(4))
def test_leaving_while_completing(core, student, instructor, course, mine, attempt):
    for lesson in course.lessons:
        student.client.post_json(f"/api/v1/lessons/{lesson}/start")
    student.client.post_json(f"/api/v1/lessons/{course.lessons[0]}/complete")
    last = f"/api/v1/lessons/{course.lessons[1]}/complete"
    completed, left, by_hand = at_once(ask(student, last), ask(student, f"{mine}/drop"),
                                       ask(instructor, f"{mine}/complete"))  # fmt: skip
    assert left == 200, "from active and from completed alike"
    assert completed in (200, 403, 404)
    assert by_hand in (200, 409)
    found = student.client.get(mine).json
    assert found["status"] == "dropped"
    completions = len(told(core, CourseCompleted))
    assert completions == (found["completedAt"] is not None)
    path = steps(student, mine)
    assert path == [(None, "active"), *([("active", "completed")] * completions),
                    ("completed" if completions else "active", "dropped")]  # fmt: skip
    with core.reader() as db:
        assert db.execute(select(Course.enrolled_count, Course.completed_count)).one() == (0, 0)


def test_every_way_to_change_a_state_is_kept(core, student, mine):
    with core.transaction() as db:
        db.execute(text("UPDATE enrollments SET status = 'dropped', dropped_reason = 'By SQL'"))
        db.execute(text("UPDATE enrollments SET status = 'dropped', notes = 'x'"))
    with core.reader() as db:
        kept = select(EnrollmentChange.to_status, EnrollmentChange.reason, EnrollmentChange.changed_by)
        assert db.execute(kept.order_by(EnrollmentChange.created_at)).all()[1:] == [("dropped", "By SQL", None)]


def test_reads_are_bounded_in_statements(student, instructor, mine, statements):
    for path in (mine, f"{mine}/history"):
        for person in (student, instructor):
            with statements() as seen:
                person.client.get(path)
            assert seen.count <= 3, seen
