"""Certificates: earned once, made by the pipeline, verified by anybody, and had by those whose they are."""

import base64
import datetime as dt
import email
import email.policy
import hashlib
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import orjson
import pytest
from babel.dates import format_date
from sqlalchemy import delete, func, select, text, update

from lms_core.accounts.models import User
from lms_core.certificates import service
from lms_core.certificates.models import Certificate
from lms_core.certificates.numbering import new_number
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.delivery import deliver as deliver_again
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import DeadLetter
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.courses import make_course

API = "/api/v1/certificates"
MINE = "/api/v1/users/me/certificates"
PDF = {"Content-Type": "application/pdf"}
FORGED = b"%PDF-1.7 Mallory is a doctor"


def _count(core):
    with core.transaction() as db:
        return db.scalar(select(func.count()).select_from(Certificate))


def _set(core, model, **values):
    with core.transaction() as db:
        db.execute(update(model).values(**values))


def _mails(core, about):
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((core.settings.data / "mail").glob("*.eml"))
    ]
    return [mail for mail in mails if about in mail["Subject"]]


def test_who_completes_a_course_earns_a_certificate(core, app, student, course, certificate, row_of):
    number = certificate["number"]
    assert (certificate["status"], certificate["courseTitle"]) == ("valid", "Bread & its history")
    assert certificate["verificationUrl"] == f"http://localhost/certificates/{number}"
    assert certificate["pdfUrl"] == f"http://localhost{API}/{number}/pdf"
    assert certificate["expiresAt"] is None

    seen = app.get(f"{API}/{number}").json
    assert set(seen) == {
        "number", "status", "holderName", "courseTitle", "completedOn", "issuedOn", "expiresOn", "grade", "issuedAt",
        "expiresAt", "revokedAt", "issuer", "verificationUrl",
    }  # fmt: skip
    assert (seen["number"], seen["status"], seen["holderName"]) == (number, "valid", certificate["holderName"])
    assert seen["issuer"] == {"name": "LMS", "url": "http://localhost"}
    assert student.email not in app.get(f"{API}/{number}").text

    row = row_of(number)
    assert (row.course_id, row.user_id, row.key_name, row.template_id) == (course.id, student.id, "test", None)
    with core.transaction() as db:
        enrollment = db.scalar(select(Enrollment))
    assert enrollment.certificate_issued
    assert enrollment.certificate_url == certificate["verificationUrl"]


def test_its_days_are_those_of_its_holder(core, app, student, instructor, complete):
    """All of them: where the day is another one than in UTC, it was not issued before or after it was completed."""
    now = core.clock()
    zone = ZoneInfo("Pacific/Pago_Pago" if (now.hour, now.minute) < (10, 30) else "Pacific/Kiritimati")
    course = make_course(core, instructor.id, lessons=1)
    _set(core, Course, certificate_months=24)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(timezone=zone.key))
    complete(student, course)
    (mine,) = student.client.get(MINE).json["items"]
    with core.transaction() as db:  # They move to where it is another day.
        db.execute(update(User).where(User.id == student.id).values(timezone="UTC"))

    there = now.astimezone(zone).date()
    assert there != now.date()
    seen = app.get(f"{API}/{mine['number']}").json
    expires = dt.datetime.fromisoformat(mine["expiresAt"]).astimezone(zone).date()
    assert (seen["completedOn"], seen["issuedOn"], seen["expiresOn"]) == tuple(map(str, (there, there, expires)))
    instructor.client.post_json(f"{API}/{mine['number']}/revoke", {"reason": "Cheated."})
    page = app.get(f"/certificates/{mine['number']}").text
    assert page.count(format_date(there, "long", "en")) == 3, "completed, issued and revoked"
    assert format_date(now, "long", "en") not in page


