"""Cookies: who may read them, where they go, and that another site cannot make use of them."""

from typing import Any

import pytest

from lms_core.kernel.core import Core
from lms_core.testing.accounts import make_user
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH


@pytest.fixture
def browser(app: Client, core: Core) -> Client:
    """A browser that is signed in; ``browser.csrf`` is what its page was told."""
    answer = app.post_json(f"{AUTH}/login", {"email": make_user(core).email, "password": PASSWORD})
    app.csrf = answer.json["csrfToken"]
    return app


def with_csrf(browser: Client) -> dict[str, str]:
    assert browser.csrf
    return {"X-CSRF-Token": browser.csrf}


def forget_access(browser: Client) -> None:
    """What a browser does with the access token's cookie once it has run out."""
    domain = next(iter(browser.cookiejar)).domain
    browser.cookiejar.clear(domain, "/", "lms_access")


def flags(answer: Any) -> dict[str, set[str]]:
    """The attributes of each cookie that an answer sets, but for its life."""
    cookies = {}
    for header in answer.headers.getall("Set-Cookie"):
        pair, *attributes = header.split("; ")
        wanted = {each for each in attributes if not each.startswith(("expires", "Max-Age"))}
        cookies[pair.partition("=")[0]] = wanted
    return cookies


def test_scripts_read_neither_token_and_the_refresh_token_goes_to_auth_only(core: Core, make_app: Any) -> None:
    app = make_app(lms__session__cookie_secure=True)
    answer = app.post_json(f"{AUTH}/login", {"email": make_user(core).email, "password": PASSWORD})
    assert flags(answer) == {
        "lms_access": {"HttpOnly", "secure", "SameSite=Lax", "Path=/"},
        "lms_refresh": {"HttpOnly", "secure", "SameSite=Lax", "Path=/api/v1/auth"},
        "lms_csrf": {"secure", "SameSite=Lax", "Path=/"},
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_reads_with_its_cookies(browser: Client) -> None:
    assert browser.get("/api/v1/users/me").json["groups"] == ["student"]


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "ü"}])
def test_another_site_changes_nothing(browser: Client, headers: dict[str, str]) -> None:
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    for method, path, document in (
        ("PUT", "/api/v1/users/me", {"firstName": "Eve"}),
        ("POST", f"{AUTH}/change-password", {"currentPassword": PASSWORD, "newPassword": "Another-Passw0rd"}),
        ("POST", f"{AUTH}/refresh", {}),
        ("POST", f"{AUTH}/logout", {}),
    ):
        send = browser.put_json if method == "PUT" else browser.post_json
        answer = send(path, document, headers=headers, status=403)
        assert answer.json["code"] == "csrf_failed", path
        assert "Set-Cookie" not in answer.headers
    assert browser.get("/api/v1/users/me").json["firstName"] == "Ada"


def test_a_page_changes_things_with_the_token_that_login_returned(browser: Client) -> None:
    answer = browser.put_json("/api/v1/users/me", {"firstName": "Grace"}, headers=with_csrf(browser))
    assert answer.json["firstName"] == "Grace"


def test_a_page_refreshes_by_cookie(browser: Client) -> None:
    before = browser.cookies["lms_refresh"]
    forget_access(browser)
    browser.get("/api/v1/users/me", status=401)
    browser.post_json(f"{AUTH}/refresh", {}, headers=with_csrf(browser))
    assert browser.cookies["lms_refresh"] != before
    browser.get("/api/v1/users/me")


def test_a_second_tab_goes_on_with_the_cookies_of_the_first(browser: Client) -> None:
    """Both sent the same refresh cookie; the answer to the second finds the first one's in the browser."""
    shared = browser.cookies["lms_refresh"]
    browser.post_json(f"{AUTH}/refresh", {}, headers=with_csrf(browser))
    late = {**with_csrf(browser), "Cookie": f"lms_refresh={shared}"}
    answer = browser.anonymous().post_json(f"{AUTH}/refresh", {}, headers=late, status=409)
    assert (answer.json["code"], "Set-Cookie" in answer.headers) == ("refresh_raced", False)
    assert browser.get("/api/v1/users/me").json["groups"] == ["student"]
    browser.post_json(f"{AUTH}/refresh", {}, headers=with_csrf(browser))


def test_a_page_loaded_anew_finds_its_csrf_token(browser: Client) -> None:
    assert browser.cookies["lms_csrf"] == browser.csrf


def test_one_session_s_csrf_token_is_no_other_s(browser: Client, core: Core) -> None:
    other = browser.anonymous().post_json(f"{AUTH}/login", {"email": make_user(core).email, "password": PASSWORD})
    headers = {"X-CSRF-Token": other.json["csrfToken"]}
    browser.put_json("/api/v1/users/me", {"firstName": "Eve"}, headers=headers, status=403)


def test_logging_out_clears_the_cookies(browser: Client) -> None:
    browser.post(f"{AUTH}/logout", headers=with_csrf(browser), status=204)
    assert browser.cookies == {}
    browser.get("/api/v1/users/me", status=401)


def test_logging_out_by_the_refresh_cookie_once_the_access_token_has_run_out(browser: Client) -> None:
    access, refresh = browser.cookies["lms_access"], browser.cookies["lms_refresh"]
    forget_access(browser)
    browser.post(f"{AUTH}/logout", headers=with_csrf(browser), status=204)
    assert browser.cookies == {}
    browser.anonymous().post_json(f"{AUTH}/refresh", {"refreshToken": refresh}, status=401)
    browser.bearer(access).get("/api/v1/users/me", status=401)
