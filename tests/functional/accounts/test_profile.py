"""``/users/me``: reading and editing one's own account."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from lms_core.accounts.models import User
from lms_core.files.models import FileUpload
from lms_core.kernel.core import Core
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.notifications.models import NotificationPreference
from lms_core.testing.accounts import bearer, make_user, reload
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, Mailbox, body

ME = "/api/v1/users/me"


@pytest.fixture
def ada(core: Core) -> User:
    return make_user(core, email="ada@example.org", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def client(core: Core, app: Client, ada: User) -> Client:
    return app.bearer(bearer(core, ada))


def test_one_reads_oneself(core: Core, app: Client, statements: Any) -> None:
    user = make_user(core, groups=("student", "instructor"), first_name="Ada", last_name="Lovelace")
    client = app.bearer(bearer(core, user))
    with statements() as seen:
        me = client.get(ME).json
    assert seen.count == 2, seen
    assert (me["fullName"], me["timezone"], me["preferredLanguage"]) == ("Ada Lovelace", "UTC", "en")
    assert me["groups"] == ["instructor", "student"]
    assert me["permissions"] == sorted(set(me["permissions"]))
    assert "courses:create:own" in me["permissions"]
    assert me["lastLoginAt"] is None
    secret = ("hash", "secret", "backup", "failed", "metadata", "extra", "deleted")
    assert not any(word in key.lower() for key in me for word in secret)


def test_nobody_has_no_profile(app: Client) -> None:
    answer = app.get(ME, status=401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    app.put_json(ME, {"firstName": "Eve"}, status=401)


def test_one_edits_oneself(core: Core, client: Client, ada: User) -> None:
    changes = {
        "firstName": " Augusta ", "displayName": "Countess", "bio": "Line one\nline two", "phone": "+43 (1) 234-56/7",
        "dateOfBirth": "1915-12-10", "gender": "female", "country": "GB", "timezone": "Europe/London",
        "preferredLanguage": "en-GB",
    }  # fmt: skip
    me = client.put_json(ME, changes).json
    assert {key: me[key] for key in changes} == {**changes, "firstName": "Augusta"}
    assert me["fullName"] == "Augusta Lovelace"
    assert client.get(ME).json == me

    with core.reader() as db:
        row = db.execute(select(AuditLog.old_values, AuditLog.new_values, AuditLog.user_id)).one()
        events = db.scalars(select(Outbox.name)).all()
    assert (row.old_values["first_name"], row.new_values["first_name"]) == ("Ada", "Augusta")
    assert row.new_values["date_of_birth"] == "1915-12-10"
    assert row.user_id == ada.id
    assert events == ["accounts.profile_changed"]


def test_what_is_left_out_stays_and_null_clears(client: Client) -> None:
    client.put_json(ME, {"bio": "Words", "phone": "12345"})
    me = client.put_json(ME, {"bio": None}).json
    assert (me["bio"], me["phone"]) == (None, "12345")


def test_an_edit_that_changes_nothing_leaves_no_trace(core: Core, client: Client) -> None:
    client.put_json(ME, {"firstName": "Ada", "email": "ADA@example.org"})
    with core.reader() as db:
        assert db.execute(select(AuditLog.id)).all() == []
        assert db.execute(select(Outbox.id)).all() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("firstName", ""), ("firstName", None), ("lastName", "x" * 101), ("displayName", "a\x00"), ("bio", "x" * 5001),
        ("phone", "call me"), ("phone", "12"), ("phone", "+1234567890123456"), ("dateOfBirth", "2999-01-01"),
        ("dateOfBirth", "1815-12-10"), ("dateOfBirth", "yesterday"), ("country", "gb"), ("country", "XX"),
        ("country", "GBR"), ("timezone", "Mars/Olympus"), ("timezone", "../etc/passwd"), ("timezone", "Europe"),
        ("timezone", ""), ("timezone", None), ("preferredLanguage", "English"), ("preferredLanguage", "e"),
        ("email", "nobody"), ("email", None), ("avatarUrl", "http://evil.example/x.png"), ("groups", ["admin"]),
        ("isActive", False), ("emailVerified", True), ("password", "x"), ("id", "1"), ("mustChangePassword", False),
    ],
)  # fmt: skip
def test_bad_values_are_refused_by_field(core: Core, client: Client, ada: User, field: str, value: Any) -> None:
    answer = client.put_json(ME, {field: value, "gender": "other"}, status=422).json
    assert answer["code"] == "invalid"
    assert list(answer["errors"]) == [field]
    assert reload(core, ada).gender is None


def test_a_stale_edit_is_refused(client: Client) -> None:
    first = client.get(ME)
    client.put_json(ME, {"bio": "mine"}, headers={"If-Match": first.headers["ETag"]})
    stale = client.put_json(ME, {"bio": "theirs"}, headers={"If-Match": first.headers["ETag"]}, status=412)
    assert stale.json["code"] in ("stale", "precondition_failed")
    assert client.get(ME).json["bio"] == "mine"


def test_of_two_edits_of_one_version_one_is_applied(client: Client, at_once: Any) -> None:
    tag = client.get(ME).headers["ETag"]
    token = client.authorization[1]

    def edit() -> int:
        document = {"bio": f"at {dt.datetime.now(dt.UTC)}"}
        answer = client.bearer(token).put_json(ME, document, headers={"If-Match": tag}, status="*")
        return int(answer.status_int)

    assert sorted(at_once(4, edit)) == [200, 412, 412, 412]


def test_a_new_address_waits_until_it_is_verified(
    core: Core, client: Client, ada: User, mailbox: Mailbox, login: Any
) -> None:
    me = client.put_json(ME, {"email": "Countess@example.org", "currentPassword": PASSWORD}).json
    assert (me["email"], me["pendingEmail"], me["emailVerified"]) == ("ada@example.org", "Countess@example.org", True)
    [notice] = mailbox.to("ada@example.org")
    assert "Countess@example.org" in body(notice)
    assert "token=" not in body(notice)
    login("ada@example.org")
    login("countess@example.org", status=401)

    client.post_json(f"{AUTH}/verify-email", {"token": mailbox.token("Countess@example.org")})

    me = client.get(ME).json
    assert (me["email"], me["pendingEmail"], me["emailVerified"]) == ("Countess@example.org", None, True)
    login("countess@example.org")
    login("ada@example.org", status=401)
    assert mailbox.to("ada@example.org")[-1]["Subject"] == "Your e-mail address was changed"


def test_the_link_to_a_new_address_can_be_sent_again(client: Client, mailbox: Mailbox) -> None:
    client.put_json(ME, {"email": "new@example.org", "currentPassword": PASSWORD})
    first = mailbox.token("new@example.org")
    client.post_json(f"{AUTH}/resend-verification", {"email": "ada@example.org"}, status=202)
    assert mailbox.token("new@example.org") != first


def test_a_new_address_needs_the_password(core: Core, client: Client, ada: User, mailbox: Mailbox) -> None:
    changes = {"email": "thief@example.org", "firstName": "Eve"}
    missing = client.put_json(ME, changes, status=422).json
    assert (missing["code"], list(missing["errors"])) == ("password_required", ["currentPassword"])
    wrong = client.put_json(ME, {**changes, "currentPassword": "Wrong-Passw0rd"}, status=401).json
    assert wrong["code"] == "invalid_credentials"
    user = reload(core, ada)
    assert (user.pending_email, user.first_name, user.failed_login_attempts) == (None, "Ada", 1)
    assert mailbox.read() == []


def test_a_wrong_password_with_if_match_is_counted_and_not_stuck(core: Core, client: Client, ada: User) -> None:
    """The failure is counted on a connection of its own, which must not wait for a row that this request holds."""
    tag = client.get(ME).headers["ETag"]
    changes = {"email": "new@example.org", "currentPassword": "Wrong-Passw0rd"}
    client.put_json(ME, changes, headers={"If-Match": tag}, status=401)
    assert reload(core, ada).failed_login_attempts == 1


def test_an_address_that_is_taken_is_refused(core: Core, client: Client) -> None:
    make_user(core, email="taken@example.org")
    changes = {"email": "TAKEN@example.org", "currentPassword": PASSWORD}
    assert client.put_json(ME, changes, status=409).json["code"] == "email_taken"


def test_an_address_taken_before_the_link_was_followed_is_not_taken_away(
    core: Core, client: Client, ada: User, mailbox: Mailbox
) -> None:
    client.put_json(ME, {"email": "new@example.org", "currentPassword": PASSWORD})
    other = make_user(core, email="new@example.org")
    token = mailbox.token("new@example.org")
    assert client.post_json(f"{AUTH}/verify-email", {"token": token}, status=409).json["code"] == "email_taken"
    assert reload(core, other).email == "new@example.org"
    assert reload(core, ada).email == "ada@example.org"


def test_a_pending_address_blocks_nobody(app: Client, client: Client) -> None:
    """Else anybody could keep an address from its owner by naming it."""
    client.put_json(ME, {"email": "victim@example.org", "currentPassword": PASSWORD})
    person = {"email": "victim@example.org", "password": "Str0ng-enough!", "firstName": "V", "lastName": "W"}
    app.post_json(f"{AUTH}/register", person, status=201)


def test_a_new_address_is_of_a_domain_that_is_allowed(core: Core, make_app: Any, ada: User) -> None:
    app = make_app(lms__auth__email_domains=("example.org",)).bearer(bearer(core, ada))
    changes = {"email": "ada@evil.example", "currentPassword": PASSWORD}
    assert app.put_json(ME, changes, status=422).json["code"] == "email_domain_not_allowed"


def test_the_profile_shows_preferences_and_storage(core: Core, app: Client, statements: Any) -> None:
    user = make_user(core)
    client = app.bearer(bearer(core, user))
    mine = client.get("/api/v1/users/me").json
    assert mine["storageUsedBytes"] == 0
    assert mine["notificationPreferences"] == {
        "emailEnabled": True, "emailFrequency": "immediate", "pushEnabled": True, "smsEnabled": False,
        "preferences": {}, "quietHoursStart": None, "quietHoursEnd": None,
    }  # fmt: skip
    with core.transaction() as db:
        db.add(NotificationPreference(user_id=user.id, email_enabled=False, quiet_hours_start=dt.time(22)))
        db.add(FileUpload(uploaded_by=user.id, file_name="a", file_size=7, file_type="text", storage_path="a"))
    with statements() as seen:
        mine = client.get("/api/v1/users/me").json
    assert seen.count <= 2, seen
    assert (mine["storageUsedBytes"], mine["notificationPreferences"]["emailEnabled"]) == (7, False)
    assert mine["notificationPreferences"]["quietHoursStart"] == "22:00:00"
