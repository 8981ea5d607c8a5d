"""Refresh tokens: each works once, a used one ends its session, a made-up one doesn't, and two tabs are no theft."""

import datetime as dt
import threading
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from lms_core.accounts.models import User, UserSession
from lms_core.accounts.signin import sessions
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import AuditLog
from lms_core.testing.accounts import make_user, sign_in
from lms_core.testing.client import Client

from .conftest import AUTH


def refresh(app: Client, token: str, status: Any = 200) -> Any:
    return app.anonymous().post_json(f"{AUTH}/refresh", {"refreshToken": token}, status=status).json


def the_session(core: Core) -> UserSession:
    with core.transaction() as db:
        return db.scalars(select(UserSession)).one()


def end_grace(core: Core) -> None:
    """Let the time go by in which a second tab may come too late."""
    grace = dt.timedelta(seconds=core.settings.seconds("lms.session.refresh_grace"))
    with core.transaction() as db:
        db.execute(update(UserSession).values(token_rotated_at=UserSession.token_rotated_at - grace))


def test_refreshing_gives_new_tokens_of_the_same_session(core: Core, app: Client) -> None:
    user = make_user(core)
    first = sign_in(core, user)
    answer = refresh(app, first.refresh_token)

    assert set(answer) == {"accessToken", "refreshToken", "tokenType", "expiresIn", "csrfToken"}
    assert answer["refreshToken"] != first.refresh_token
    assert app.bearer(answer["accessToken"]).get("/api/v1/users/me").json["id"] == str(user.id)
    assert core.tokens.access.read(answer["accessToken"]).session_id == first.session_id
    assert refresh(app, answer["refreshToken"])["accessToken"]


