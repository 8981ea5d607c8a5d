"""Passwords forgotten, reset and changed; and what none of it may tell."""

from typing import Any

import pytest
from sqlalchemy import select, update

from lms_core.accounts.models import PasswordReset, User, UserSession
from lms_core.accounts.queries import account_by_id
from lms_core.accounts.recovery.service import change_password
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Unauthorized
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.testing.accounts import bearer, make_user, reload, sign_in
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, STRONG, Mailbox, body


def forget(app: Client, email: str) -> Any:
    return app.post_json(f"{AUTH}/forgot-password", {"email": email}, status=202)


def reset(app: Client, token: str, password: str = STRONG, status: Any = 200) -> Any:
    return app.post_json(f"{AUTH}/reset-password", {"token": token, "password": password}, status=status).json


def test_a_forgotten_password_is_reset_by_mail(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org", must_change_password=True)
    forget(app, "ADA@example.org")
    [mail] = mailbox.to("ada@example.org")
    assert "Hello Ada," in body(mail)
    assert "/reset-password?token=" in body(mail)
    assert "127.0.0.1" in body(mail)

    reset(app, mailbox.token("ada@example.org"))

    login(user, status=401)
    login(user, STRONG)
    assert not reload(core, user).must_change_password
    assert mailbox.to("ada@example.org")[-1]["Subject"] == "Your password was changed"
    with core.reader() as db:
        actions = db.scalars(select(AuditLog.action).order_by(AuditLog.created_at)).all()
    assert actions[:2] == ["password.reset_requested", "password.reset"]


def test_forgetting_tells_nothing(core: Core, app: Client, mailbox: Mailbox, statements: Any) -> None:
    """The same answer after the same statements, whoever it is about; who exists, the worker finds out."""
    make_user(core, email="known@example.org")
    make_user(core, email="gone@example.org", deleted_at=core.clock())
    seen = []
    for address in ("known@example.org", "nobody@example.org", "gone@example.org", "no address at all"):
        with statements() as sent:
            answer = forget(app, address)
        seen.append((answer.json, sent.texts))
    assert all(each == seen[0] for each in seen)
    assert [mail["To"] for mail in mailbox.read()] == ["known@example.org"]


def test_the_token_rests_only_as_a_hash(core: Core, app: Client, mailbox: Mailbox) -> None:
    make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    with core.reader() as db:
        assert token not in str(db.execute(select(PasswordReset.token_hash)).all())
        assert token not in str(db.execute(select(Outbox.payload)).all())


def test_a_link_works_once(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    reset(app, token)
    assert reset(app, token, "Other-Passw0rd", 422)["code"] == "token_invalid"
    login(user, STRONG)


def test_a_link_raced_works_once(core: Core, app: Client, mailbox: Mailbox, at_once: Any) -> None:
    make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    answers = at_once(3, lambda: reset(app.anonymous(), token, status="*"))
    assert sorted(answer.get("code", "ok") for answer in answers) == ["ok", "token_invalid", "token_invalid"]


def test_only_the_last_link_works(core: Core, app: Client, mailbox: Mailbox) -> None:
    make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    first = mailbox.token("ada@example.org")
    forget(app, "ada@example.org")
    second = mailbox.token("ada@example.org")
    reset(app, first, status=422)
    reset(app, second)


def test_an_expired_link_does_nothing(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    with core.transaction() as db:
        db.execute(update(PasswordReset).values(expires_at=core.clock()))
    assert reset(app, token, status=422)["code"] == "token_invalid"
    login(user)


@pytest.mark.parametrize("token", ["x", "x" * 200, "ü", "' OR 1=1"])
def test_a_made_up_link_does_nothing(app: Client, token: str) -> None:
    assert reset(app, token, status=422)["code"] == "token_invalid"


def test_a_weak_password_leaves_the_link_good(core: Core, app: Client, mailbox: Mailbox) -> None:
    make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    for weak in ("short", "x1!X-ada@example.org"):
        answer = reset(app, token, weak, 422)
        assert answer["code"] == "weak_password"
        assert answer["errors"]["password"]
    reset(app, token)


def test_a_reset_ends_every_session(core: Core, app: Client, mailbox: Mailbox) -> None:
    user = make_user(core, email="ada@example.org")
    grants = [sign_in(core, user) for _each in range(2)]
    stranger = bearer(core, make_user(core))
    forget(app, "ada@example.org")
    reset(app, mailbox.token("ada@example.org"))
    for grant in grants:
        app.bearer(grant.access_token).get("/api/v1/users/me", status=401)
        app.post_json(f"{AUTH}/refresh", {"refreshToken": grant.refresh_token}, status=401)
    app.bearer(stranger).get("/api/v1/users/me")


def test_a_reset_lifts_the_lock_and_proves_the_address(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org", email_verified_at=None)
    for _each in range(5):
        login(user, "Wrong-Passw0rd", status=401)
    login(user, status=403)
    forget(app, "ada@example.org")
    reset(app, mailbox.token("ada@example.org"))
    login(user, STRONG)


def test_a_reset_drops_an_address_change_that_a_thief_began(core: Core, app: Client, mailbox: Mailbox) -> None:
    user = make_user(core, email="ada@example.org")
    thief = app.bearer(bearer(core, user))
    thief.put_json("/api/v1/users/me", {"email": "thief@example.org", "currentPassword": PASSWORD})
    link = mailbox.token("thief@example.org")
    forget(app, "ada@example.org")
    reset(app, mailbox.token("ada@example.org"))
    app.post_json(f"{AUTH}/verify-email", {"token": link}, status=422)
    now = reload(core, user)
    assert (now.email, now.pending_email) == ("ada@example.org", None)


def test_a_suspended_account_stays_suspended(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org", suspended_at=core.clock())
    forget(app, "ada@example.org")
    reset(app, mailbox.token("ada@example.org"))
    assert login(user, STRONG, status=403).json["code"] == "account_suspended"


def change(client: Client, current: str = PASSWORD, new: str = STRONG, status: int = 204) -> Any:
    document = {"currentPassword": current, "newPassword": new}
    return client.post_json(f"{AUTH}/change-password", document, status=status)


def test_changing_a_password_ends_the_other_sessions(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core, email="ada@example.org")
    here, there = sign_in(core, user), sign_in(core, user)
    client = app.bearer(here.access_token)

    change(client)

    client.get("/api/v1/users/me")
    app.bearer(there.access_token).get("/api/v1/users/me", status=401)
    app.post_json(f"{AUTH}/refresh", {"refreshToken": here.refresh_token})
    login(user, status=401)
    login(user, STRONG)
    assert [mail["Subject"] for mail in mailbox.to("ada@example.org")] == ["Your password was changed"]
    with core.reader() as db:
        events = db.scalars(select(Outbox.payload).where(Outbox.name == "accounts.password_changed")).all()
    assert events == [{"user_id": str(user.id)}]


def test_changing_a_password_ends_the_links(core: Core, app: Client, mailbox: Mailbox) -> None:
    user = make_user(core, email="ada@example.org")
    forget(app, "ada@example.org")
    token = mailbox.token("ada@example.org")
    change(app.bearer(bearer(core, user)))
    reset(app, token, status=422)


def test_changing_needs_the_current_password(core: Core, app: Client, mailbox: Mailbox, login: Any) -> None:
    user = make_user(core)
    other = sign_in(core, user)
    assert change(app.bearer(bearer(core, user)), "Wrong-Passw0rd", status=401).json["code"] == "invalid_credentials"
    login(user)
    app.bearer(other.access_token).get("/api/v1/users/me")
    assert mailbox.read() == []


@pytest.mark.parametrize("new", ["short", "nouppercase1!", "Same-Passw0rd"])
def test_changing_refuses_weak_passwords_and_the_same_again(core: Core, app: Client, new: str) -> None:
    user = make_user(core, password="Same-Passw0rd")
    answer = change(app.bearer(bearer(core, user)), "Same-Passw0rd", new, 422).json
    assert answer["code"] == "weak_password"
    assert len(answer["errors"]["newPassword"]) >= 1


def test_changing_needs_a_session(app: Client) -> None:
    change(app, status=401)


def test_a_change_begun_before_a_reset_does_not_undo_it(core: Core) -> None:
    """Who knows the old password must not get the account back by being slow."""
    user = make_user(core)
    with core.transaction() as db:
        stale = account_by_id(db, user.id)
        assert stale is not None
    with core.transaction() as db:
        change_password(db, core, stale, user.id, PASSWORD, STRONG, None)
    with core.transaction() as db, pytest.raises(Unauthorized):
        change_password(db, core, stale, user.id, PASSWORD, "Thief-Passw0rd", None)
    assert core.tokens.passwords.verify(STRONG, reload(core, user).password_hash)


def test_a_person_in_no_group_may_still_secure_the_account(core: Core, app: Client) -> None:
    change(app.bearer(bearer(core, make_user(core, groups=()))))


def test_reasons_are_on_record(core: Core, app: Client) -> None:
    user = make_user(core)
    sign_in(core, user)
    change(app.bearer(bearer(core, user)))
    with core.transaction() as db:
        reasons = db.scalars(select(UserSession.revoked_reason)).all()
        assert db.get(User, user.id) is not None
    assert set(reasons) == {None, "password_changed"}
