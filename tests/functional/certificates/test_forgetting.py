"""What is left of a certificate when its holder's account is deleted: what was earned, and nobody's name."""

import pytest
from sqlalchemy import func, select, text, update

from lms_core.accounts.models import User
from lms_core.certificates.models import Certificate

API = "/api/v1/certificates"


@pytest.fixture
def forget(core, run_periodic, deliver):
    """``forget(person)``: the account is deleted, and what follows from that has happened."""

    def run(person):
        with core.transaction() as db:
            db.execute(update(User).where(User.id == person.id).values(deleted_at=func.now()))
        run_periodic("certificates.forget")
        deliver()

    return run


@pytest.fixture
def pdf(student, certificate):
    return student.client.get(f"{API}/{certificate['number']}/pdf").body


def test_nothing_that_is_held_names_them(core, student, certificate, pdf, forget, row_of):
    kept = core.settings.data / "files"
    with core.transaction() as db:
        db.execute(update(Certificate).values(revoked_reason=f"{certificate['holderName']} copied."))
    before = {path for path in kept.rglob("*") if path.is_file()}
    forget(student)
    row = row_of(certificate["number"])
    assert row.extra["holder"] == {"name": None, "language": None}
    assert (row.credential, row.storage_path, row.revoked_reason, row.extra["grade"]) == (None, None, None, None)
    with core.reader() as db:
        assert certificate["holderName"] not in db.scalar(text("SELECT certificates::text FROM certificates"))
    gone = before - set(kept.rglob("*"))
    assert len(gone) == 1, "the PDF"


def test_it_verifies_still_by_its_number_and_by_the_pdf_that_they_kept(app, student, certificate, pdf, forget):
    forget(student)
    shown = app.get(f"{API}/{certificate['number']}").json
    assert (shown["status"], shown["holderName"], shown["grade"]) == ("valid", None, None)
    assert shown["courseTitle"] == certificate["courseTitle"]
    page = app.get(f"/certificates/{certificate['number']}").text
    assert "This certificate is valid." in page
    assert "Whose it was is not shown." in page
    assert certificate["holderName"] not in page
    verified = app.send("POST", f"{API}/verify", pdf).json
    assert (verified["genuine"], verified["certificate"]["status"]) == (True, "valid")
    assert app.send("POST", f"{API}/verify", pdf + b" ").json["genuine"] is False


def test_nobody_gets_what_is_gone(app, student, instructor, course, certificate, pdf, forget):
    forget(student)
    app.get(f"{API}/{certificate['number']}/credential", status=404)
    instructor.client.get(f"{API}/{certificate['number']}/pdf", status=404)
    (listed,) = instructor.client.get(f"/api/v1/courses/{course.id}/certificates").json["items"]
    assert (listed["holderName"], listed["credentialUrl"], listed["status"]) == (None, None, "valid")
    instructor.client.post_json(f"{API}/{certificate['number']}/reissue", {}, status=404)
    instructor.client.post_json(f"{API}/{certificate['number']}/revoke", {"reason": "It was copied."})
    assert app.get(f"{API}/{certificate['number']}").json["status"] == "revoked"


def test_others_are_left_alone(student, make_person, course, complete, certificate, forget, row_of):
    other = make_person()
    complete(other, course)
    (theirs,) = other.client.get("/api/v1/users/me/certificates").json["items"]
    before = row_of(theirs["number"])
    forget(student)
    forget(student)
    after = row_of(theirs["number"])
    assert (after.extra, after.signature, after.storage_path) == (before.extra, before.signature, before.storage_path)
    other.client.get(f"{API}/{theirs['number']}/pdf")


def test_what_was_forged_is_not_made_genuine_by_it(core, app, student, certificate, forget):
    with core.transaction() as db:
        db.execute(text("UPDATE certificates SET metadata = jsonb_set(metadata, '{course,title}', '\"Medicine\"')"))
    app.get(f"{API}/{certificate['number']}", status=404)
    forget(student)
    app.get(f"{API}/{certificate['number']}", status=404)


def test_one_that_is_still_to_be_made_never_is(core, student, course, complete, forget, run_periodic):
    complete(student, course, then=lambda: None)
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(Certificate)) == 0
    forget(student)
    with core.transaction() as db:
        assert db.scalar(select(func.count()).where(Certificate.checksum.is_not(None))) == 0
