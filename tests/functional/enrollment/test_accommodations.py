"""What is granted to single students: by whom, seen by whom, and honoured wherever a date or a limit is checked."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update

from lms_core.courses.models import Course
from lms_core.enrollment.accommodations.queries import NOTHING, of
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.kernel.models import AuditLog
from lms_core.testing.courses import make_course

DAY = dt.timedelta(days=1)
REASON = "Dyslexia, by the letter of 3 May."
FULL = {"extraTimeFactor": 1.5, "extraAttempts": 2, "waivesSequence": True, "reason": REASON}


@pytest.fixture
def course(core, instructor):
    """Its first module has opened on a date."""
    made = make_course(core, instructor.id)
    opened = {"unlockType": "scheduled", "unlockDate": "2026-01-01T00:00:00Z"}
    instructor.client.put_json(f"/api/v1/modules/{made.modules[0]}", opened)
    instructor.client.post_json(f"/api/v1/courses/{made.id}/publish")
    return made


@pytest.fixture
def url(take, student):
    return f"{take(student)}/accommodations"


def enrollments(core, **values):
    with core.transaction() as db:
        db.execute(update(Enrollment).values(**values))


def status(core):
    with core.reader() as db:
        return db.scalar(select(Enrollment.status))


def count(core, model):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(model))


def test_what_is_granted_is_shown_and_the_rest_is_nothing(core, instructor, course, url):
    until = (core.clock() + DAY).replace(microsecond=0)
    enrollments(core, expires_at=core.clock() + DAY / 2)
    module = {"moduleId": str(course.modules[0]), "unlocksAt": "2026-01-02T01:00:00Z"}
    before = instructor.client.get(url).json
    assert (before["extraTimeFactor"], before["extraAttempts"], before["modules"], before["updatedAt"]) == (
        1, 0, [], None,
    )  # fmt: skip
    body = {
        **FULL,
        "extendedUntil": until.isoformat(),
        "modules": [{**module, "unlocksAt": "2026-01-02T03:00:00+02:00"}],
    }
    granted = instructor.client.put_json(url, body).json
    assert {name: granted[name] for name in FULL} == FULL
    assert (granted["modules"], granted["grantedBy"]["id"]) == ([module], str(instructor.id))
    assert dt.datetime.fromisoformat(granted["extendedUntil"]) == until
    assert instructor.client.get(url).json == granted
    # What is not sent is granted no more.
    less = instructor.client.put_json(url, {"extraAttempts": 1}).json
    assert (less["extraTimeFactor"], less["extraAttempts"], less["waivesSequence"], less["reason"]) == (
        1,
        1,
        False,
        None,
    )
    assert (less["modules"], less["extendedUntil"]) == ([], None)
    instructor.client.delete(url, status=204)
    assert instructor.client.get(url).json == before
    assert (count(core, Accommodation), count(core, AccommodationDate)) == (0, 0)


def test_who_may_see_and_who_may_grant(app, student, instructor, admin, make_person, assist, url):
    instructor.client.put_json(url, FULL)
    co_instructor, assistant = assist("co_instructor"), assist()
    trusted = assist(accommodations_read=True)
    for person in (instructor, co_instructor, admin):
        assert person.client.put_json(url, FULL).json["reason"] == REASON
        assert person.client.get(url).json["reason"] == REASON
    assert trusted.client.get(url).json["reason"] == REASON
    trusted.client.put_json(url, FULL, status=403)
    # The student sees what it is, and not why, nor by whom.
    shown = student.client.get(url).json
    assert (shown["extraTimeFactor"], shown["reason"], shown["grantedBy"]) == (1.5, None, None)
    student.client.put_json(url, {"extraAttempts": 99}, status=403)
    student.client.delete(url, status=403)
    for refused, others in ((assistant, 403), (make_person(), 404), (make_person("instructor"), 404)):
        refused.client.get(url, status=others)
        refused.client.put_json(url, FULL, status=others)
        refused.client.delete(url, status=others)
    for method in (app.get, app.delete):
        method(url, status=404)
    assert instructor.client.get(url).json["extraAttempts"] == 2


def test_nobody_grants_in_a_course_that_is_not_theirs(core, take, student, make_person, url):
    other = make_person("instructor")
    mine = make_course(core, other.id)
    own = {"modules": [{"moduleId": str(mine.modules[0]), "unlocksAt": "2026-01-02T01:00:00Z"}]}
    other.client.put_json(url, own, status=404)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(mine.id)}, status=201)
    assert count(core, Accommodation) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"extraTimeFactor": 0.99}, "extraTimeFactor"),
        ({"extraTimeFactor": 5.01}, "extraTimeFactor"),
        ({"extraTimeFactor": "NaN"}, "extraTimeFactor"),
        ({"extraTimeFactor": None}, "extraTimeFactor"),
        ({"extraTimeFactor": 1.255}, "extraTimeFactor"),
        ({"extraTimeFactor": 1.0000001}, "extraTimeFactor"),
        ({"extraAttempts": -1}, "extraAttempts"),
        ({"extraAttempts": 101}, "extraAttempts"),
        ({"extraAttempts": 1.5}, "extraAttempts"),
        ({"extendedUntil": "2026-01-02T01:00:00"}, "extendedUntil"),
        ({"waivesSequence": "perhaps"}, "waivesSequence"),
        ({"reason": "x" * 2001}, "reason"),
        ({"modules": [{"moduleId": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"}]}, "modules"),
        ({"modules": [{"moduleId": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a", "unlocksAt": "2026-01-02T01:00:00Z"}]},
         "modules"),
        ({"userId": "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"}, "userId"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_changes_nothing(instructor, url, body, field):
    before = instructor.client.put_json(url, FULL).json
    assert field in instructor.client.put_json(url, {"extraAttempts": 9, **body}, status=422).json["errors"]
    assert instructor.client.get(url).json == before


def test_no_module_is_named_twice(instructor, course, url):
    twice = [{"moduleId": str(course.modules[0]), "unlocksAt": f"2026-01-0{day}T01:00:00Z"} for day in (1, 2)]
    assert instructor.client.put_json(url, {"modules": twice}, status=422).json["code"] == "module_unknown"


def test_a_date_is_granted_where_there_is_one(core, instructor, course, url):
    """In the draft, or in what students see; where it could change nothing, it is refused."""
    module = course.modules[0]
    own = {"extraAttempts": 9, "modules": [{"moduleId": str(module), "unlocksAt": "2026-01-02T01:00:00Z"}]}
    before = instructor.client.put_json(url, FULL).json
    for unlocking in ({"unlockType": "immediate"}, {"unlockType": "sequential"}):
        instructor.client.put_json(f"/api/v1/modules/{module}", unlocking)
        instructor.client.put_json(url, own)  # Students still have the old state.
        instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
        before = instructor.client.put_json(url, FULL).json
        refused = instructor.client.put_json(url, own, status=422).json
        assert (refused["code"], list(refused["errors"])) == ("module_without_date", ["modules"])
        assert instructor.client.get(url).json == before
        instructor.client.put_json(f"/api/v1/modules/{module}", {"unlockType": "relative", "unlockAfterDays": 3})
        instructor.client.put_json(url, own)
        instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")


def test_the_reason_stands_in_no_log(core, student, instructor, url):
    instructor.client.put_json(url, FULL)
    instructor.client.put_json(url, {**FULL, "reason": f"{REASON} And more."})
    instructor.client.put_json(url, {**FULL, "reason": f"{REASON} And more.", "extraAttempts": 3})
    instructor.client.delete(url, status=204)
    mine = select(AuditLog.action, AuditLog.old_values, AuditLog.new_values, AuditLog.user_id)
    with core.reader() as db:
        kept = db.execute(mine.where(AuditLog.action.like("accommodations.%")).order_by(AuditLog.created_at)).all()
        everything = db.execute(text("SELECT string_agg(to_jsonb(a)::text, '') FROM audit_logs a")).scalar_one()
        outbox = db.execute(text("SELECT string_agg(to_jsonb(o)::text, '') FROM outbox o")).scalar_one()
    assert "Dyslexia" not in everything + outbox
    assert [row.action.rpartition(".")[2] for row in kept] == ["grant", "grant", "grant", "withdraw"]
    assert [row.new_values["reason_changed"] for row in kept[:3]] == [True, True, False]
    assert (kept[2].old_values["extra_attempts"], kept[2].new_values["extra_attempts"]) == (2, 3)
    assert {row.user_id for row in kept} == {instructor.id}
    for path in ("enrollments", "enrollments/export?format=csv"):
        course_id = student.client.get("/api/v1/users/me/courses").json["items"][0]["course"]["id"]
        answer = instructor.client.get(f"/api/v1/courses/{course_id}/{path}", expect_errors=True)
        assert "Dyslexia" not in answer.text
    assert "Dyslexia" not in student.client.get("/api/v1/users/me/courses").text


def test_an_edit_of_what_somebody_else_changed_is_refused(instructor, assist, url):
    instructor.client.put_json(url, FULL)
    tag = instructor.client.get(url).headers["ETag"]
    assist("co_instructor").client.put_json(url, {**FULL, "extraAttempts": 5})
    told = instructor.client.put_json(url, FULL, headers={"If-Match": tag}, status=412).json
    assert (told["code"], instructor.client.get(url).json["extraAttempts"]) == ("stale", 5)


def test_an_end_of_their_own_lets_one_student_in(
    core, student, instructor, take, make_person, course, url, run_periodic
):
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    other = make_person()
    take(other)
    enrollments(core, starts_at=core.clock() - 3 * DAY, expires_at=core.clock() - DAY)
    for person in (student, other):
        person.client.get(lesson, status=403)
    instructor.client.put_json(url, {"extendedUntil": (core.clock() + DAY).isoformat()})
    student.client.get(lesson)
    student.client.post_json(f"{lesson}/start")
    other.client.get(lesson, status=403)
    told = student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=409).json
    assert told["code"] == "already_enrolled"
    run_periodic("enrollment.expire")
    assert student.client.get(url.removesuffix("/accommodations")).json["status"] == "active"
    with core.reader() as db:
        assert db.scalar(select(Enrollment.status).where(Enrollment.user_id == other.id)) == "expired"
    enrollments(core, extended_until=core.clock() - dt.timedelta(seconds=1))
    student.client.get(lesson, status=403)
    run_periodic("enrollment.expire")
    assert student.client.get(url.removesuffix("/accommodations")).json["status"] == "expired"


def test_an_end_that_is_earlier_takes_nothing_away(core, student, instructor, course, url):
    enrollments(core, expires_at=core.clock() + DAY)
    instructor.client.put_json(url, {"extendedUntil": (core.clock() - DAY).isoformat()})
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")
    enrollments(core, expires_at=None)
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")


def test_what_has_no_end_is_not_extended(core, instructor, url):
    instructor.client.put_json(url, FULL)
    before = instructor.client.get(url).json
    more = {"extendedUntil": (core.clock() + DAY).isoformat()}
    refused = instructor.client.put_json(url, more, status=422).json
    assert (refused["code"], list(refused["errors"])) == ("enrollment_without_end", ["extendedUntil"])
    assert instructor.client.get(url).json == before
    enrollments(core, expires_at=core.clock() + DAY / 2)
    assert instructor.client.put_json(url, more).json["extendedUntil"] is not None


@pytest.mark.parametrize("factor", [1, 1.01, 1.15, 1.1, 2.55, 4.99, 5])
def test_a_factor_in_hundredths_is_kept_as_it_is(instructor, url, factor):
    assert instructor.client.put_json(url, {"extraTimeFactor": factor}).json["extraTimeFactor"] == factor


def test_what_was_over_goes_on_where_there_is_room(core, student, instructor, course, url, run_periodic):
    enrollments(core, starts_at=core.clock() - 3 * DAY, expires_at=core.clock() - DAY)
    run_periodic("enrollment.expire")
    assert status(core) == "expired"
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=1, enrolled_count=1))
    more = {"extendedUntil": (core.clock() + DAY).isoformat()}
    assert instructor.client.put_json(url, more, status=409).json["code"] == "course_full"
    assert instructor.client.get(url).json["updatedAt"] is None
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=None, enrolled_count=0))
    instructor.client.put_json(url, more)
    assert status(core) == "active"
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}")


def test_everybody_is_told_the_same_end(core, student, instructor, course, url):
    end, later, earlier = (core.clock().replace(microsecond=0) + days * DAY for days in (2, 5, 1))
    roster = f"/api/v1/courses/{course.id}/enrollments"
    for expires, extended, ends in ((None, None, None), (end, None, end), (end, later, later), (end, earlier, end),
                                    (None, later, None)):  # fmt: skip
        enrollments(core, expires_at=end)
        instructor.client.put_json(url, {"extendedUntil": extended and extended.isoformat()})
        enrollments(core, expires_at=expires)
        shown = [
            student.client.get(url.removesuffix("/accommodations")).json,
            student.client.get("/api/v1/users/me/courses").json["items"][0],
            student.client.get(f"/api/v1/courses/{course.id}/outline").json["enrollment"],
            instructor.client.get(roster).json["items"][0],
        ]
        assert [each["endsAt"] and dt.datetime.fromisoformat(each["endsAt"]) for each in shown] == [ends] * 4
        [_names, row] = instructor.client.get(f"{roster}/export").text.strip().splitlines()
        written = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (end, later, earlier)]
        assert [moment in row for moment in written] == [moment == ends for moment in (end, later, earlier)]


@pytest.mark.parametrize("state", ["suspended", "dropped"])
def test_more_time_lifts_no_other_refusal(core, student, instructor, course, url, state):
    enrollments(core, status=state, expires_at=core.clock() + DAY / 2)
    instructor.client.put_json(url, {"extendedUntil": (core.clock() + DAY).isoformat()})
    assert status(core) == state
    student.client.get(f"/api/v1/lessons/{course.lessons[0]}", status=403)


def test_other_domains_ask_for_it(core, student, instructor, make_person, course, url):
    module = {"moduleId": str(course.modules[0]), "unlocksAt": "2026-01-02T01:00:00Z"}
    with core.reader() as db:
        assert of(db, student.id, course.id) is NOTHING
    instructor.client.put_json(url, {**FULL, "modules": [module]})
    with core.reader() as db:
        granted = of(db, student.id, course.id)
        assert of(db, make_person().id, course.id) is NOTHING
    assert (granted.extra_time_factor, granted.extra_attempts, granted.waives_sequence) == (Decimal("1.5"), 2, True)
    assert granted.unlock_dates == {course.modules[0]: dt.datetime(2026, 1, 2, 1, tzinfo=dt.UTC)}


def test_two_who_grant_at_once_leave_one_whole_grant(core, instructor, course, url):
    token = instructor.client.authorization[1]
    bodies = [
        {"extraAttempts": number, "reason": str(number),
         "modules": [{"moduleId": str(course.modules[0]), "unlocksAt": f"2026-01-0{number}T00:00:00Z"}]}
        for number in range(1, 7)
    ]  # fmt: skip
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: instructor.client.bearer(token).put_json(url, body).status_int, bodies))
    assert answers == [200] * 6
    left = instructor.client.get(url).json
    assert left["reason"] == str(left["extraAttempts"])
    assert left["modules"][0]["unlocksAt"] == f"2026-01-0{left['extraAttempts']}T00:00:00Z"
    assert (count(core, Accommodation), count(core, AccommodationDate)) == (1, 1)


def test_reading_is_cheap(student, url, statements):
    with statements() as seen:
        student.client.get(url)
    assert seen.count <= 2, seen