def test_refreshing_extends_the_session(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    soon = core.clock() + dt.timedelta(minutes=1)
    with core.transaction() as db:
        db.execute(update(UserSession).values(expires_at=soon, last_accessed_at=soon - dt.timedelta(days=6)))
    refresh(app, grant.refresh_token)
    session = the_session(core)
    assert session.expires_at > core.clock() + dt.timedelta(days=6, hours=23)
    assert session.last_accessed_at > core.clock() - dt.timedelta(minutes=1)


def test_a_used_token_ends_its_session(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    answer = refresh(app, grant.refresh_token)
    end_grace(core)

    assert refresh(app, grant.refresh_token, 401)["code"] == "token_reused"
    assert refresh(app, answer["refreshToken"], 401)["code"] == "session_ended"
    for token in (grant.access_token, answer["accessToken"]):
        assert app.bearer(token).get("/api/v1/users/me", status=401).json["code"] == "session_ended"
    assert the_session(core).revoked_reason == "token_reused"
    with core.reader() as db:
        assert db.scalars(select(AuditLog.action)).all() == ["session.token_reused"]


def test_a_token_used_long_ago_ends_its_session_too(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    token = grant.refresh_token
    for _each in range(3):
        token = refresh(app, token)["refreshToken"]
    assert refresh(app, grant.refresh_token, 401)["code"] == "token_reused"
    assert refresh(app, token, 401)["code"] == "session_ended"


def test_a_second_tab_that_comes_after_the_first_is_told_to_wait_and_nothing_ends(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    winner = refresh(app, grant.refresh_token)

    for _each in range(3):
        answer = app.anonymous().post_json(f"{AUTH}/refresh", {"refreshToken": grant.refresh_token}, status=409)
        assert (answer.json["code"], answer.headers["Retry-After"]) == ("refresh_raced", "1")
        assert not {"accessToken", "refreshToken"} & set(answer.json)
        assert "Set-Cookie" not in answer.headers
    assert the_session(core).revoked_at is None
    refresh(app, winner["refreshToken"])


def test_the_grace_is_a_setting(core: Core, make_app: Any) -> None:
    grant = sign_in(core, make_user(core))
    app = make_app(lms__session__refresh_grace=0.0)
    refresh(app, grant.refresh_token)
    assert refresh(app, grant.refresh_token, 401)["code"] == "token_reused"


def test_a_token_older_than_the_one_before_ends_its_session_within_the_grace(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    refresh(app, refresh(app, grant.refresh_token)["refreshToken"])
    assert refresh(app, grant.refresh_token, 401)["code"] == "token_reused"


def made_up(token: str) -> list[str]:
    """What somebody might send who knows no more than a session's id, or half of a token."""
    session, secret, mark = token.split(".")
    return [
        f"{session}.{'a' * 43}", f"{session}.{'a' * 43}.{'0' * 64}", f"{session}.{'a' * 43}.{mark}",
        f"{session}.{secret}.{'0' * 64}", f"{session}.{secret}", f"{uuid.UUID(int=7).hex}.{secret}.{mark}",
    ]  # fmt: skip


def test_a_made_up_token_ends_nothing(core: Core, app: Client) -> None:
    """A session's id is no secret: it stands in every access token."""
    grant = sign_in(core, make_user(core))
    other = sign_in(core, make_user(core))
    taken = f"{grant.session_id.hex}.{other.refresh_token.partition('.')[2]}"
    for token in (*made_up(grant.refresh_token), taken):
        assert refresh(app, token, 401)["code"] == "token_invalid", token
    with core.reader() as db:
        assert db.scalars(select(UserSession.revoked_at)).all() == [None, None]
        assert db.scalars(select(AuditLog.action)).all() == []
    refresh(app, grant.refresh_token)


def test_a_key_taken_away_ends_no_session_and_makes_used_tokens_invalid(core: Core, app: Client, make_app: Any) -> None:
    grant = sign_in(core, make_user(core))
    current = refresh(app, grant.refresh_token)["refreshToken"]
    end_grace(core)
    later = make_app(lms__secret__keys="another-encryption-key-that-only-tests-may-know")
    assert refresh(later, grant.refresh_token, 401)["code"] == "token_invalid"
    refresh(later, current)


def test_a_used_token_ends_no_other_session(core: Core, app: Client) -> None:
    user = make_user(core)
    stolen, other = sign_in(core, user), sign_in(core, user)
    refresh(app, stolen.refresh_token)
    end_grace(core)
    refresh(app, stolen.refresh_token, 401)
    refresh(app, other.refresh_token)


@pytest.mark.parametrize(
    "token", ["x", "", f"{uuid.UUID(int=7).hex}.{'a' * 43}.{'0' * 64}", "é" * 141, f"{'g' * 32}.{'a' * 43}.{'0' * 64}"]
)
def test_what_was_never_a_token_is_invalid(app: Client, core: Core, token: str) -> None:
    sign_in(core, make_user(core))
    expected = 401 if token else 422
    assert refresh(app, token, expected)["code"] in ("token_invalid", "invalid")
    assert the_session(core).revoked_at is None


def test_an_access_token_refreshes_nothing(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    document = {"refreshToken": grant.access_token}
    app.post_json(f"{AUTH}/refresh", document, status="4*")
    assert the_session(core).revoked_at is None


def test_no_token_is_invalid(app: Client) -> None:
    assert app.post_json(f"{AUTH}/refresh", {}, status=401).json["code"] == "token_invalid"


def test_an_expired_session_stays_so(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    with core.transaction() as db:
        db.execute(update(UserSession).values(expires_at=core.clock()))
    assert refresh(app, grant.refresh_token, 401)["code"] == "session_ended"
    assert app.bearer(grant.access_token).get("/api/v1/users/me", status=401).json["code"] == "session_ended"


@pytest.mark.parametrize("column", ["suspended_at", "deleted_at"])
def test_who_is_suspended_or_deleted_refreshes_nothing(core: Core, app: Client, column: str) -> None:
    grant = sign_in(core, make_user(core))
    with core.transaction() as db:
        db.execute(update(User).values(**{column: core.clock()}))
    assert refresh(app, grant.refresh_token, 403)["code"] == "account_suspended"


def test_of_two_at_the_same_instant_one_is_told_so_and_the_session_lives(
    core: Core, app: Client, waits_for_lock: Any
) -> None:
    """The second has read the token as current when the first commits its rotation."""
    grant = sign_in(core, make_user(core))
    refused: list[Exception] = []

    def second() -> None:
        try:
            with core.transaction() as db:
                sessions.refresh(db, core, grant.refresh_token, None)
        except Conflict as error:
            refused.append(error)

    with core.transaction() as db:
        winner = sessions.refresh(db, core, grant.refresh_token, None)
        thread = threading.Thread(target=second)
        thread.start()
        while not waits_for_lock():
            time.sleep(0.01)
    thread.join()

    assert [getattr(error, "code", None) for error in refused] == ["refresh_raced"]
    assert the_session(core).revoked_at is None
    refresh(app, winner.refresh_token)


def test_however_many_try_at_once_one_token_comes_out(core: Core, app: Client, at_once: Any) -> None:
    grant = sign_in(core, make_user(core))
    answers = at_once(6, lambda: refresh(app, grant.refresh_token, "*"))
    codes = [answer.get("code", "ok") for answer in answers]
    assert codes.count("ok") == 1
    assert set(codes) == {"ok", "refresh_raced"}
    assert the_session(core).revoked_at is None


def test_refreshing_needs_few_statements(core: Core, app: Client, statements: Any) -> None:
    grant = sign_in(core, make_user(core))
    with statements() as seen:
        refresh(app, grant.refresh_token)
    assert seen.count == 2, seen


def test_a_key_is_rotated_without_logging_anybody_out(core: Core, make_app: Any, settings: Any) -> None:
    grant = sign_in(core, make_user(core))
    old = settings.text("lms.jwt.keys")
    app = make_app(lms__jwt__keys=f"new:{'n' * 40} {old}")
    app.bearer(grant.access_token).get("/api/v1/users/me")
    without = make_app(lms__jwt__keys=f"new:{'n' * 40}")
    without.bearer(grant.access_token).get("/api/v1/users/me", status=401)
    refresh(without, grant.refresh_token)
