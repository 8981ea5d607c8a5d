"""Signing in: what it answers, to whom, and what it counts."""

from typing import Any

import pytest
from sqlalchemy import select, update

from lms_core.accounts.models import User, UserSession
from lms_core.accounts.queries import account_by_id
from lms_core.accounts.recovery.service import change_password
from lms_core.accounts.signin import service
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Unauthorized
from lms_core.kernel.models import AuditLog
from lms_core.testing.accounts import make_user, reload
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, STRONG

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"


def test_login_answers_tokens_user_and_permissions(core: Core, app: Client, login: Any) -> None:
    user = make_user(core)
    answer = login(user).json

    assert set(answer) == {
        "accessToken", "refreshToken", "tokenType", "expiresIn", "csrfToken", "user", "permissions"
    }  # fmt: skip
    assert (answer["tokenType"], answer["expiresIn"]) == ("Bearer", 900)
    assert answer["user"]["id"] == str(user.id)
    assert answer["user"]["groups"] == ["student"]
    assert answer["user"]["fullName"] == f"{user.first_name} {user.last_name}"
    assert "users:read:own" in answer["permissions"]
    assert answer["permissions"] == sorted(set(answer["permissions"]))
    assert not any("hash" in key.lower() or "secret" in key.lower() for key in answer["user"])
    assert app.bearer(answer["accessToken"]).get("/api/v1/users/me").json["id"] == str(user.id)


def test_login_notes_when_and_from_where(core: Core, login: Any) -> None:
    user = make_user(core)
    login(user, headers={"User-Agent": FIREFOX})
    login(user)

    now = reload(core, user)
    assert now.login_count == 2
    assert now.last_login_at is not None
    with core.transaction() as db:
        session = db.scalars(select(UserSession).order_by(UserSession.created_at)).first()
    assert session is not None
    assert (session.browser, session.browser_version, session.os) == ("Firefox", "125.0", "Linux")
    assert (session.device_type, str(session.ip_address)) == ("desktop", "127.0.0.1")


def test_the_address_is_found_whatever_its_case(core: Core, login: Any) -> None:
    make_user(core, email="Ada@example.org")
    login("aDA@EXAMPLE.org")


def test_tokens_rest_only_as_hashes(core: Core, login: Any) -> None:
    answer = login(make_user(core)).json
    with core.transaction() as db:
        row = str(vars(db.scalars(select(UserSession)).one()))
    assert answer["refreshToken"] not in row
    assert answer["refreshToken"].partition(".")[2] not in row
    assert answer["accessToken"] not in row


def test_an_unknown_address_and_a_wrong_password_cannot_be_told_apart(core: Core, login: Any, statements: Any) -> None:
    user = make_user(core)
    seen = []
    for who in (user, "nobody@example.org", "no address at all"):
        with statements() as sent:
            answer = login(who, "Wrong-Passw0rd", status=401)
        document = {key: value for key, value in answer.json.items() if key != "requestId"}
        headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
        seen.append((document, headers, sent.texts))
    assert seen[0][0]["code"] == "invalid_credentials"
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


def test_an_unknown_address_waits_in_the_lane_of_the_hashes_too(core: Core, login: Any) -> None:
    """With every place of the lane taken, nobody is answered before a hash could have been worked out."""
    places = core.tokens.passwords._places
    taken = 0
    while places.acquire(blocking=False):
        taken += 1
    try:
        for who in (make_user, "nobody@example.org"):
            answer = login(who(core) if callable(who) else who, status=503)
            assert answer.json["code"] == "busy"
            assert answer.headers["Retry-After"] == "1"
    finally:
        for _each in range(taken):
            places.release()


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"email_verified_at": None}, "email_not_verified"),
        ({"suspended_at": "now"}, "account_suspended"),
        ({"is_active": False}, "account_suspended"),
        ({"suspended_at": "now", "email_verified_at": None}, "account_suspended"),
    ],
)
def test_the_account_s_state_is_told_only_after_the_right_password(
    core: Core, login: Any, columns: dict[str, Any], code: str
) -> None:
    values: dict[str, Any] = {name: core.clock() if value == "now" else value for name, value in columns.items()}
    user = make_user(core, **values)
    assert login(user, "Wrong-Passw0rd", status=401).json["code"] == "invalid_credentials"
    answer = login(user, status=403)
    assert answer.json["code"] == code
    assert "Set-Cookie" not in answer.headers
    assert reload(core, user).login_count == 0


