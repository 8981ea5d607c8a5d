"""Revoking certificates and issuing them anew: by whom, what is left, and who is told."""

import datetime as dt
import email
import email.policy
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.certificates import service
from lms_core.certificates.models import Certificate
from lms_core.courses.models import Course, CourseStaff
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import AuditLog

API = "/api/v1/certificates"
MINE = "/api/v1/users/me/certificates"
REASON = {"reason": "Issued by mistake."}


@pytest.fixture
def url(certificate):
    return f"{API}/{certificate['number']}"


@pytest.fixture
def listed(course):
    return f"/api/v1/courses/{course.id}/certificates"


def _assist(core, course, person, role="teaching_assistant", **permissions):
    with core.transaction() as db:
        db.add(CourseStaff(course_id=course.id, user_id=person.id, role=role, permissions=permissions))


def _types(person):
    return [each["type"] for each in person.client.get("/api/v1/notifications").json["items"]]


def _mails(core, about):
    paths = sorted((core.settings.data / "mail").glob("*.eml"))
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    return [mail.get_body(("plain",)).get_content() for mail in mails if about in mail["Subject"]]


def test_a_revoked_certificate_does_not_verify(core, app, student, instructor, url, certificate, deliver):
    pdf = student.client.get(f"{url}/pdf").body
    answer = instructor.client.post_json(f"{url}/revoke", REASON).json
    assert (answer["status"], answer["revokedReason"]) == ("revoked", REASON["reason"])
    seen = app.get(url).json
    assert (seen["status"], seen["holderName"], seen["grade"]) == ("revoked", None, None)
    assert seen["revokedAt"]
    assert REASON["reason"] not in app.get(url).text
    assert app.send("POST", f"{API}/verify", pdf).json["certificate"]["status"] == "revoked"
    for person in (student, instructor):
        assert person.client.get(f"{url}/pdf", status=410).json["code"] == "certificate_revoked"
    with core.transaction() as db:
        assert not db.scalar(select(Enrollment.certificate_issued))
        assert db.scalar(select(AuditLog.new_values).where(AuditLog.action == "certificates.revoke")) == REASON

    deliver()
    assert _types(student)[0] == "certificate_revoked"
    (mail,) = _mails(core, "was revoked")
    assert REASON["reason"] in mail
    (mine,) = student.client.get(MINE).json["items"]
    assert (mine["status"], mine["revokedReason"]) == ("revoked", REASON["reason"])


def test_it_is_revoked_once(instructor, url):
    instructor.client.post_json(f"{url}/revoke", REASON)
    for name in ("revoke", "reissue"):
        refused = instructor.client.post_json(f"{url}/{name}", REASON, status=409)
        assert refused.json["code"] == "certificate_revoked"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 1001}, {"reason": "a\0b"}])
def test_revoking_needs_a_reason(instructor, app, url, body):
    instructor.client.post_json(f"{url}/revoke", body, status=422)
    assert app.get(url).json["status"] == "valid"


def test_who_may_not_revoke_or_issue_anew(app, student, make_person, core, course, url, listed):
    assistant = make_person("student")
    _assist(core, course, assistant)
    for name in ("revoke", "reissue"):
        app.post_json(f"{url}/{name}", REASON, status=401)
        for person in (student, assistant, make_person("instructor"), make_person("moderator")):
            person.client.post_json(f"{url}/{name}", REASON, status=403)
    app.post_json(listed, {"userId": str(student.id)}, status=401)
    for person in (student, assistant, make_person("instructor")):
        person.client.post_json(listed, {"userId": str(student.id)}, status=403)
    assert app.get(url).json["status"] == "valid"


def test_staff_may_as_far_as_the_owner_leaves_it_to_them(core, app, make_person, course, url, listed):
    second, assistant, kept_out = (make_person("student") for _each in range(3))
    _assist(core, course, second, "co_instructor")
    _assist(core, course, assistant)
    _assist(core, course, kept_out, "co_instructor", **{"certificates:read": False, "certificates:revoke": False})
    assert len(assistant.client.get(listed).json["items"]) == 1
    assistant.client.get(f"{url}/pdf")
    kept_out.client.get(listed, status=403)
    kept_out.client.get(f"{url}/pdf", status=403)
    kept_out.client.post_json(f"{url}/revoke", REASON, status=403)
    second.client.post_json(f"{url}/revoke", REASON)
    assert app.get(url).json["status"] == "revoked"


def test_administrators_may(make_person, url):
    make_person("admin").client.post_json(f"{url}/revoke", REASON)


def test_the_list_of_a_course_is_its_staffs(app, student, make_person, instructor, listed, certificate):
    (only,) = instructor.client.get(listed).json["items"]
    assert only == certificate
    app.get(listed, status=401)
    for person in (student, make_person("student"), make_person("instructor")):
        person.client.get(listed, status=403)
    assert instructor.client.get(f"{listed}?status=revoked").json["items"] == []
    assert instructor.client.get(f"{listed}?status=valid&userId={student.id}").json["total"] == 1
    assert instructor.client.get(f"{listed}?userId={instructor.id}").json["total"] == 0
    instructor.client.get(f"{listed}?status=forged", status=422)