def test_its_holder_is_told_by_mail_too(core, student, certificate):
    told = student.client.get("/api/v1/notifications").json["items"]
    (notice,) = [each for each in told if each["type"] == "certificate_issued"]
    assert notice["title"] == "Your certificate for Bread & its history"
    assert notice["actionUrl"] == f"/certificates/{certificate['number']}"
    (mail,) = _mails(core, "Your certificate for")
    assert mail["To"] == student.email
    assert f"http://localhost/certificates/{certificate['number']}" in mail.get_body(("plain",)).get_content()
    assert "takes the place" not in mail.get_body(("plain",)).get_content()


def test_a_course_without_certificates_gives_none(core, student, instructor, complete):
    course = make_course(core, instructor.id, lessons=1)
    _set(core, Course, completion_certificate=False)
    complete(student, course)
    assert student.client.get(MINE).json["items"] == []


def test_a_redelivery_issues_nothing_again(core, registry, certificate, student):
    with core.transaction() as db:
        db.execute(text("DELETE FROM event_ledger WHERE subscriber LIKE 'certificates.%'"))
        db.execute(text("UPDATE outbox SET finished_at = NULL"))
    for name, subscriber in (("enrollment.completed", "certificates.issue"), ("certificates.due", "certificates.make")):
        with core.reader() as db:
            events = db.execute(text("SELECT event_id FROM outbox WHERE name = :name"), {"name": name}).scalars().all()
        assert deliver_again(registry, subscriber, events, again=True) == 1
    deliver_pending(registry)
    assert _count(core) == 1
    assert student.client.get(MINE).json["items"] == [certificate]
    assert len(_mails(core, "Your certificate for")) == 1


def test_a_revoked_one_is_not_earned_again_by_a_redelivery(core, instructor, certificate):
    instructor.client.post_json(f"{API}/{certificate['number']}/revoke", {"reason": "Cheated."})
    with core.transaction() as db:
        enrollment_id = db.scalar(select(Enrollment.id))
        assert service.issue_on_completion(db, core, enrollment_id) is None


def test_of_many_that_issue_at_once_one_does(core, student, course, complete):
    complete(student, course, then=lambda: None)

    def issue(_each):
        try:
            with core.transaction() as db:
                return service.issue(db, core, course.id, student.id)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(issue, range(8)))
    assert done.count("certificate_exists") == 7
    assert _count(core) == 1


def test_of_many_that_make_it_at_once_one_does(core, registry, student, course, complete, row_of):
    complete(student, course, then=lambda: None)
    with core.transaction() as db:
        made = service.issue(db, core, course.id, student.id)

    def make(_each):
        with core.transaction() as db:
            service.make(db, registry, made)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    with core.transaction() as db:
        issued = db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'certificates.issued'"))
    assert issued == 1
    named = {row_of(each["number"]).storage_path for each in student.client.get(MINE).json["items"]}
    assert named <= {each.key for each in registry.storage.objects()}


def test_it_says_for_good_what_it_said(core, app, certificate, student):
    _set(core, Course, title="Cake")
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(first_name="Somebody", last_name="Else"))
    seen = app.get(f"{API}/{certificate['number']}").json
    assert (seen["courseTitle"], seen["holderName"]) == ("Bread & its history", certificate["holderName"])


def test_the_pdf_is_the_holders(app, student, instructor, make_person, certificate):
    url = f"{API}/{certificate['number']}/pdf"
    answer = student.client.get(url)
    assert answer.content_type == "application/pdf"
    assert answer.body.startswith(b"%PDF-")
    assert f"{certificate['number']}.pdf" in answer.headers["Content-Disposition"]
    assert instructor.client.get(url).body == answer.body
    assert student.client.get(url, headers={"Range": "bytes=0-4"}, status=206).body == b"%PDF-"
    app.get(url, status=401)
    for stranger in (make_person("student"), make_person("instructor"), make_person("moderator")):
        assert stranger.client.get(url, status=403).json["code"] == "forbidden"
    assert make_person("admin").client.get(url).body == answer.body


