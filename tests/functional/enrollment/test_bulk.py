"""Many students at once: who may, what becomes of each, and that places and states hold however they are asked for."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.events import EnrollmentDropped, EnrollmentResumed, EnrollmentSuspended, UserEnrolled
from lms_core.enrollment.models import Enrollment, EnrollmentChange
from lms_core.enrollment.rosters import service
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.testing.courses import make_course


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/enrollments"


def told(core, event):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(Outbox).where(Outbox.name == event.name))


def count(core, *conditions):
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(Enrollment).where(*conditions))


def enroll(person, url, *students, status=200, **options):
    return person.client.post_json(f"{url}/bulk", {"students": list(students), **options}, status=status).json


def send_csv(person, url, text, query="", status=200):
    data = text if isinstance(text, bytes) else text.encode()
    headers = {"Content-Type": "text/csv"}
    return person.client.send("POST", f"{url}/import{query}", data, headers=headers, status=status).json


def outcomes(report):
    return [each["outcome"] for each in report["results"]]


def test_a_list_is_enrolled_and_each_is_told_of(core, instructor, make_person, take, url, deliver):
    new, other, there, suspended, back = (make_person() for _ in range(5))
    take(there)
    for person, step in ((suspended, "suspend"), (back, "drop")):
        instructor.client.post_json(f"{take(person)}/{step}", {})
    before = told(core, UserEnrolled)
    report = enroll(
        instructor, url,
        {"email": new.email.upper()}, {"userId": str(other.id)}, {"userId": str(there.id)},
        {"userId": str(suspended.id)}, {"userId": str(back.id)}, {"email": "nobody@example.org"},
        {"userId": str(uuid.uuid4())}, {"userId": str(new.id)},
    )  # fmt: skip
    assert outcomes(report) == [
        "enrolled", "enrolled", "already_enrolled", "enrollment_suspended", "enrolled", "user_unknown", "user_unknown",
        "named_twice",
    ]  # fmt: skip
    assert (report["applied"], report["enrolled"], report["refused"]) == (True, 3, 4)
    first = report["results"][0]
    assert (first["line"], first["named"], first["detail"]) == (1, new.email.upper(), None)
    assert all(each["detail"] for each in report["results"] if each["outcome"] != "enrolled")
    made = new.client.get(f"/api/v1/enrollments/{first['enrollmentId']}").json
    assert (made["status"], made["enrollmentType"]) == ("active", "instructor")
    assert told(core, UserEnrolled) == before + 3
    with core.reader() as db:
        by = db.scalars(select(EnrollmentChange.changed_by).where(EnrollmentChange.enrollment_id == made["id"])).all()
        assert by == [instructor.id]
        assert db.scalar(select(Course.enrolled_count)) == count(core, Enrollment.status != "dropped") == 5
        kept = db.scalar(select(AuditLog.new_values).where(AuditLog.action == "rosters.enroll"))
    assert kept == {
        "dry_run": False,
        "all_or_nothing": False,
        "waive_prerequisites": False,
        "applied": True,
        "enrolled": 3,
        "refused": 4,
    }
    again = enroll(instructor, url, {"email": new.email}, {"userId": str(other.id)})
    assert (outcomes(again), again["refused"]) == (["already_enrolled"] * 2, 0)


def test_each_has_dates_of_their_own(instructor, make_person, url, course):
    now, later = make_person(), make_person()
    report = enroll(
        instructor, url,
        {"userId": str(now.id), "expiresAt": "2999-01-31T00:00:00Z"},
        {"userId": str(later.id), "startsAt": "2998-01-01T00:00:00+01:00"},
    )  # fmt: skip
    assert outcomes(report) == ["enrolled"] * 2
    lesson = f"/api/v1/lessons/{course.lessons[0]}"
    now.client.get(lesson)
    later.client.get(lesson, status=403)
    dates = instructor.client.get(f"{url}?sort=enrolledAt").json["items"]
    assert {each["startsAt"] for each in dates} == {None, "2997-12-31T23:00:00Z"}
    for wrong in (
        {"userId": str(now.id), "startsAt": "2030-01-01T00:00:00Z", "expiresAt": "2029-01-01T00:00:00Z"},
        {"userId": str(make_person().id), "expiresAt": "2001-01-01T00:00:00Z"},
        {"userId": str(now.id), "email": now.email}, {}, {"email": "x"}, {"userId": str(now.id), "role": "admin"},
    ):  # fmt: skip
        refused = instructor.client.post_json(f"{url}/bulk", {"students": [wrong]}, status=422).json
        assert list(refused["errors"]["students"]) == ["0"]
    instructor.client.post_json(f"{url}/bulk", {"students": []}, status=422)
    many = [{"userId": str(uuid.uuid4())} for _ in range(5001)]
    instructor.client.post_json(f"{url}/bulk", {"students": many}, status=422)


def test_trying_and_all_or_nothing_leave_nothing(core, instructor, make_person, url):
    people = [make_person() for _ in range(3)]
    wanted = [{"userId": str(person.id), "expiresAt": "2999-01-01T00:00:00Z"} for person in people]
    tried = enroll(instructor, url, *wanted, dryRun=True)
    assert (tried["applied"], tried["enrolled"], outcomes(tried)) == (False, 3, ["enrolled"] * 3)
    assert {each["enrollmentId"] for each in tried["results"]} == {None}
    refused = enroll(instructor, url, *wanted, {"email": "nobody@example.org"}, allOrNothing=True)
    assert (refused["applied"], outcomes(refused)) == (False, ["enrolled"] * 3 + ["user_unknown"])
    assert count(core) == told(core, UserEnrolled) == 0
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(EnrollmentChange)) == 0
        assert db.scalar(select(Course.enrolled_count)) == 0
    whole = enroll(instructor, url, *wanted, allOrNothing=True)
    assert whole["applied"] is True
    assert enroll(instructor, url, *wanted, allOrNothing=True)["applied"] is True, "again, and nothing is in the way"
    assert count(core) == told(core, UserEnrolled) == 3


def test_places_hold_in_the_order_of_the_list_and_in_a_race(core, instructor, make_person, url):
    people = [make_person() for _ in range(12)]
    with core.transaction() as db:
        db.execute(update(Course).values(max_students=5))
    first = enroll(instructor, url, *({"userId": str(person.id)} for person in people[:3]), dryRun=True)
    assert first["enrolled"] == 3
    token = instructor.client.authorization[1]

    def send(group):
        body = {"students": [{"userId": str(person.id)} for person in group]}
        return instructor.client.bearer(token).post_json(f"{url}/bulk", body).json

    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(send, [people[:4], people[4:8], people[8:]]))
    assert sum(report["enrolled"] for report in reports) == count(core) == 5
    for report in reports:
        assert sorted(outcomes(report), key=["enrolled", "course_full"].index) == outcomes(report)


def test_a_csv_as_spreadsheets_save_it(core, instructor, make_person, url):
    people = [make_person() for _ in range(4)]
    text = (
        "\ufeffName;E-Mail;Starts at;expiresAt\r\n"
        f"Ada;{people[0].email};2998-01-01;2998-01-31\r\n"
        f'"Grace; Hopper"; {people[1].email} ;;\r\n'
        "\r\n"
        f"Alan;{people[2].email};;31.1.2998\r\n"
        "Nobody;;;\r\n"
        f"Barbara;{people[3].email};2998-01-02;2998-01-01\r\n"
        f"Ada;{people[0].email.upper()};;\r\n"
        "=1+1;nobody@example.org\r\n"
        f"Barbara;{people[3].email};;2001-01-31\r\n"
    )
    report = send_csv(instructor, url, text)
    assert outcomes(report) == [
        "enrolled", "enrolled", "invalid", "invalid", "invalid", "named_twice", "user_unknown", "invalid",
    ]  # fmt: skip
    assert [each["line"] for each in report["results"]] == [2, 3, 5, 6, 7, 8, 9, 10]
    with core.reader() as db:
        dates = db.execute(select(Enrollment.starts_at, Enrollment.expires_at).where(
            Enrollment.user_id == people[0].id)).one()  # fmt: skip
    assert [str(date.date()) for date in dates] == ["2998-01-01", "2998-02-01"], "the last day counts whole"
    by_id = send_csv(instructor, url, f"userId\tother\n{people[2].id}\tx\nno-id\t\n", "?dryRun=true")
    assert (outcomes(by_id), by_id["applied"]) == (["enrolled", "invalid"], False)


def test_the_last_day_of_all_is_an_end(instructor, student, url):
    report = send_csv(instructor, url, f"email,expiresAt\n{student.email},9999-12-31\n")
    assert outcomes(report) == ["enrolled"]
    [listed] = instructor.client.get(url).json["items"]
    assert listed["expiresAt"] == "9999-12-31T23:59:59.999999Z"
    assert student.client.get("/api/v1/users/me/courses").json["total"] == 1
    for form in ("csv", "xlsx"):
        instructor.client.get(f"{url}/export", {"format": form})


def test_an_address_is_whose_it_is_however_it_is_written(core, instructor, make_person, url):
    """Accounts keep a domain as DNS knows it; lists have it as people write it."""
    person = make_person(email="robin@xn--mller-kva.example")
    report = send_csv(instructor, url, "email\nRobin@Müller.example\nROBIN@XN--MLLER-KVA.EXAMPLE\n@ü..example\n")
    assert outcomes(report) == ["enrolled", "named_twice", "user_unknown"]
    with core.reader() as db:
        assert list(db.scalars(select(Enrollment.user_id))) == [person.id]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_is_where_the_file_has_it(instructor, url, end):
    """Behind blank lines, and behind a cell of several lines: at its first."""
    lines = ["", "email,name", "a@b.example,Ada", ",", '"b@b.example","Grace', "", 'Hopper"', "", "c@b.example,Alan"]
    report = send_csv(instructor, url, end.join(lines))
    named = [(each["line"], each["named"]) for each in report["results"]]
    assert named == [(3, "a@b.example"), (5, "b@b.example"), (9, "c@b.example")]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "csv_invalid"), (b"\xff\xfe\x00", 422, "csv_invalid"), (b"name\nAda\n", 422, "csv_invalid"),
        (b"email\n" + b"a@b.example\n" * 5001, 422, "csv_invalid"), (b"email\n" + b"x" * 200_000, 422, "csv_invalid"),
        (b"email\n" + b"x" * (1 << 20), 413, "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_whole(core, instructor, url, data, status, code):
    assert send_csv(instructor, url, data, status=status)["code"] == code
    assert count(core) == 0


@pytest.mark.parametrize("head", ["email,E-Mail", "email,startsAt,Starts"])
def test_no_column_is_named_twice(core, instructor, student, url, head):
    """Nobody knows which of the two is meant."""
    refused = send_csv(instructor, url, f"{head}\n{student.email},,\n", status=422)
    assert (refused["code"], refused["detail"]) == ("csv_invalid", "The first line names a column twice.")
    assert outcomes(send_csv(instructor, url, f"email,note,note\n{student.email},,\n")) == ["enrolled"]


@pytest.mark.parametrize("name", ['"Ada" ', '"Ada "the Countess" Lovelace"', 'Ada "the Countess', '"Ada, \nCountess"'])
def test_a_quotation_mark_too_many_does_no_harm(instructor, student, url, name):
    report = send_csv(instructor, url, f"name,email\n{name},a@b.example\nGrace,{student.email}")
    assert outcomes(report) == ["user_unknown", "enrolled"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n"])
@pytest.mark.parametrize("line", ['a@b.example,"Ada', '"a@b.example,Ada', '"'])
def test_a_quotation_mark_swallows_nobody(core, instructor, student, url, line, end):
    """Of the lines behind it nothing would be said."""
    refused = send_csv(instructor, url, f"email,name\n\n{line}\n{student.email},Grace{end}", status=422)
    assert (refused["code"], refused["detail"]) == ("csv_invalid", "The file is not CSV from line 3 on.")
    assert count(core) == 0


def test_hostile_lines_harm_nothing(core, instructor, url):
    lines = ["email,startsAt", "a\x00b@example.org,", "'; DROP TABLE users;--,", '"a\nb@example.org",', f"{'x' * 300},",
             "a@b.example,9999-12-31T23:59:59-23:59", "a@b.example,0001-01-01"]  # fmt: skip
    report = send_csv(instructor, url, "\n".join(lines))
    assert set(outcomes(report)) == {"invalid", "user_unknown"}
    assert count(core) == 0


def test_who_may_not_enroll_or_change_others(app, core, student, make_person, assist, url, take, course, instructor):
    mine = take(student).rpartition("/")[2]
    helper, blind = assist(), assist("co_instructor", rosters_contact=False)
    bodies = {
        "bulk": {"students": [{"userId": str(make_person().id)}]},
        **{step: {"ids": [mine]} for step in ("suspend", "resume", "drop")},
    }
    for path, body in bodies.items():
        app.post_json(f"{url}/{path}", body, status=401)
        for person in (student, helper, make_person(), make_person("instructor")):
            person.client.post_json(f"{url}/{path}", body, status=403)
    for person in (student, helper):
        send_csv(person, url, "email\na@b.example\n", status=403)
    by_address = {"students": [{"email": student.email}]}
    assert blind.client.post_json(f"{url}/bulk", by_address, status=403).json["code"] == "contact_needed"
    assert send_csv(blind, url, f"email\n{student.email}\n", status=403)["code"] == "contact_needed"
    assert outcomes(blind.client.post_json(f"{url}/bulk", bodies["bulk"]).json) == ["enrolled"]
    assert count(core, Enrollment.status == "active") == 2
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(suspended_at=func.now()))
    other = make_course(core, instructor.id)
    gone = enroll(instructor, f"/api/v1/courses/{other.id}/enrollments", {"email": student.email})
    assert outcomes(gone) == ["user_unknown"], "as of an account that is not there"


def test_only_courses_of_the_catalog_are_joined(core, instructor, admin, make_person, url, course):
    person = make_person()
    admin_made = enroll(admin, url, {"userId": str(person.id)})
    assert admin_made["enrolled"] == 1
    with core.reader() as db:
        assert db.scalar(select(Enrollment.enrollment_type)) == "admin"
    instructor.client.post_json(f"/api/v1/courses/{course.id}/archive")
    refused = enroll(instructor, url, {"userId": str(make_person().id)}, status=404)
    assert refused["code"] == "course_not_found"


def test_enrolling_lists_is_limited(make_app, instructor, url):
    limited = make_app(lms__ratelimit__enabled=True, lms__ratelimit__roster_account="2/hour")
    client = limited.bearer(instructor.client.authorization[1])
    body = {"students": [{"userId": str(uuid.uuid4())}]}
    for _number in range(2):
        client.post_json(f"{url}/bulk", body)
    assert client.post_json(f"{url}/bulk", body, status=429).json["code"] == "too_many_requests"


def test_the_same_key_enrolls_once(core, instructor, make_person, url):
    body, headers = {"students": [{"userId": str(make_person().id)}]}, {"Idempotency-Key": "one"}
    answers = [instructor.client.post_json(f"{url}/bulk", body, headers=headers).json for _number in range(2)]
    assert answers[0] == answers[1]
    assert outcomes(answers[1]) == ["enrolled"]


def test_many_states_change_at_once(core, instructor, make_person, take, url, course):
    people = [make_person() for _ in range(5)]
    ids = [take(person).rpartition("/")[2] for person in people]
    instructor.client.post_json(f"/api/v1/enrollments/{ids[0]}/complete", {})
    instructor.client.post_json(f"/api/v1/enrollments/{ids[1]}/drop", {})
    other = make_course(core, instructor.id)
    elsewhere = people[0].client.post_json("/api/v1/enrollments", {"courseId": str(other.id)}, status=201).json["id"]
    body = {"ids": [*ids[:3], elsewhere, str(uuid.uuid4())], "reason": "A pause for all."}
    done = instructor.client.post_json(f"{url}/suspend", body).json
    assert (done["changed"], done["more"]) == (2, False)
    assert [each["code"] for each in done["skipped"]] == ["enrollment_dropped", *["enrollment_unknown"] * 2]
    assert told(core, EnrollmentSuspended) == 2
    seen = people[2].client.get(f"/api/v1/enrollments/{ids[2]}").json
    assert (seen["status"], seen["suspendedReason"]) == ("suspended", "A pause for all.")
    newest = people[2].client.get(f"/api/v1/enrollments/{ids[2]}/history").json["items"][0]
    assert (newest["toStatus"], newest["by"], newest["reason"]) == ("suspended", "staff", "A pause for all.")
    resumed = instructor.client.post_json(f"{url}/resume", {"filter": {"status": ["suspended", "dropped"]}}).json
    assert resumed == {"changed": 2, "skipped": [], "more": False}
    assert told(core, EnrollmentResumed) == 2
    assert people[0].client.get(f"/api/v1/enrollments/{ids[0]}").json["status"] == "completed"
    dropped = instructor.client.post_json(f"{url}/drop", {"filter": {"maxProgress": 50}, "reason": "Nobody came."}).json
    assert dropped["changed"] == 3
    with core.reader() as db:
        counted = select(Course.enrolled_count, Course.completed_count).where(Course.id == course.id)
        assert db.execute(counted).one() == (1, 1)
    assert told(core, EnrollmentDropped) == 4
    assert people[0].client.get(f"/api/v1/enrollments/{elsewhere}").json["status"] == "active"


def test_what_a_filter_leaves_is_asked_for_again(core, instructor, make_person, take, url, monkeypatch):
    for _number in range(5):
        take(make_person())
    monkeypatch.setattr(service, "AT_ONCE", 2)
    answers = [instructor.client.post_json(f"{url}/suspend", {"filter": {}}).json for _number in range(3)]
    assert [(each["changed"], each["more"]) for each in answers] == [(2, True), (2, True), (1, False)]
    assert told(core, EnrollmentSuspended) == 5


def test_a_filter_finds_by_address_only_for_who_may_see_it(core, instructor, assist, student, take, url):
    take(student)
    barred = assist("co_instructor", rosters_contact=False)
    needle = {"filter": {"search": student.email.split("@")[0]}}
    assert barred.client.post_json(f"{url}/suspend", needle).json["changed"] == 0
    assert instructor.client.post_json(f"{url}/suspend", needle).json["changed"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"ids": []}, {"ids": ["x"]}, {"ids": [str(uuid.uuid4())], "filter": {}}, {"filter": {"status": ["gone"]}},
        {"filter": {"page": 1}}, {"filter": None}, {"ids": [str(uuid.uuid4())] * 1001},
        {"filter": {}, "reason": "x" * 501},
    ],
)  # fmt: skip
def test_what_chooses_nobody_is_refused(instructor, url, body):
    assert instructor.client.post_json(f"{url}/drop", body, status=422).json["code"] == "invalid"


def test_two_at_once_change_each_once(core, instructor, make_person, take, url):
    for _number in range(6):
        take(make_person())
    token = instructor.client.authorization[1]

    def suspend(_attempt):
        return instructor.client.bearer(token).post_json(f"{url}/suspend", {"filter": {}}).json["changed"]

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(suspend, range(4))) == 6
    assert told(core, EnrollmentSuspended) == 6


def test_a_filter_changes_whom_it_lists(core, instructor, make_person, take, url):
    there, gone = make_person(), make_person()
    take(there)
    take(gone)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == gone.id).values(deleted_at=core.clock()))
    assert instructor.client.get(url).json["total"] == 1
    assert instructor.client.post_json(f"{url}/suspend", {"filter": {}}).json["changed"] == 1
