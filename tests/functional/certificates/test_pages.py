"""The pages where anybody verifies a certificate: for a person with a browser and nothing else."""

import base64
import hashlib
import re

import pytest
from sqlalchemy import text
from webtest import Upload

from lms_core.certificates.numbering import new_number

API = "/api/v1/certificates"


@pytest.fixture
def page(certificate):
    return f"/certificates/{certificate['number']}"


def test_the_page_says_what_is_printed(app, page, certificate):
    answer = app.get(page)
    assert answer.content_type == "text/html"
    assert "This certificate is valid." in answer.text
    assert certificate["holderName"] in answer.text
    assert "Bread &amp; its history" in answer.text
    assert '<html lang="en">' in answer.text


def test_it_speaks_the_languages_of_its_readers(app, page):
    answer = app.get(page, headers={"Accept-Language": "de-AT, en;q=0.5"})
    assert "Dieses Zertifikat ist gültig." in answer.text
    assert '<html lang="de">' in answer.text


def test_a_browser_may_do_nothing_but_show_it(app, page):
    answer = app.get(page)
    policy = answer.headers["Content-Security-Policy"]
    style = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "<script" not in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_prefers_json_gets_it(app, page, certificate):
    answer = app.get(page, headers={"Accept": "application/json"})
    assert answer.content_type == "application/json"
    assert answer.json == app.get(f"{API}/{certificate['number']}").json
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""):
        assert app.get(page, headers={"Accept": accept}).content_type == "text/html"


def test_a_hostile_name_is_only_text(app, core, student, instructor, certificate, deliver):
    with core.transaction() as db:
        db.execute(
            text("UPDATE users SET first_name = :name WHERE id = :id"),
            {"name": "<script>alert(1)</script>", "id": student.id},
        )
    instructor.client.post_json(f"{API}/{certificate['number']}/reissue", {})
    deliver()
    (new, _old) = student.client.get("/api/v1/users/me/certificates").json["items"]
    shown = app.get(f"/certificates/{new['number']}").text
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_states_are_said(app, instructor, page, certificate):
    instructor.client.post_json(f"{API}/{certificate['number']}/revoke", {"reason": "Not for others to read."})
    shown = app.get(page).text
    assert "This certificate was revoked." in shown
    assert "Whose it was is not shown." in shown
    assert certificate["holderName"] not in shown
    assert "Not for others to read." not in shown


@pytest.mark.parametrize("number", ["x", "0000-0000-0000-0000", "a" * 300, "%00", "%ff", "%3Cscript%3E"])
def test_what_is_no_number_is_a_page_that_says_so(app, number):
    answer = app.get(f"/certificates/{number}", status=404)
    assert "<script" not in answer.text


def test_unknown_and_mistyped_numbers_are_refused_alike(app, page):
    wrong = page[:-1] + ("A" if page[-1] != "A" else "B")
    texts = {app.get(path, status=404).text for path in (wrong, f"/certificates/{new_number()}", "/certificates/x")}
    assert len(texts) == 1
    assert "There is no such certificate." in texts.pop()


def test_a_number_is_looked_up_from_the_form(app, page, certificate):
    form = app.get("/certificates").forms[0]
    form["number"] = certificate["number"].lower()
    answer = form.submit().follow()
    assert "This certificate is valid." in answer.text


def test_a_file_is_verified_from_the_form(app, student, certificate):
    pdf = student.client.get(f"{API}/{certificate['number']}/pdf").body
    for content, status in ((pdf, 200), (pdf + b" ", 404), (b"", 404)):
        form = app.get("/certificates").forms[1]
        form["file"] = Upload("c.pdf", content, "application/pdf")
        answer = form.submit(status=status)
        assert ("This file is genuine" in answer.text) is (status == 200)
        assert ("altered afterwards" in answer.text) is (status == 404)


def test_a_form_that_is_none_is_refused(app):
    app.post("/certificates", {"file": "text"}, status=404)
    app.post_json("/certificates", {"file": "x"}, status=404)
    app.send("POST", "/certificates", b"--x", headers={"Content-Type": "multipart/form-data"}, status="*")
    too_large = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = app.send("POST", "/certificates", b"x" * (1_100_000), headers=too_large, status=413)
    assert "too large" in answer.text