def test_a_pdf_costs_its_holder_no_quota(student, certificate):
    assert certificate["status"] == "valid"
    assert student.client.get("/api/v1/files").json["items"] == []


def test_a_file_that_was_issued_is_genuine_and_an_altered_one_is_not(app, student, certificate):
    pdf = student.client.get(f"{API}/{certificate['number']}/pdf").body
    answer = app.send("POST", f"{API}/verify", pdf, headers=PDF).json
    assert answer == {"genuine": True, "certificate": app.get(f"{API}/{certificate['number']}").json}

    middle = len(pdf) // 2
    flipped = pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]
    for forged in (flipped, pdf + b"\n", pdf[:-1], b"", b"%PDF-1.7 forged"):
        answer = app.send("POST", f"{API}/verify", forged, headers=PDF).json
        assert answer == {"genuine": False, "certificate": None}


def test_a_file_to_verify_has_bounds(app):
    refused = app.send("POST", f"{API}/verify", b"x", headers=PDF, length=17 << 20, status=413)
    assert refused.json["code"] == "file_too_large"
    unsaid = app.send("POST", f"{API}/verify", b"x" * 1_100_000, headers=PDF, length=None, status=411)
    assert unsaid.json["code"] == "length_required"


def test_no_number_but_a_real_one_is_found(app, certificate):
    number = certificate["number"]
    wrong = number[:-1] + ("A" if number[-1] != "A" else "B")
    answers = {
        app.get(f"{API}/{name}", status=404).json["code"]
        for name in (new_number(), wrong, "x", "0000-0000-0000-0000", "%27;--", "%00", "x" * 65, "a/b")
    }
    assert answers == {"not_found"}
    for written in (number.lower(), number.replace("-", ""), number.replace("-", "%20")):
        assert app.get(f"{API}/{written}").json["number"] == number


def test_who_writes_into_the_table_makes_no_certificate(core, app, certificate, student):
    number = certificate["number"]
    pdf = student.client.get(f"{API}/{number}/pdf").body
    for change in (
        {"extra": func.jsonb_set(Certificate.extra, ["holder", "name"], func.to_jsonb(text("'Mallory'::text")))},
        {"expires_at": func.now() + text("interval '9 years'")},
        {"issued_at": func.now() - text("interval '9 years'")},
        {"key_name": "unknown"},
        {"signature": "AAAA"},
        {"signature": "abc"},
        {"checksum": hashlib.sha256(FORGED).hexdigest()},
    ):
        with core.transaction() as db:
            before = db.execute(select(*(getattr(Certificate, name).label(name) for name in change))).one()
            db.execute(update(Certificate).values(**change))
        app.get(f"{API}/{number}", status=404)
        app.get(f"/certificates/{number}", status=404)
        for file in (pdf, FORGED):
            assert app.send("POST", f"{API}/verify", file, headers=PDF).json["genuine"] is False
        _set(core, Certificate, **before._mapping)
    assert app.get(f"{API}/{number}").json["status"] == "valid"


def test_who_writes_into_the_table_leads_nobody_astray(core, app, student, certificate):
    evil = "https://evil.example.org"
    credential = func.jsonb_set(Certificate.credential, ["id"], text(f"""'"{evil}"'::jsonb"""))
    _set(core, Certificate, verification_url=evil, pdf_url=evil, credential=credential)
    assert student.client.get(MINE).json["items"] == [certificate]
    seen = app.get(f"{API}/{certificate['number']}")
    assert seen.json["verificationUrl"] == certificate["verificationUrl"]
    assert "evil" not in seen.text


