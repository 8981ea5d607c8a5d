"""Access codes: made, listed, changed and revoked by staff, used by whoever has one, as often as they may be."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import AccessCode, AccessCodeUse, Enrollment, EnrollmentWait
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"
CODES = "/api/v1/access-codes"


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, enrollment_type="code", price=10)


@pytest.fixture
def codes(course):
    return f"/api/v1/courses/{course.id}/access-codes"


@pytest.fixture
def make(instructor, codes):
    return lambda status=201, **values: instructor.client.post_json(codes, values, status=status).json


@pytest.fixture
def use(course):
    def use(person, code, status=201):
        client = person.client.bearer(person.client.authorization[1])
        return client.post_json(ENROLLMENTS, {"courseId": str(course.id), "code": code}, status=status).json

    return use


def test_a_code_lets_people_in(make, use, student, make_person, instructor, core):
    made = make(description="Open day", maxUses=2)
    assert (made["status"], made["usedCount"], made["maxUses"]) == ("valid", 0, 2)
    assert len(made["code"].replace("-", "")) == 12
    use(student, f" {made['code'].lower().replace('-', ' ')}")
    use(make_person("student"), made["code"].replace("-", ""))
    assert use(make_person("student"), made["code"], 422)["code"] == "access_code_used_up"
    shown = instructor.client.get(f"{CODES}/{made['id']}").json
    assert (shown["usedCount"], shown["status"]) == (2, "used_up")
    uses = instructor.client.get(f"{CODES}/{made['id']}/uses").json["items"]
    assert [each["user"]["id"] for each in uses][1:] == [str(student.id)]
    with core.reader() as db:
        assert db.scalar(select(Enrollment.extra).limit(1)) == {"admission": {"method": "code"}}


def test_every_reason_why_a_code_lets_nobody_in(make, use, student, instructor, core):
    now = core.clock()
    future, past = (now + dt.timedelta(hours=1)).isoformat(), (now - dt.timedelta(hours=1)).isoformat()
    elsewhere = make_course(core, instructor.id, enrollment_type="code")
    theirs = instructor.client.post_json(f"/api/v1/courses/{elsewhere.id}/access-codes", {"code": "ELSEWHERE-1"}).json
    revoked = make(code="REVOKED-1")
    instructor.client.delete(f"{CODES}/{revoked['id']}", status=204)
    cases = {
        theirs["code"]: "access_code_unknown",
        "NO-SUCH-CODE": "access_code_unknown",
        "%' OR 1=1 --": "access_code_unknown",
        revoked["code"]: "access_code_revoked",
        make(code="TOO-EARLY-1", validFrom=future)["code"]: "access_code_not_valid_yet",
        make(code="TOO-LATE-1", validFrom=(now - dt.timedelta(hours=2)).isoformat(), validUntil=past)["code"]: (
            "access_code_expired"
        ),
    }
    for code, why in cases.items():
        refused = use(student, code, 422)
        assert (refused["code"], list(refused["errors"])) == (why, ["code"])
    assert use(student, "", 422)["code"] == "invalid"
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(AccessCodeUse)) == 0
        assert db.scalar(select(func.sum(AccessCode.used_count))) == 0


def test_who_comes_back_uses_a_code_once(make, use, student, make_person, instructor):
    made = make(maxUses=1)
    enrollment = use(student, made["code"])
    student.client.post_json(f"{ENROLLMENTS}/{enrollment['id']}/drop", {})
    assert use(make_person("student"), made["code"], 422)["code"] == "access_code_used_up"
    assert use(student, made["code"])["id"] == enrollment["id"]
    student.client.post_json(f"{ENROLLMENTS}/{enrollment['id']}/drop", {})
    instructor.client.delete(f"{CODES}/{made['id']}", status=204)
    assert use(student, made["code"], 422)["code"] == "access_code_revoked"


def test_a_code_is_used_again_after_the_end(make, use, student, instructor, core):
    """Be it that time was told of the end, or that they left before it."""
    made = make(maxUses=1)
    mine = f"{ENROLLMENTS}/{use(student, made['code'])['id']}"
    for uses, status in ((1, "active"), (2, "dropped"), (3, "expired"), (4, "completed")):
        past = core.clock() - dt.timedelta(days=1)
        with core.transaction() as db:
            db.execute(update(Enrollment).values(status=status, expires_at=past))
        assert use(student, made["code"], 422)["code"] == "access_code_used_up"
        instructor.client.put_json(f"{CODES}/{made['id']}", {"maxUses": uses + 1})
        again = use(student, made["code"])
        assert again["expiresAt"] is None
        student.client.post_json(f"{mine}/drop", {})
        use(student, made["code"])  # Which is no further use.
        assert instructor.client.get(f"{CODES}/{made['id']}").json["usedCount"] == uses + 1
        with core.reader() as db:
            assert db.scalar(select(func.count()).select_from(AccessCodeUse)) == uses + 1


def test_a_refusal_uses_no_code(make, use, student, instructor, course, core):
    made = make(maxUses=1)
    use(student, made["code"])
    with core.transaction() as db:
        db.execute(update(AccessCode).values(max_uses=5))
    assert use(student, made["code"], 409)["code"] == "already_enrolled"
    assert instructor.client.get(f"{CODES}/{made['id']}").json["usedCount"] == 1


def test_uses_are_counted_one_at_a_time(make, use, make_person, core):
    code = make(maxUses=5)["code"]
    people = [make_person("student") for _person in range(20)]

    def attempt(person):
        return use(person, code, "*").get("code", "in")

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(attempt, people)) == ["access_code_used_up"] * 15 + ["in"] * 5
    with core.reader() as db:
        assert db.scalar(select(AccessCode.used_count)) == 5
        assert db.scalar(select(func.count()).select_from(AccessCodeUse)) == 5


def test_codes_are_changed_and_listed(make, instructor, codes, use, student, statements):
    made = [make(code=f"CODE-NUMBER-{number}") for number in range(3)]
    url = f"{CODES}/{made[0]['id']}"
    until = "2999-01-01T00:00:00Z"
    changed = instructor.client.put_json(url, {"maxUses": 7, "validUntil": until, "description": "x"}).json
    assert (changed["maxUses"], changed["validUntil"], changed["description"]) == (7, until, "x")
    use(student, made[0]["code"])
    instructor.client.put_json(url, {"maxUses": 1})
    with statements() as seen:
        listed = instructor.client.get(codes).json["items"]
    assert seen.count <= 4, seen
    assert [each["code"] for each in listed] == [each["code"] for each in made[::-1]]
    assert [each["id"] for each in instructor.client.get(codes, {"status": "used_up"}).json["items"]] == [made[0]["id"]]
    instructor.client.delete(f"{CODES}/{made[1]['id']}", status=204)
    instructor.client.delete(f"{CODES}/{made[1]['id']}", status=204)
    assert instructor.client.get(f"{CODES}/{made[1]['id']}").json["status"] == "revoked"
    refused = instructor.client.put_json(f"{CODES}/{made[1]['id']}", {"maxUses": 3}, status=409)
    assert refused.json["code"] == "access_code_revoked"


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"code": "SHORT-1"}, 422, "invalid"),
        ({"code": "- - - - - - 1"}, 422, "invalid"),
        ({"code": "ÄÖÜÄÖÜÄÖÜ"}, 422, "invalid"),
        ({"code": "<b>12345678"}, 422, "invalid"),
        ({"code": "x" * 51}, 422, "invalid"),
        ({"maxUses": 0}, 422, "invalid"),
        ({"maxUses": 10**9}, 422, "invalid"),
        ({"validUntil": "2000-01-01T00:00:00Z"}, 422, "invalid"),
        ({"usedCount": 1}, 422, "invalid"),
        ({"code": "taken-already"}, 409, "access_code_taken"),
    ],
)
def test_codes_that_cannot_be_made(make, values, status, code):
    make(code="TAKEN-ALREADY")
    assert make(status, **values)["code"] == code


def test_uses_cannot_be_fewer_than_there_were(make, use, make_person, instructor):
    made = make()
    for _use in range(2):
        use(make_person("student"), made["code"])
    refused = instructor.client.put_json(f"{CODES}/{made['id']}", {"maxUses": 1}, status=409).json
    assert (refused["code"], list(refused["errors"])) == ("max_uses_below_used", ["maxUses"])


def test_the_same_code_may_be_anothers_too(make, instructor, make_person, core):
    make(code="SPRING-2026")
    other = make_person("instructor")
    course = make_course(core, other.id)
    other.client.post_json(f"/api/v1/courses/{course.id}/access-codes", {"code": "SPRING-2026"}, status=201)


def test_codes_are_secrets_of_who_gives_them_out(make, codes, student, make_person, instructor, app, core, admin):
    made = make(code="SECRET-CODE")
    url = f"{CODES}/{made['id']}"
    stranger = make_person("instructor")
    for caller, status in ((student.client, 403), (stranger.client, 403), (app, 401)):
        caller.get(codes, status=status)
        caller.post_json(codes, {}, status=status)
    for caller in (student.client, stranger.client, app):
        for path in (url, f"{url}/uses"):
            caller.get(path, status=404)
        caller.put_json(url, {"maxUses": 1}, status=404)
        caller.delete(url, status=404)
    assert admin.client.get(url).json["code"] == "SECRET-CODE"
    course = f"/api/v1/courses/{made['courseId']}"
    helper = make_person("student")
    for role, status in (("teaching_assistant", 403), ("co_instructor", 200)):
        instructor.client.post_json(f"{course}/staff", {"userId": str(helper.id), "role": role, "permissions": {}})
        helper.client.get(codes, status=status)
        instructor.client.delete(f"{course}/staff/{helper.id}")
    student.client.get(f"{CODES}/{uuid.uuid4()}", status=404)
    # What a student sees of a course says nothing of its codes, and neither does what is kept of who did what.
    assert "SECRET" not in student.client.get(course).text
    with core.reader() as db:
        from lms_core.kernel.models import AuditLog

        kept = db.scalars(select(AuditLog.new_values).where(AuditLog.action == "access_codes.create")).all()
    assert "SECRET" not in str(kept)


def test_trying_codes_is_slowed_down(make_app, student, make, course):
    made = make()
    app = make_app(lms__ratelimit__enabled=True, lms__ratelimit__access_code_account="3/hour")
    caller = app.bearer(student.client.authorization[1])
    body = {"courseId": str(course.id), "code": "WRONG-CODE"}
    for _try in range(3):
        caller.post_json(ENROLLMENTS, body, status=422)
    refused = caller.post_json(ENROLLMENTS, body | {"code": made["code"]}, status=429)
    assert refused.json["code"] == "too_many_requests"
    assert int(refused.headers["Retry-After"]) > 0


def test_who_has_a_code_and_no_place_waits(make, use, student, make_person, instructor, course, core):
    instructor.client.put_json(f"/api/v1/courses/{course.id}", {"maxStudents": 1, "waitingList": True})
    made = make(maxUses=2)
    use(student, made["code"])
    other = make_person("student")
    assert use(other, "WRONG-CODE", 422)["code"] == "access_code_unknown"
    assert use(other, made["code"], 202)["status"] == "waiting"
    assert instructor.client.get(f"{CODES}/{made['id']}").json["usedCount"] == 2


# What was used up by who waits in vain.


@pytest.fixture
def full(make, use, student, instructor, course):
    """A course without a place and with a list, and a code that one more can use."""
    instructor.client.put_json(f"/api/v1/courses/{course.id}", {"maxStudents": 1, "waitingList": True})
    made = make(maxUses=2)
    use(student, made["code"])
    return made


@pytest.fixture
def used(instructor, core):
    """``used(code)`` is how often it was used, as it counts and as is listed."""

    def used(code):
        uses = instructor.client.get(f"{CODES}/{code['id']}/uses").json["items"]
        counted = instructor.client.get(f"{CODES}/{code['id']}").json["usedCount"]
        return counted, [each["user"]["id"] for each in uses]

    return used


def leave(person, wait):
    return person.client.delete(f"/api/v1/waits/{wait['id']}", status="*").status_int


@pytest.mark.parametrize("staff", [False, True])
def test_who_leaves_the_list_uses_no_code(full, use, used, student, make_person, instructor, staff):
    one, other = make_person("student"), make_person("student")
    wait = use(one, full["code"], 202)
    assert use(other, full["code"], 422)["code"] == "access_code_used_up"
    assert leave(instructor if staff else one, wait) == 204
    assert used(full) == (1, [str(student.id)])
    # Nothing is given back twice.
    assert leave(one, wait) == 404
    use(other, full["code"], 202)
    assert used(full)[0] == 2
    assert use(one, full["code"], 422)["code"] == "access_code_used_up"


def test_who_was_let_in_by_a_code_has_used_it(full, use, used, student, make_person, core):
    """Be it that they come back, find no place then and leave the list."""
    other = make_person("student")
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="dropped"))
    use(other, full["code"])
    wait = use(student, full["code"], 202)
    assert leave(student, wait) == 204
    assert used(full)[0] == 2


def test_who_moves_up_has_used_a_code(full, use, used, student, make_person, deliver, core):
    other = make_person("student")
    use(other, full["code"], 202)
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    student.client.post_json(f"{ENROLLMENTS}/{mine['enrollmentId']}/drop", {})
    deliver()
    with core.reader() as db:
        assert db.scalar(select(Enrollment.status).where(Enrollment.user_id == other.id)) == "active"
        kept = db.scalar(select(Enrollment.extra).where(Enrollment.user_id == other.id))
    assert kept == {"admission": {"method": "code"}}
    assert used(full)[0] == 2


@pytest.mark.parametrize("gone", ["deleted", "suspended"])
def test_who_cannot_be_let_in_any_more_uses_no_code(full, use, used, student, make_person, run_periodic, core, gone):
    """An account that is deleted, and an enrollment that was suspended meanwhile."""
    other = make_person("student")
    use(other, full["code"], 202)
    with core.transaction() as db:
        if gone == "deleted":
            db.execute(update(User).where(User.id == other.id).values(deleted_at=core.clock()))
        else:
            db.add(Enrollment(user_id=other.id, course_id=uuid.UUID(full["courseId"]), status="suspended"))
            db.execute(update(Course).values(max_students=5))
    run_periodic("enrollment.move_up")
    run_periodic("enrollment.move_up")
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(EnrollmentWait)) == 0
    assert used(full) == (1, [str(student.id)])


def test_leaving_at_once_from_many_sides_gives_back_once(full, use, used, student, make_person, instructor):
    one = make_person("student")
    wait = use(one, full["code"], 202)

    def away(person):
        client = person.client.bearer(person.client.authorization[1])
        while True:
            answer = client.delete(f"/api/v1/waits/{wait['id']}", status="*")
            if answer.status_int != 503:
                return answer.status_int

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(away, [one, instructor] * 4)) == [204] + [404] * 7
    assert used(full) == (1, [str(student.id)])
