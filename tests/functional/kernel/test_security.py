"""Credentials: what is believed, what is refused, and from when on a change counts."""

import datetime as dt
import uuid

import jwt
import pytest
from sqlalchemy import update

from lms_core.accounts.models import User, UserGroup, UserSession

ME = "/api/v1/users/me"


def test_a_revoked_session_counts_at_the_next_request(core, student):
    student.client.get(ME)
    with core.transaction() as db:
        db.execute(update(UserSession).values(revoked_at=core.clock()))
    assert student.client.get(ME, status=401).json["code"] == "session_ended"


def test_a_suspended_user_is_out_at_once(core, student):
    with core.transaction() as db:
        db.execute(update(User).values(suspended_at=core.clock()))
    student.client.get(ME, status=401)


def test_a_changed_group_counts_at_the_next_request(core, instructor):
    body = {"code": "A", "title": "A"}
    instructor.client.post_json("/api/v1/courses", body, status=201)
    with core.transaction() as db:
        db.execute(update(UserGroup).values(expires_at=core.clock() - dt.timedelta(seconds=1)))
    instructor.client.post_json("/api/v1/courses", {"code": "B", "title": "B"}, status=403)


@pytest.mark.parametrize("forge", ["none", "key", "kid", "audience", "expired", "garbage", "no_session"])
def test_forged_tokens_are_refused_even_where_all_may_look(app, core, student, forge):
    real = student.client.authorization[1]
    claims = jwt.decode(real, options={"verify_signature": False})
    kid = jwt.get_unverified_header(real)["kid"]
    key = "a-signing-key-that-only-tests-may-know"
    token = {
        "none": lambda: jwt.encode(claims, None, algorithm="none", headers={"kid": kid}),
        "key": lambda: jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"kid": kid}),
        "kid": lambda: jwt.encode(claims, key, algorithm="HS256", headers={"kid": "other"}),
        "audience": lambda: jwt.encode({**claims, "aud": "two_factor"}, key, algorithm="HS256", headers={"kid": kid}),
        "expired": lambda: jwt.encode({**claims, "exp": 1}, key, algorithm="HS256", headers={"kid": kid}),
        "garbage": lambda: "x.y.z",
        "no_session": lambda: jwt.encode(
            {**claims, "sid": claims["sub"]}, key, algorithm="HS256", headers={"kid": kid}
        ),
    }[forge]()
    refused = app.bearer(token).get("/api/v1/courses", status=401)
    assert refused.json["code"] in {"token_invalid", "token_expired", "session_ended"}
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_keys_rotate_without_logging_anyone_out(make_app, core, student):
    old = core.settings.text("lms.jwt.keys")
    rotated = make_app(lms__jwt__keys=f"next:{'n' * 40} {old}").bearer(student.client.authorization[1])
    rotated.get(ME)
    dropped = make_app(lms__jwt__keys=f"next:{'n' * 40}").bearer(student.client.authorization[1])
    assert dropped.get(ME, status=401).json["code"] == "token_invalid"


def test_cookies_need_the_csrf_token_for_what_changes_things(app, core, student):
    token = student.client.authorization[1]
    session = jwt.decode(token, options={"verify_signature": False})["sid"]
    app.set_cookie("lms_access", token)
    app.get(ME)
    body = {"firstName": "Robin"}
    assert app.put_json(ME, body, status=403).json["code"] == "csrf_failed"
    app.put_json(ME, body, headers={"X-CSRF-Token": "0" * 64}, status=403)
    app.put_json(ME, body, headers={"X-CSRF-Token": core.tokens.csrf.issue(uuid.UUID(session))})
