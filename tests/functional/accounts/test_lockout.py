"""Five wrong passwords lock an account for half an hour, however they are sent."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, update

from lms_core.accounts.lockout import count_failure
from lms_core.accounts.models import User, UserSession
from lms_core.accounts.queries import account_by_id
from lms_core.accounts.signin import service
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Forbidden
from lms_core.kernel.models import AuditLog
from lms_core.testing.accounts import make_user, reload
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH

WRONG = "Wrong-Passw0rd"


def fail(login: Any, user: User, times: int) -> None:
    for _each in range(times):
        assert login(user, WRONG, status=401).json["code"] == "invalid_credentials"


def test_the_sixth_attempt_meets_the_lock_whatever_the_password(core: Core, login: Any) -> None:
    user = make_user(core)
    fail(login, user, 5)
    for password in (PASSWORD, WRONG):
        answer = login(user, password, status=403)
        assert answer.json["code"] == "account_locked"
        assert 1790 <= int(answer.headers["Retry-After"]) <= 1800
    until = reload(core, user).failed_login_locked_until
    assert until is not None
    assert abs(until - core.clock() - dt.timedelta(minutes=30)) < dt.timedelta(minutes=1)


def test_four_failures_and_then_the_right_password_begin_anew(core: Core, login: Any) -> None:
    user = make_user(core)
    for _round in range(2):
        fail(login, user, 4)
        login(user)
        assert reload(core, user).failed_login_attempts == 0


def test_a_lock_runs_out_and_takes_its_failures_with_it(core: Core, login: Any) -> None:
    user = make_user(core)
    fail(login, user, 5)
    with core.transaction() as db:
        db.execute(update(User).values(failed_login_locked_until=core.clock() - dt.timedelta(seconds=1)))
    fail(login, user, 1)
    now = reload(core, user)
    assert (now.failed_login_attempts, now.failed_login_locked_until) == (1, None)
    login(user)


def test_failures_of_one_account_lock_no_other(core: Core, login: Any) -> None:
    fail(login, make_user(core), 5)
    login(make_user(core))


def test_a_locked_account_keeps_the_sessions_it_has(core: Core, app: Client, login: Any) -> None:
    """Else anybody could sign anybody out."""
    user = make_user(core)
    client = app.bearer(login(user).json["accessToken"])
    fail(login, user, 5)
    client.get("/api/v1/users/me")


def test_failures_sent_at_once_are_all_counted(core: Core, at_once: Any) -> None:
    user = make_user(core)
    answers = at_once(12, lambda: count_failure(core, user.id, None))
    refused = [answer for answer in answers if answer is not None]
    assert len(refused) == 7
    assert all(isinstance(answer, Forbidden) and answer.code == "account_locked" for answer in refused)
    now = reload(core, user)
    assert now.failed_login_attempts == 5
    assert now.failed_login_locked_until is not None


def test_logins_sent_at_once_learn_five_answers_at_most(core: Core, login: Any, at_once: Any) -> None:
    """Over HTTP, in waves as wide as the lane of the hashes: the guesses past the fifth tell nothing."""
    user = make_user(core)
    answers = [answer for _wave in range(3) for answer in at_once(4, lambda: login(user, WRONG, status="*"))]
    codes = [answer.json["code"] for answer in answers]
    assert codes.count("invalid_credentials") == 5
    assert codes.count("account_locked") == 7


def test_a_right_guess_that_was_begun_before_the_lock_opens_nothing(core: Core) -> None:
    """A hundred guesses at once: all pass the look at the lock before the fifth failure has set it."""
    user = make_user(core)
    with core.transaction() as db:
        checked = account_by_id(db, user.id)
        assert checked is not None
    for _each in range(5):
        count_failure(core, user.id, None)
    with core.transaction() as db, pytest.raises(Forbidden) as refused:
        service._sign_in(db, core, checked, None)
    assert refused.value.code == "account_locked"
    with core.reader() as connection:
        assert connection.execute(select(UserSession.id)).all() == []


def test_a_lock_is_audited_once_and_survives_the_refusal(core: Core, login: Any) -> None:
    user = make_user(core)
    fail(login, user, 5)
    login(user, WRONG, status=403)
    with core.reader() as db:
        rows = db.execute(select(AuditLog.action, AuditLog.resource_id)).all()
    assert [tuple(row) for row in rows] == [("account.locked", user.id)]


def test_the_current_password_is_guessed_no_more_often(core: Core, app: Client, login: Any) -> None:
    """Who found a screen unlocked has the same five attempts."""
    user = make_user(core)
    client = app.bearer(login(user).json["accessToken"])
    document = {"currentPassword": WRONG, "newPassword": "Another-Passw0rd"}
    for _each in range(5):
        assert client.post_json(f"{AUTH}/change-password", document, status=401).json["code"] == "invalid_credentials"
    document["currentPassword"] = PASSWORD
    assert client.post_json(f"{AUTH}/change-password", document, status=403).json["code"] == "account_locked"


def test_limits_come_from_the_settings(make_app: Any, core: Core) -> None:
    app = make_app(lms__auth__max_failures=1, lms__auth__lock_time=60.0)
    user = make_user(core)
    document = {"email": user.email, "password": WRONG}
    app.post_json(f"{AUTH}/login", document, status=401)
    answer = app.post_json(f"{AUTH}/login", document, status=403)
    assert int(answer.headers["Retry-After"]) <= 60
