"""The list of one's devices, signing one of them out, and logging out."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import delete, select, update

from lms_core.accounts.models import User, UserGroup, UserSession
from lms_core.accounts.tasks import KEPT, purge
from lms_core.kernel.core import Core
from lms_core.kernel.tasks import TaskContext
from lms_core.testing.accounts import bearer, make_user, sign_in
from lms_core.testing.client import Client

from .conftest import AUTH

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1"
)


def test_one_s_own_live_sessions_are_listed_the_current_marked(core: Core, app: Client, login: Any) -> None:
    user = make_user(core)
    phone = login(user, headers={"User-Agent": PHONE}).json
    current = login(user).json
    sign_in(core, make_user(core))
    ended = sign_in(core, user)
    app.bearer(ended.access_token).post(f"{AUTH}/logout", status=204)

    page = app.bearer(current["accessToken"]).get(f"{AUTH}/sessions").json

    assert (page["total"], page["page"], page["totalIsExact"]) == (2, 1, True)
    assert [item["current"] for item in page["items"]] == [True, False]
    item = page["items"][1]
    assert item["id"] == str(core.tokens.access.read(phone["accessToken"]).session_id)
    assert (item["deviceType"], item["browser"], item["os"], item["ipAddress"]) == (
        "mobile", "Mobile Safari", "iOS", "127.0.0.1"
    )  # fmt: skip
    assert not any("token" in key.lower() or "hash" in key.lower() for key in item)


def test_an_expired_session_is_not_listed(core: Core, app: Client) -> None:
    user = make_user(core)
    old, current = sign_in(core, user), sign_in(core, user)
    with core.transaction() as db:
        db.execute(update(UserSession).where(UserSession.id == old.session_id).values(expires_at=core.clock()))
    assert app.bearer(current.access_token).get(f"{AUTH}/sessions").json["total"] == 1


def test_reads_need_few_statements_whatever_the_page(core: Core, app: Client, statements: Any) -> None:
    user = make_user(core)
    for _each in range(30):
        token = bearer(core, user)
    for limit in (1, 30):
        with statements() as seen:
            assert len(app.bearer(token).get(f"{AUTH}/sessions?limit={limit}").json["items"]) == limit
        assert seen.count == 2, seen


def test_a_device_is_signed_out(core: Core, app: Client) -> None:
    user = make_user(core)
    lost, current = sign_in(core, user), sign_in(core, user)
    client = app.bearer(current.access_token)

    client.delete(f"{AUTH}/sessions/{lost.session_id}", status=204)

    assert app.bearer(lost.access_token).get("/api/v1/users/me", status=401).json["code"] == "session_ended"
    app.post_json(f"{AUTH}/refresh", {"refreshToken": lost.refresh_token}, status=401)
    client.get("/api/v1/users/me")
    client.delete(f"{AUTH}/sessions/{lost.session_id}", status=404)
    with core.transaction() as db:
        session = db.get(UserSession, lost.session_id)
        assert session is not None
        assert session.revoked_reason == "user_revoked"


def test_the_current_session_is_not_revoked_but_logged_out(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    client = app.bearer(grant.access_token)
    assert client.delete(f"{AUTH}/sessions/{grant.session_id}", status=409).json["code"] == "current_session"
    client.get("/api/v1/users/me")


def test_somebody_else_s_session_does_not_exist(core: Core, app: Client) -> None:
    theirs = sign_in(core, make_user(core))
    client = app.bearer(bearer(core, make_user(core, groups=("admin",))))
    for session in (theirs.session_id, uuid.uuid4(), "nonsense"):
        assert client.delete(f"{AUTH}/sessions/{session}", status=404).json["code"] == "not_found"
    app.bearer(theirs.access_token).get("/api/v1/users/me")


def test_nobody_lists_or_revokes_without_signing_in(core: Core, app: Client) -> None:
    session = sign_in(core, make_user(core)).session_id
    app.get(f"{AUTH}/sessions", status=401)
    app.delete(f"{AUTH}/sessions/{session}", status=401)


def test_logging_out_twice_is_no_error(core: Core, app: Client) -> None:
    grant = sign_in(core, make_user(core))
    client = app.bearer(grant.access_token)
    for _each in range(2):
        client.post(f"{AUTH}/logout", status=204)
    client.get("/api/v1/users/me", status=401)
    app.post_json(f"{AUTH}/refresh", {"refreshToken": grant.refresh_token}, status=401)
    with core.transaction() as db:
        assert db.scalars(select(UserSession.revoked_reason)).one() == "user_logout"


def test_logging_out_nobody_is_no_error(app: Client) -> None:
    app.post(f"{AUTH}/logout", status=204)


def test_who_shows_a_bad_token_is_not_told_to_be_logged_out(app: Client) -> None:
    assert app.bearer("nonsense").post(f"{AUTH}/logout", status=401).json["code"] == "token_invalid"


def test_logging_out_leaves_other_devices_alone(core: Core, app: Client) -> None:
    user = make_user(core)
    other = bearer(core, user)
    app.bearer(bearer(core, user)).post(f"{AUTH}/logout", status=204)
    app.bearer(other).get("/api/v1/users/me")


def test_a_group_that_is_taken_away_counts_at_the_next_request(core: Core, app: Client) -> None:
    user = make_user(core)
    client = app.bearer(bearer(core, user))
    assert client.get("/api/v1/users/me").json["groups"] == ["student"]
    with core.transaction() as db:
        db.execute(update(UserGroup).values(expires_at=core.clock()))
    client.get("/api/v1/users/me", status=403)
    with core.transaction() as db:
        db.execute(delete(UserGroup))
    client.get(f"{AUTH}/sessions", status=403)


def test_a_token_of_one_person_with_another_s_session_is_refused(core: Core, app: Client) -> None:
    mine, theirs = make_user(core), sign_in(core, make_user(core))
    forged = core.tokens.access.issue(mine.id, theirs.session_id)
    app.bearer(forged).get("/api/v1/users/me", status=401)


def test_what_ended_long_ago_is_purged(core: Core, registry: Any) -> None:
    user = make_user(core)
    old, expired, recent, live = (sign_in(core, user).session_id for _each in range(4))
    long_ago = core.clock() - KEPT - dt.timedelta(hours=1)
    with core.transaction() as db:
        for session, values in (
            (old, {"revoked_at": long_ago}),
            (expired, {"expires_at": long_ago}),
            (recent, {"revoked_at": core.clock()}),
        ):
            db.execute(update(UserSession).where(UserSession.id == session).values(**values))
    for _twice in range(2):
        purge(TaskContext(registry, core))
    with core.transaction() as db:
        assert set(db.scalars(select(UserSession.id)).all()) == {recent, live}
        assert db.get(User, user.id) is not None