def test_what_was_signed_before_signatures_covered_the_pdf_verifies_still(
    core, registry, app, student, certificate, row_of, run_periodic
):
    """Until its holder is forgotten it has the old signature, and then one of today."""
    number, row = certificate["number"], row_of(certificate["number"])
    times = [row.issued_at.astimezone(dt.UTC).isoformat(), None]
    old = b"lms-certificate " + orjson.dumps([number, row.extra, *times], option=orjson.OPT_SORT_KEYS)
    _set(core, Certificate, signature=base64.b64encode(registry.certificate_keys.sign(old)).decode())
    assert app.get(f"{API}/{number}").json["status"] == "valid"
    _set(core, Certificate, expires_at=func.now() + text("interval '9 years'"))
    app.get(f"{API}/{number}", status=404)
    _set(core, Certificate, expires_at=None)

    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(deleted_at=func.now()))
    run_periodic("certificates.forget")
    assert app.get(f"{API}/{number}").json["status"] == "valid"
    _set(core, Certificate, checksum=hashlib.sha256(FORGED).hexdigest())
    app.get(f"{API}/{number}", status=404)


def test_a_former_key_verifies_as_long_as_it_is_there(make_app, certificate, core):
    number, old = certificate["number"], core.settings.text("lms.certificates.keys")
    new = "next:a-new-key-that-only-tests-may-know"
    assert make_app(lms__certificates__keys=f"{new} {old}").get(f"{API}/{number}").json["status"] == "valid"
    retired = make_app(lms__certificates__keys=old).get(f"{API}/issuer").json["verificationMethod"][0]
    public = f"test:{retired['publicKeyMultibase']}"
    assert make_app(lms__certificates__keys=f"{new} {public}").get(f"{API}/{number}").json["status"] == "valid"
    make_app(lms__certificates__keys=new).get(f"{API}/{number}", status=404)


def test_a_certificate_expires_after_the_months_of_its_course(core, app, student, instructor, complete):
    course = make_course(core, instructor.id, lessons=1)
    changed = {"certificateMonths": 24}
    assert instructor.client.put_json(f"/api/v1/courses/{course.id}", changed).json["certificateMonths"] == 24
    complete(student, course)
    (mine,) = student.client.get(MINE).json["items"]
    assert int(mine["expiresAt"][:4]) == int(mine["issuedAt"][:4]) + 2
    assert mine["status"] == "valid"


def test_an_expired_one_says_so(core, make_app, student, instructor, complete, registry):
    course = make_course(core, instructor.id, lessons=1)
    _set(core, Course, certificate_months=1)
    complete(student, course)
    (mine,) = student.client.get(MINE).json["items"]
    with core.transaction() as db:
        certificate_id = db.scalar(select(Certificate.id))
        db.execute(update(Certificate).values(issued_at=text("issued_at - interval '3 months'"),
                                              expires_at=text("expires_at - interval '3 months'")))  # fmt: skip
        row = db.get(Certificate, certificate_id)
        row.signature = service.signature_of(registry.certificate_keys, row)
    seen = make_app().get(f"{API}/{mine['number']}").json
    assert (seen["status"], seen["holderName"]) == ("expired", mine["holderName"])
    student.client.get(f"{API}/{mine['number']}/pdf")


@pytest.mark.parametrize("months", [0, -1, 1201, "two", 1.5, True])
def test_months_have_bounds(core, instructor, course, months):
    refused = instructor.client.put_json(f"/api/v1/courses/{course.id}", {"certificateMonths": months}, status=422)
    assert "certificateMonths" in refused.json["errors"]


def test_a_wrong_template_loses_nothing(core, registry, student, course, complete, app, make_app, tmp_path):
    (tmp_path / "certificate.typ").write_text("#let certificate(data) = [#nothing]")
    broken = make_app(lms__certificates__template=str(tmp_path), lms__outbox__attempts=1).app.registry
    complete(student, course, then=lambda: deliver_pending(broken))
    (mine,) = student.client.get(MINE).json["items"]
    assert (mine["status"], mine["pdfUrl"], mine["verificationUrl"]) == ("pending", None, None)
    with core.transaction() as db:
        letter = db.scalar(select(DeadLetter))
        assert letter.error == "TemplateError: certificate.typ:1:27: unknown variable: nothing"
        assert letter.subscriber == "certificates.make"
        assert not db.scalar(select(Enrollment.certificate_issued))
    app.get(f"{API}/{mine['number']}", status=404)
    student.client.get(f"{API}/{mine['number']}/pdf", status=404)

    with core.transaction() as db:
        service.make(db, registry, db.scalar(select(Certificate.id)))
    assert student.client.get(MINE).json["items"][0]["status"] == "valid"