def test_issued_anew_it_has_the_new_name_and_a_number_of_its_own(
    core, app, student, instructor, certificate, url, deliver
):
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(first_name="Robin", last_name="Reed"))
    answer = instructor.client.post_json(f"{url}/reissue", {"reason": "The name."}, status=201)
    assert answer.json["status"] == "pending"
    assert answer.headers["Location"] == f"http://localhost{API}/{answer.json['number']}"
    assert app.get(url).json["status"] == "superseded"
    app.get(f"{API}/{answer.json['number']}", status=404)

    deliver()
    new, old = student.client.get(MINE).json["items"]
    assert new["number"] != old["number"]
    assert (new["status"], new["holderName"]) == ("valid", "Robin Reed")
    assert (old["status"], old["number"]) == ("superseded", certificate["number"])
    superseded = app.get(url).json
    assert superseded["holderName"] is None
    assert new["number"] not in app.get(url).text
    student.client.get(f"{url}/pdf", status=410)
    student.client.get(f"{API}/{new['number']}/pdf")
    assert _types(student).count("certificate_issued") == 2
    assert "certificate_revoked" not in _types(student)
    assert "takes the place" in _mails(core, "Your certificate for")[-1]


def _expires(core, values):
    with core.transaction() as db:
        db.execute(update(Certificate).where(Certificate.revoked_at.is_(None)).values(values))


def test_issued_anew_it_is_valid_no_longer_than_before(core, student, instructor, course, certificate, url, deliver):
    """Though the course says by now that its certificates are valid for longer; twice over."""
    until = (core.clock() + dt.timedelta(days=3)).replace(microsecond=0)
    _expires(core, {"expires_at": until})
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == course.id).values(certificate_months=12))
    for _time in range(2):
        url = f"{API}/{instructor.client.post_json(f'{url}/reissue', {}, status=201).json['number']}"
        deliver()
        newest = student.client.get(MINE).json["items"][0]
        assert (newest["status"], dt.datetime.fromisoformat(newest["expiresAt"])) == ("valid", until)


def test_what_has_expired_is_not_issued_anew(core, app, student, instructor, listed, certificate, url, deliver):
    past = core.clock() - dt.timedelta(days=30)
    _expires(core, {"issued_at": past, "expires_at": past + dt.timedelta(days=29)})
    assert instructor.client.post_json(f"{url}/reissue", {}, status=409).json["code"] == "certificate_expired"
    assert [each["status"] for each in student.client.get(MINE).json["items"]] == ["expired"]
    # To renew it is a decision of its own.
    instructor.client.post_json(f"{url}/revoke", {"reason": "Renewed."})
    instructor.client.post_json(listed, {"userId": str(student.id)}, status=201)
    deliver()
    assert [each["status"] for each in student.client.get(MINE).json["items"]] == ["valid", "revoked"]


def test_issuing_anew_at_once_makes_one_new_certificate(core, certificate):
    with core.transaction() as db:
        certificate_id = db.scalar(select(Certificate.id))

    def reissue(_each):
        try:
            with core.transaction() as db:
                return service.reissue(db, core, certificate_id, None)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(reissue, range(6)))
    assert done.count("certificate_revoked") == 5
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(Certificate)) == 2


def test_a_pending_one_that_is_revoked_is_never_made(row_of, student, course, instructor, complete, deliver):
    complete(student, course, then=lambda: None)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/certificates", {"userId": str(student.id)}, status=201)
    (pending,) = instructor.client.get(f"/api/v1/courses/{course.id}/certificates").json["items"]
    instructor.client.post_json(f"{API}/{pending['number']}/revoke", REASON)
    deliver()
    assert [each["status"] for each in student.client.get(MINE).json["items"]] == ["revoked"]
    assert not {"certificate_issued", "certificate_revoked"} & set(_types(student))
    assert row_of(pending["number"]).checksum is None


def test_staff_issue_what_was_not_earned_by_itself(
    core, student, make_person, instructor, listed, certificate, deliver
):
    stranger = make_person("student")
    for person, code, status in (
        (student, "certificate_exists", 409),
        (stranger, "enrollment_not_found", 404),
    ):
        refused = instructor.client.post_json(listed, {"userId": str(person.id)}, status=status)
        assert refused.json["code"] == code
    begun = make_person("student")
    begun.client.post_json("/api/v1/enrollments", {"courseId": certificate["courseId"]}, status=201)
    refused = instructor.client.post_json(listed, {"userId": str(begun.id)}, status=409)
    assert refused.json["code"] == "course_not_completed"

    instructor.client.post_json(f"{API}/{certificate['number']}/revoke", REASON)
    instructor.client.post_json(listed, {"userId": str(student.id)}, status=201)
    deliver()
    assert [each["status"] for each in student.client.get(MINE).json["items"]] == ["valid", "revoked"]
