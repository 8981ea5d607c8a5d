"""The pages that the links in mails lead to: for a person with a browser and nothing else."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text, update

from lms_core.accounts.models import PasswordReset, User
from lms_core.kernel.core import Core
from lms_core.kernel.models import AuditLog
from lms_core.testing.accounts import make_user, reload, sign_in
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, STRONG, Mailbox, body

ADDRESS = "ada@example.org"
SECRET = "mUt3fO0xM2pQ1nq0y9cN4dV7sZ6hR8kLbW5aXeTgJiE"


def link(mailbox: Mailbox, address: str = ADDRESS) -> str:
    """Path and query of the link in the last mail, as a browser would ask for it."""
    found = re.search(r"http\S+token=\S+", body(mailbox.to(address)[-1]))
    assert found
    parts = urlsplit(found[0])
    assert found[0].startswith("http://localhost/")
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def unverified(app: Client, core: Core) -> User:
    user = make_user(core, email=ADDRESS, email_verified_at=None)
    app.post_json(f"{AUTH}/resend-verification", {"email": ADDRESS}, status=202)
    return user


@pytest.fixture
def forgetful(app: Client, core: Core) -> User:
    user = make_user(core, email=ADDRESS)
    app.post_json(f"{AUTH}/forgot-password", {"email": ADDRESS}, status=202)
    return user


def test_a_browser_verifies_an_address(app: Client, core: Core, mailbox: Mailbox, unverified: User) -> None:
    form = app.get(link(mailbox)).form
    answer = form.submit()
    assert answer.status_int == 200
    assert "Your address is verified" in answer.text
    assert ADDRESS in answer.text
    assert reload(core, unverified).email_verified


def test_a_browser_sets_a_password(app: Client, core: Core, mailbox: Mailbox, forgetful: User, login: Any) -> None:
    session = sign_in(core, forgetful)
    form = app.get(link(mailbox)).form
    form["password"] = form["again"] = STRONG
    assert "Your password is set" in form.submit().text
    login(ADDRESS, STRONG)
    app.bearer(session.access_token).get("/api/v1/users/me", status=401)


def test_setting_a_password_forgets_the_session_of_the_browser(
    app: Client, mailbox: Mailbox, forgetful: User, login: Any
) -> None:
    app.post_json(f"{AUTH}/login", {"email": ADDRESS, "password": PASSWORD})
    form = app.get(link(mailbox)).form
    form["password"] = form["again"] = STRONG
    form.submit()
    assert app.cookies == {}


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_changes_nothing_however_often(
    app: Client, core: Core, mailbox: Mailbox, unverified: User, statements: Any, method: str
) -> None:
    """Programs that look through mail open every link in it."""
    path = link(mailbox)
    for _each in range(3):
        with statements() as seen:
            getattr(app, method)(path)
        assert seen.count == 0, seen
    assert not reload(core, unverified).email_verified
    app.get(path).form.submit()


def test_a_link_works_once(app: Client, mailbox: Mailbox, unverified: User) -> None:
    form = app.get(link(mailbox)).form
    form.submit()
    again = form.submit(status=422)
    assert "This link cannot be used" in again.text
    assert "This link has expired or has been used already." in again.text
    assert again.forms == {}


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "At least one digit."),
        (STRONG, f"{STRONG}x", "The two passwords differ."),
        (STRONG, "", "The two passwords differ."),
        ("x" * 1025, "x" * 1025, "Longer than 1024 characters."),
        (f"{ADDRESS}-A1", f"{ADDRESS}-A1", "It must not contain the e-mail address."),
    ],
)
def test_a_password_that_will_not_do_is_told_so_and_the_link_stays_good(
    app: Client, core: Core, mailbox: Mailbox, forgetful: User, password: str, again: str, said: str
) -> None:
    form = app.get(link(mailbox)).form
    form["password"], form["again"] = password, again
    answer = form.submit(status=422)
    assert said in answer.text
    assert password not in answer.text
    assert answer.form["password"].value == ""
    with core.reader() as db:
        assert db.scalars(select(PasswordReset.used_at)).all() == [None]
        assert "password.reset" not in db.scalars(select(AuditLog.action)).all()
    answer.form["password"] = answer.form["again"] = STRONG
    assert "Your password is set" in answer.form.submit().text


def test_an_address_that_was_taken_meanwhile_is_told_so(app: Client, core: Core, mailbox: Mailbox) -> None:
    user = make_user(core, email=ADDRESS, pending_email="new@example.org")
    app.post_json(f"{AUTH}/resend-verification", {"email": ADDRESS}, status=202)
    path = link(mailbox, "new@example.org")
    make_user(core, email="new@example.org")
    assert "An account with this e-mail address exists." in app.get(path).form.submit(status=409).text
    assert reload(core, user).email == ADDRESS


PATHS = ("/verify-email", "/reset-password")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?token=", "?token=%00", f"?token={'a' * 201}", "?other=1"])
def test_half_a_link_is_told_so(app: Client, path: str, query: str) -> None:
    assert "This link cannot be used" in app.get(path + query, status=422).text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"token=" + SECRET.encode(), "text/plain"),
        (b'{"token": "' + SECRET.encode() + b'"}', "application/json"),
        (b"\xff\xfe&&&===", "application/x-www-form-urlencoded"),
        (b"token=" + SECRET.encode() + b"&password=Aa1!aaaaaa&again=Aa1!aaaaaa", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_of_ours_changes_nothing(app: Client, path: str, sent: bytes, kind: str) -> None:
    answer = app.post(path, sent, content_type=kind, status="4*")
    assert answer.content_type in ("text/html", "application/problem+json")
    assert SECRET not in answer.text


def test_a_form_that_is_too_large_is_refused(app: Client) -> None:
    assert app.post("/verify-email", {"token": "x" * 2_000_000}, status=413).content_type == "text/html"


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_refused(app: Client, path: str) -> None:
    app.put(path, status="4*")
    app.delete(path, status="4*")


def test_what_stands_in_the_link_cannot_become_part_of_the_page(app: Client) -> None:
    page = app.get("/verify-email", {"token": '"><script>alert(1)</script>'})
    assert "<script" not in page.text
    assert page.form["token"].value == '"><script>alert(1)</script>'


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_may_do_nothing_but_show_the_page_and_send_the_form(app: Client, path: str) -> None:
    page = app.get(path, {"token": SECRET})
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert not re.search(r"<script|\son\w+=|\sstyle=|\ssrc=", page.text)
    assert urlsplit(page.form.action).query == ""


@pytest.mark.parametrize("path", PATHS)
def test_no_log_keeps_the_token_or_the_password(app: Client, core: Core, registry: Any, path: str) -> None:
    form = {"token": SECRET, "password": STRONG, "again": STRONG}
    app.get(path, {"token": SECRET})
    app.post(path, form, status=422)
    app.post(f"{path}?token={SECRET}", form, status=422)
    registry.request_log.flush()
    with core.reader() as db:
        rows = db.execute(text("SELECT request_path, system_logs::text AS whole FROM system_logs")).all()
    assert len(rows) == 3
    assert f"{path}?token=[redacted]" in {row.request_path for row in rows}
    assert not [row for row in rows if SECRET in row.whole or STRONG in row.whole]


def test_too_many_forms_are_refused_as_a_page(make_app: Any) -> None:
    app = make_app(lms__ratelimit__enabled=True, lms__ratelimit__auth_address="2/minute")
    for _each in range(2):
        app.post("/verify-email", {"token": SECRET}, status=422)
    answer = app.post("/verify-email", {"token": SECRET}, status=429)
    assert "Too many requests" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.form["token"].value == SECRET


def test_the_pages_speak_the_language_of_the_browser(app: Client) -> None:
    page = app.get("/reset-password", {"token": SECRET}, headers={"Accept-Language": "de"})
    assert '<html lang="de">' in page.text
    assert "Neues Passwort" in page.text


def test_the_pages_work_below_a_prefix(app: Client, mailbox: Mailbox, unverified: User) -> None:
    """The form goes where the page came from, whatever stands before that."""
    page = app.get(link(mailbox), extra_environ={"SCRIPT_NAME": "/lms"})
    assert page.form.action == "verify-email"


def test_an_expired_link_says_so(app: Client, core: Core, mailbox: Mailbox, forgetful: User) -> None:
    form = app.get(link(mailbox)).form
    with core.transaction() as db:
        db.execute(update(PasswordReset).values(expires_at=core.clock()))
    form["password"] = form["again"] = STRONG
    assert "This link has expired" in form.submit(status=422).text