def test_an_institutions_template_is_named(core, student, course, complete, make_app, tmp_path, row_of):
    (tmp_path / "certificate.typ").write_text("#let certificate(data) = [#data.holder.name]")
    own = make_app(lms__certificates__template=str(tmp_path)).app.registry
    complete(student, course, then=lambda: deliver_pending(own))
    (mine,) = student.client.get(MINE).json["items"]
    assert row_of(mine["number"]).template_id == tmp_path.name


def test_of_a_deleted_account_the_name_is_not_shown(core, app, student, certificate):
    number = certificate["number"]
    pdf = student.client.get(f"{API}/{number}/pdf").body
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(deleted_at=func.now()))
    seen = app.get(f"{API}/{number}").json
    assert (seen["status"], seen["holderName"], seen["grade"]) == ("valid", None, None)
    app.get(f"{API}/{number}/credential", status=404)
    assert app.send("POST", f"{API}/verify", pdf, headers=PDF).json["genuine"] is True
    assert certificate["holderName"] not in app.get(f"/certificates/{number}").text


def test_an_account_that_is_gone_takes_its_certificates_with_it(core, app, student, certificate):
    with core.transaction() as db:
        db.execute(delete(User).where(User.id == student.id))
    app.get(f"{API}/{certificate['number']}", status=404)


def test_a_deleted_or_unpublished_course_leaves_certificates_valid(core, app, student, certificate):
    for values in ({"is_published": False}, {"archived_at": func.now()}, {"deleted_at": func.now()}):
        _set(core, Course, **values)
        assert app.get(f"{API}/{certificate['number']}").json["status"] == "valid"
        student.client.get(f"{API}/{certificate['number']}/pdf")


def test_each_sees_their_own(student, make_person, course, certificate, complete):
    other = make_person("student")
    complete(other, course)
    assert student.client.get(MINE).json["items"] == [certificate]
    assert other.client.get(MINE).json["items"][0]["number"] != certificate["number"]


def test_asking_costs_few_statements(app, student, instructor, course, certificate, statements):
    number = certificate["number"]
    pdf = student.client.get(f"{API}/{number}/pdf").body
    for ask in (
        lambda: app.get(f"{API}/{number}"),
        lambda: app.get(f"/certificates/{number}"),
        lambda: student.client.get(f"{API}/{number}/pdf"),
        lambda: student.client.get(MINE),
        lambda: instructor.client.get(f"/api/v1/courses/{course.id}/certificates"),
        lambda: app.get(f"{API}/{number}/credential"),
        lambda: app.get(f"{API}/status/0"),
        lambda: app.send("POST", f"{API}/verify", pdf, headers=PDF),
    ):
        with statements() as seen:
            ask()
        assert seen.count <= 4, seen


def test_verifying_is_limited(make_app, certificate):
    limited = make_app(lms__ratelimit__enabled=True, lms__ratelimit__certificates_address="3/minute")
    for _each in range(3):
        limited.get(f"{API}/{new_number()}", status=404)
    refused = limited.get(f"{API}/{certificate['number']}", status=429)
    assert "Retry-After" in refused.headers
    limited.send("POST", f"{API}/verify", b"x", headers=PDF, status=429)
    assert "text/html" in limited.get(f"/certificates/{certificate['number']}", status=429).headers["Content-Type"]