def test_a_deleted_account_is_nobody_s(core: Core, login: Any) -> None:
    assert login(make_user(core, deleted_at=core.clock()), status=401).json["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    "document",
    [
        {}, [], {"email": "a@b.cc"}, {"password": "x"}, {"email": 1, "password": "x"},
        {"email": "a@b.cc\x00", "password": "x"}, {"email": "a@b.cc", "password": "x\x00"},
        {"email": "a@b.cc", "password": "x" * 1025},
    ],
)  # fmt: skip
def test_what_is_no_login_is_invalid(app: Client, document: Any) -> None:
    assert app.post_json(f"{AUTH}/login", document, status=422).json["code"] == "invalid"


def test_a_password_that_swells_in_normal_form_is_refused_not_a_fault(app: Client) -> None:
    """One character of Arabic presentation form becomes eighteen."""
    document = {"email": "a@b.cc", "password": "\ufdfa" * 1000}
    assert app.post_json(f"{AUTH}/login", document, status=422).json["code"] == "invalid"


def test_a_form_from_another_site_is_no_login(app: Client, core: Core) -> None:
    user = make_user(core)
    app.post(f"{AUTH}/login", {"email": user.email, "password": PASSWORD}, status=415)


def test_a_hash_of_another_cost_is_renewed(core: Core, login: Any) -> None:
    from passlib.hash import bcrypt_sha256

    user = make_user(core, password_hash=bcrypt_sha256.using(rounds=5).hash(PASSWORD))
    login(user)
    renewed = reload(core, user).password_hash
    assert not core.tokens.passwords.needs_rehash(renewed)
    login(user)
    assert reload(core, user).password_hash == renewed


def test_a_login_overtaken_by_a_new_password_opens_nothing(core: Core) -> None:
    """The old password was checked; before the session is opened, its owner changes it because it leaked."""
    user = make_user(core)
    with core.transaction() as db:
        checked = account_by_id(db, user.id)
        assert checked is not None
    with core.transaction() as db:
        change_password(db, core, checked, user.id, PASSWORD, STRONG, None)
    with core.transaction() as db, pytest.raises(Unauthorized) as refused:
        service._sign_in(db, core, checked, None)
    assert refused.value.code == "invalid_credentials"
    with core.reader() as connection:
        assert connection.execute(select(UserSession.id)).all() == []


def test_a_session_ends_with_the_account_s_good_standing(core: Core, app: Client, login: Any) -> None:
    """At the next request, not when the token expires."""
    for columns in ({"suspended_at": core.clock()}, {"is_active": False}, {"deleted_at": core.clock()}):
        user = make_user(core)
        client = app.bearer(login(user).json["accessToken"])
        client.get("/api/v1/users/me")
        with core.transaction() as db:
            db.execute(update(User).where(User.id == user.id).values(**columns))
        assert client.get("/api/v1/users/me", status=401).json["code"] == "session_ended"


def test_login_and_logout_are_audited(core: Core, app: Client, login: Any) -> None:
    user = make_user(core)
    client = app.bearer(login(user).json["accessToken"])
    client.post(f"{AUTH}/logout", status=204)
    with core.reader() as db:
        rows = db.execute(select(AuditLog.action, AuditLog.new_values).order_by(AuditLog.created_at)).all()
    assert [row.action for row in rows] == ["session.opened", "session.closed"]
    assert rows[0].new_values == {"user": str(user.id)}


def test_login_needs_few_statements(core: Core, login: Any, statements: Any) -> None:
    user = make_user(core)
    with statements() as seen:
        login(user)
    assert seen.count <= 5, seen


def test_logins_are_limited_by_address_and_by_account(make_app: Any, core: Core) -> None:
    limits = {"lms__ratelimit__login_account": "2/minute", "lms__ratelimit__auth_address": "5/minute"}
    app = make_app(lms__ratelimit__enabled=True, **limits)

    def attempt(email: str, status: int) -> Any:
        return app.post_json(f"{AUTH}/login", {"email": email, "password": "x"}, status=status)

    for _each in range(2):
        attempt("nobody@example.org", 401)
    limited = attempt("NOBODY@example.org", 429)
    assert limited.json["code"] == "too_many_requests"
    assert int(limited.headers["Retry-After"]) > 0
    attempt("another@example.org", 401)
    attempt("third@example.org", 401)
    attempt("fourth@example.org", 429)
