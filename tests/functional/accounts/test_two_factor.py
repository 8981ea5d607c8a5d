"""The second factor: switching it on, signing in with it, and codes that work once."""

import base64
import datetime as dt
from typing import Any

import pyotp
import pytest
from sqlalchemy import update

from lms_core.accounts.models import User
from lms_core.kernel.core import Core
from lms_core.testing.accounts import bearer, make_user, reload
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, STRONG, Mailbox

TWO = f"{AUTH}/two-factor"
STEP = dt.timedelta(seconds=30)


class Phone:
    """An authenticator app with the account's secret, and the account's browser."""

    def __init__(self, core: Core, app: Client, user: User) -> None:
        self.core, self.user = core, user
        self.client = app.bearer(bearer(core, user))
        answer = self.client.post_json(f"{TWO}/enroll", {"password": PASSWORD}).json
        self.secret: str = answer["secret"]
        self.backup_codes: list[str] = []

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps from now."""
        return pyotp.TOTP(self.secret).at(self.core.clock() + steps * STEP)

    def confirm(self) -> "Phone":
        self.backup_codes = self.client.post_json(f"{TWO}/confirm", {"code": self.code()}).json["backupCodes"]
        return self

    def wrong_code(self) -> str:
        """A code of no step around now."""
        right = {self.code(steps) for steps in range(-2, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in right)


@pytest.fixture
def phone(core: Core, app: Client) -> Phone:
    """A phone of an account whose second factor is on. No code of it has been used to sign in."""
    return Phone(core, app, make_user(core)).confirm()


def challenge(login: Any, phone: Phone) -> str:
    answer = login(phone.user, status=401).json
    assert answer["code"] == "two_factor_required"
    return str(answer["challenge"])


def answer(app: Client, challenge: str, code: str, status: Any = 200) -> Any:
    return app.anonymous().post_json(f"{TWO}/verify", {"challenge": challenge, "code": code}, status=status)


def test_enrolling_shows_the_secret_three_ways(core: Core, app: Client) -> None:
    user = make_user(core, email="ada@example.org")
    shown = app.bearer(bearer(core, user)).post_json(f"{TWO}/enroll", {"password": PASSWORD}).json
    parsed = pyotp.parse_uri(shown["otpauthUri"])
    assert (parsed.secret, parsed.name, parsed.issuer) == (shown["secret"], "ada@example.org", "LMS")
    assert base64.b64decode(shown["qrPng"]).startswith(b"\x89PNG\r\n")
    sealed = reload(core, user).two_factor_secret
    assert sealed is not None
    assert shown["secret"] not in sealed
    assert core.tokens.cipher.open(sealed) == shown["secret"]


def test_enrolling_alone_changes_nothing_at_the_login(core: Core, app: Client, login: Any) -> None:
    user = make_user(core)
    Phone(core, app, user)
    assert login(user).json["user"]["twoFactorEnabled"] is False


def test_enrolling_needs_the_password(core: Core, app: Client) -> None:
    client = app.bearer(bearer(core, make_user(core)))
    answer = client.post_json(f"{TWO}/enroll", {"password": "Wrong-Passw0rd"}, status=401)
    assert answer.json["code"] == "invalid_credentials"
    app.post_json(f"{TWO}/enroll", {"password": PASSWORD}, status=401)


def test_confirming_gives_ten_backup_codes_and_a_mail(core: Core, phone: Phone, mailbox: Mailbox) -> None:
    assert len(set(phone.backup_codes)) == 10
    user = reload(core, phone.user)
    assert user.two_factor_enabled
    assert len(user.backup_codes) == 10
    assert not any(code in str(user.backup_codes) for code in phone.backup_codes)
    assert not any(code.replace("-", "") in str(user.backup_codes) for code in phone.backup_codes)
    assert [mail["Subject"] for mail in mailbox.to(user.email)] == ["The second factor is switched on"]


def test_confirming_needs_a_code_of_the_secret(core: Core, app: Client) -> None:
    phone = Phone(core, app, make_user(core))
    answer = phone.client.post_json(f"{TWO}/confirm", {"code": phone.wrong_code()}, status=401)
    assert answer.json["code"] == "invalid_code"
    assert not reload(core, phone.user).two_factor_enabled


def test_the_order_of_things_is_kept(core: Core, app: Client, phone: Phone) -> None:
    for path, document, code in (
        ("enroll", {"password": PASSWORD}, "two_factor_enabled"),
        ("confirm", {"code": phone.code()}, "two_factor_enabled"),
    ):
        assert phone.client.post_json(f"{TWO}/{path}", document, status=409).json["code"] == code
    other = app.bearer(bearer(core, make_user(core)))
    both = {"password": PASSWORD, "code": "123456"}
    for path, document, code in (
        ("confirm", {"code": "123456"}, "two_factor_not_enrolled"),
        ("disable", both, "two_factor_not_enabled"),
        ("backup-codes", both, "two_factor_not_enabled"),
    ):
        assert other.post_json(f"{TWO}/{path}", document, status=409).json["code"] == code


def test_the_password_alone_opens_nothing(app: Client, phone: Phone, login: Any) -> None:
    refused = login(phone.user, status=401)
    assert refused.json["code"] == "two_factor_required"
    assert refused.json["expiresIn"] == 300
    assert "Set-Cookie" not in refused.headers
    token = refused.json["challenge"]
    app.bearer(token).get("/api/v1/users/me", status=401)
    app.post_json(f"{AUTH}/refresh", {"refreshToken": token}, status="4*")


def test_password_and_code_sign_in(app: Client, phone: Phone, login: Any) -> None:
    """The code that confirmed may be the first to sign in with: confirming opened nothing."""
    signed_in = answer(app, challenge(login, phone), phone.code())
    assert signed_in.json["user"]["twoFactorEnabled"] is True
    assert "lms_access" in signed_in.headers["Set-Cookie"] or "lms_access" in str(signed_in.headers)
    app.bearer(signed_in.json["accessToken"]).get("/api/v1/users/me")


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_phone_s_clock_may_be_half_a_minute_off(app: Client, phone: Phone, login: Any, steps: int) -> None:
    answer(app, challenge(login, phone), phone.code(steps))


def test_codes_of_other_times_do_not_fit(app: Client, phone: Phone, login: Any) -> None:
    token = challenge(login, phone)
    for steps in (-3, 3, 100):
        assert answer(app, token, phone.code(steps), 401).json["code"] == "invalid_code"


def test_a_code_works_once_and_none_before_it_does_any_more(app: Client, phone: Phone, login: Any) -> None:
    token = challenge(login, phone)
    code, before = phone.code(), phone.code(-1)
    answer(app, token, code)
    for used in (code, before):
        assert answer(app, token, used, 401).json["code"] == "invalid_code"
    answer(app, challenge(login, phone), phone.code(1))


@pytest.mark.parametrize("kind", ["app", "backup"])
def test_a_code_raced_works_once(app: Client, phone: Phone, login: Any, at_once: Any, kind: str) -> None:
    token = challenge(login, phone)
    code = phone.code() if kind == "app" else phone.backup_codes[0]
    answers = at_once(4, lambda: answer(app, token, code, "*").status_int)
    assert sorted(answers) == [200, 401, 401, 401]


def test_a_backup_code_works_once_however_it_is_typed(app: Client, core: Core, phone: Phone, login: Any) -> None:
    first, second = phone.backup_codes[:2]
    answer(app, challenge(login, phone), first.lower().replace("-", " "))
    answer(app, challenge(login, phone), second.replace("-", ""))
    for used in (first, second):
        assert answer(app, challenge(login, phone), used, 401).json["code"] == "invalid_code"
    assert len(reload(core, phone.user).backup_codes) == 8


def test_somebody_else_s_codes_do_not_fit(core: Core, app: Client, phone: Phone, login: Any) -> None:
    other = Phone(core, app, make_user(core)).confirm()
    token = challenge(login, phone)
    answer(app, token, other.backup_codes[0], 401)
    if other.code() not in {phone.code(steps) for steps in (-1, 0, 1)}:
        answer(app, token, other.code(), 401)
    answer(app, challenge(login, other), other.backup_codes[0])


def test_wrong_codes_lock_the_account_and_the_right_password_between_them_does_not_help(
    app: Client, core: Core, phone: Phone, login: Any
) -> None:
    """Else who has the password could try codes for ever, five at a time."""
    for _each in range(5):
        token = challenge(login, phone)
        assert answer(app, token, phone.wrong_code(), 401).json["code"] == "invalid_code"
    assert answer(app, token, phone.code(), 403).json["code"] == "account_locked"
    assert answer(app, token, phone.backup_codes[0], 403).json["code"] == "account_locked"
    assert login(phone.user, status=403).json["code"] == "account_locked"
    assert len(reload(core, phone.user).backup_codes) == 10


def test_wrong_passwords_and_wrong_codes_count_together(app: Client, phone: Phone, login: Any) -> None:
    for _each in range(2):
        login(phone.user, "Wrong-Passw0rd", status=401)
    for _each in range(3):
        answer(app, challenge(login, phone), phone.wrong_code(), 401)
    login(phone.user, status=403)


def test_a_login_completed_forgets_the_failures(app: Client, core: Core, phone: Phone, login: Any) -> None:
    for _each in range(4):
        answer(app, challenge(login, phone), phone.wrong_code(), 401)
    answer(app, challenge(login, phone), phone.code())
    assert reload(core, phone.user).failed_login_attempts == 0


def test_a_challenge_expires(core: Core, app: Client, phone: Phone, make_app: Any) -> None:
    short = make_app(lms__auth__challenge_ttl=0.0)
    document = {"email": phone.user.email, "password": PASSWORD}
    token = short.post_json(f"{AUTH}/login", document, status=401).json["challenge"]
    assert answer(app, token, phone.code(), 401).json["code"] == "token_expired"


def test_other_tokens_are_no_challenge(core: Core, app: Client, phone: Phone) -> None:
    access = bearer(core, phone.user)
    for token in (access, "nonsense", core.tokens.access.sign("other", {"sub": str(phone.user.id)}, 60)):
        assert answer(app, token, phone.code(), 401).json["code"] == "token_invalid"


def test_a_challenge_ends_with_the_password_it_was_given_for(app: Client, phone: Phone, login: Any) -> None:
    token = challenge(login, phone)
    document = {"currentPassword": PASSWORD, "newPassword": STRONG}
    phone.client.post_json(f"{AUTH}/change-password", document, status=204)
    assert answer(app, token, phone.code(), 401).json["code"] == "token_invalid"


def test_who_is_suspended_meanwhile_does_not_sign_in(app: Client, core: Core, phone: Phone, login: Any) -> None:
    token = challenge(login, phone)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == phone.user.id).values(suspended_at=core.clock()))
    assert answer(app, token, phone.code(), 403).json["code"] == "account_suspended"


def test_disabling_needs_password_and_code(core: Core, phone: Phone, login: Any, mailbox: Mailbox) -> None:
    def disable(password: str, code: str, status: int) -> Any:
        return phone.client.post_json(f"{TWO}/disable", {"password": password, "code": code}, status=status)

    assert disable("Wrong-Passw0rd", phone.code(), 401).json["code"] == "invalid_credentials"
    assert disable(PASSWORD, phone.wrong_code(), 401).json["code"] == "invalid_code"
    disable(PASSWORD, phone.code(), 204)
    user = reload(core, phone.user)
    assert (user.two_factor_enabled, user.two_factor_secret, user.backup_codes) == (False, None, [])
    assert mailbox.to(user.email)[-1]["Subject"] == "The second factor is switched off"
    login(user)


def test_a_lost_phone_is_replaced_with_backup_codes(core: Core, app: Client, phone: Phone) -> None:
    document = {"password": PASSWORD, "code": phone.backup_codes[0]}
    phone.client.post_json(f"{TWO}/disable", document, status=204)
    Phone(core, app, phone.user).confirm()


def test_new_backup_codes_replace_the_old(app: Client, phone: Phone, login: Any) -> None:
    document = {"password": PASSWORD, "code": phone.code()}
    fresh = phone.client.post_json(f"{TWO}/backup-codes", document).json["backupCodes"]
    assert len(set(fresh) - set(phone.backup_codes)) == 10
    answer(app, challenge(login, phone), phone.backup_codes[0], 401)
    answer(app, challenge(login, phone), fresh[0])
    phone.client.post_json(f"{TWO}/backup-codes", document, status=401)


def test_a_reset_of_the_password_leaves_the_second_factor_on(
    app: Client, phone: Phone, login: Any, mailbox: Mailbox
) -> None:
    app.post_json(f"{AUTH}/forgot-password", {"email": phone.user.email}, status=202)
    token = mailbox.token(phone.user.email)
    app.post_json(f"{AUTH}/reset-password", {"token": token, "password": STRONG})
    assert login(phone.user, STRONG, status=401).json["code"] == "two_factor_required"


def test_two_tabs_enrolling_keep_the_secret_that_was_confirmed(core: Core, app: Client) -> None:
    user = make_user(core)
    first = Phone(core, app, user)
    second = Phone(core, app, user)
    first.client.post_json(f"{TWO}/confirm", {"code": first.code()}, status=401)
    second.confirm()
