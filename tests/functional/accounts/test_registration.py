"""Registration, the verification link, and what neither may give away."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.events import VerificationRequested
from lms_core.accounts.models import Group, User, UserGroup
from lms_core.accounts.registration.service import resend_verification
from lms_core.kernel.core import Core
from lms_core.kernel.models import Outbox
from lms_core.testing.accounts import make_user, reload
from lms_core.testing.client import Client

from .conftest import AUTH, STRONG, Mailbox, body

ADA = {"email": "ada@example.org", "password": STRONG, "firstName": "Ada", "lastName": "Lovelace"}


def register(app: Client, status: Any = 201, **changes: Any) -> Any:
    return app.post_json(f"{AUTH}/register", {**ADA, **changes}, status=status)


def find(core: Core, email: str) -> User:
    with core.transaction() as db:
        return db.scalars(select(User).where(User.email == email)).one()


def test_a_new_account_is_unverified_and_a_student(app: Client, core: Core) -> None:
    answer = register(app)

    assert answer.headers["Location"].endswith("/api/v1/users/me")
    assert answer.json["email"] == "ada@example.org"
    assert answer.json["emailVerified"] is False
    assert "ada@example.org" in answer.json["message"]
    assert "Set-Cookie" not in answer.headers
    assert not {"accessToken", "password", "passwordHash"} & set(answer.json)
    user = find(core, "ada@example.org")
    assert user.password_hash.startswith("$bcrypt-sha256$")
    with core.reader() as db:
        groups = db.scalars(select(Group.name).join(UserGroup).where(UserGroup.user_id == user.id)).all()
    assert groups == ["student"]


def test_the_mail_carries_the_link_that_verifies(app: Client, core: Core, mailbox: Mailbox, login: Any) -> None:
    register(app)
    assert login("ada@example.org", STRONG, status=403).json["code"] == "email_not_verified"

    [mail] = mailbox.to("ada@example.org")
    assert "/verify-email?token=" in body(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert mailbox.token("ada@example.org") in html.get_content()
    answer = app.post_json(f"{AUTH}/verify-email", {"token": mailbox.token("ada@example.org")}).json

    assert answer == {"email": "ada@example.org", "emailVerified": True}
    assert login("ada@example.org", STRONG).json["user"]["emailVerified"] is True


def test_the_token_rests_only_as_a_hash(app: Client, core: Core, mailbox: Mailbox) -> None:
    register(app)
    token = mailbox.token("ada@example.org")
    assert token not in str(vars(find(core, "ada@example.org")))
    with core.reader() as db:
        assert token not in str(db.execute(select(Outbox.payload)).all())


def test_a_link_works_once(app: Client, mailbox: Mailbox) -> None:
    register(app)
    token = mailbox.token("ada@example.org")
    app.post_json(f"{AUTH}/verify-email", {"token": token})
    answer = app.post_json(f"{AUTH}/verify-email", {"token": token}, status=422).json
    assert answer["code"] == "token_invalid"
    assert "token" in answer["errors"]


def test_links_raced_verify_once(app: Client, mailbox: Mailbox, at_once: Any) -> None:
    register(app)
    token = mailbox.token("ada@example.org")
    answers = at_once(4, lambda: app.anonymous().post_json(f"{AUTH}/verify-email", {"token": token}, status="*"))
    assert sorted(answer.status_int for answer in answers) == [200, 422, 422, 422]


def test_an_expired_link_does_not_verify(app: Client, core: Core, mailbox: Mailbox) -> None:
    register(app)
    token = mailbox.token("ada@example.org")
    with core.transaction() as db:
        db.execute(update(User).values(email_verification_expires_at=core.clock()))
    app.post_json(f"{AUTH}/verify-email", {"token": token}, status=422)
    assert not find(core, "ada@example.org").email_verified


@pytest.mark.parametrize("address", ["ada@example.org", "ADA@Example.ORG", " ada@example.org "])
def test_an_address_registers_once_whatever_its_case(app: Client, address: str) -> None:
    register(app)
    assert register(app, 409, email=address).json["code"] == "email_taken"


def test_one_of_those_who_register_at_once_gets_the_address(app: Client, core: Core, at_once: Any) -> None:
    answers = at_once(4, lambda: register(app.anonymous(), "*").status_int)
    assert sorted(answers) == [201, 409, 409, 409]
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_the_address_of_a_deleted_account_is_free(app: Client, core: Core) -> None:
    make_user(core, email="ada@example.org", deleted_at=core.clock())
    register(app)


@pytest.mark.parametrize(
    ("password", "rules"),
    [
        ("Sh0rt!", 1), ("nouppercase1!", 1), ("NOLOWERCASE1!", 1), ("NoDigits!!", 1), ("NoSpecial11", 1), ("", 5),
        ("X1!ada@example.org", 1), ("X1!ADA@EXAMPLE.ORG.a", 1),
    ],
)  # fmt: skip
def test_weak_passwords_are_told_each_rule(app: Client, core: Core, password: str, rules: int) -> None:
    answer = register(app, 422, password=password).json
    assert answer["code"] == "weak_password"
    assert len(answer["errors"]["password"]) == rules
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"), ("email", "a@b"), ("email", "a b@example.org"), ("email", '"a b"@example.org'),
        ("email", "a@example.org\nBcc: b@example.org"), ("email", "a" * 250 + "@example.org"),
        ("email", "ä@example.org"), ("email", ["a@example.org"]), ("email", None), ("firstName", ""),
        ("firstName", "  "), ("firstName", "x" * 101), ("lastName", "a\x00b"), ("password", "Abc1!\x00defg"),
        ("password", "Aa1!" + "x" * 1021), ("password", 12345678), ("isActive", True), ("groups", ["admin"]),
        ("emailVerified", True),
    ],
)  # fmt: skip
def test_bad_values_are_refused_by_field(app: Client, field: str, value: Any) -> None:
    answer = register(app, 422, **{field: value}).json
    assert answer["code"] == "invalid"
    assert list(answer["errors"]) == [field]


def test_a_domain_is_the_same_in_either_script(app: Client, core: Core) -> None:
    register(app, email="ada@BÜCHER.example")
    assert find(core, "ada@xn--bcher-kva.example")
    register(app, 409, email="ada@xn--bcher-kva.example")


def test_a_password_is_the_same_however_it_was_typed(app: Client, mailbox: Mailbox, login: Any) -> None:
    """One keyboard sends a letter with its accent as one character, another as two."""
    register(app, password="Caf\u00e9-au-lait-1")
    app.post_json(f"{AUTH}/verify-email", {"token": mailbox.token("ada@example.org")})
    login("ada@example.org", "Cafe\u0301-au-lait-1")


def test_only_listed_domains_register(make_app: Any) -> None:
    app = make_app(lms__auth__email_domains=("example.org", "Uni.example"))
    register(app)
    register(app, email="bob@uni.example")
    for address in ("eve@evil.example", "eve@notexample.org", "eve@sub.example.org"):
        assert register(app, 422, email=address).json["code"] == "email_domain_not_allowed"


def test_registering_speaks_the_language_that_was_asked_for(app: Client, core: Core) -> None:
    register(app)
    assert find(core, "ada@example.org").preferred_language == "en"


def test_a_stranger_cannot_send_texts_through_the_verification_mail(app: Client, mailbox: Mailbox) -> None:
    register(app, firstName="Win a prize at evil.example")
    [mail] = mailbox.to("ada@example.org")
    assert "evil.example" not in mail.as_string()


def test_user_registered_is_published_once(app: Client, core: Core) -> None:
    user_id = register(app).json["id"]
    with core.reader() as db:
        payloads = db.scalars(select(Outbox.payload).where(Outbox.name == "accounts.user_registered")).all()
    assert payloads == [{"user_id": user_id}]


def test_resending_replaces_the_link(app: Client, mailbox: Mailbox) -> None:
    register(app)
    first = mailbox.token("ada@example.org")
    app.post_json(f"{AUTH}/resend-verification", {"email": "Ada@example.org"}, status=202)
    second = mailbox.token("ada@example.org")
    assert first != second
    app.post_json(f"{AUTH}/verify-email", {"token": first}, status=422)
    app.post_json(f"{AUTH}/verify-email", {"token": second})


def test_a_resend_under_way_waits_for_a_change_of_address(
    app: Client, core: Core, mailbox: Mailbox, login: Any, waits_for_lock: Any
) -> None:
    """Whoever reads the mailbox of one address must not come to verify another."""
    user = make_user(core, email="ada@example.org", pending_email="first@example.org")
    request = VerificationRequested(email="ada@example.org")
    with core.transaction() as db:
        db.execute(update(User).where(User.id == user.id).values(pending_email="second@example.org"))
        thread = threading.Thread(target=resend, args=(core, request))
        thread.start()
        while not waits_for_lock():
            time.sleep(0.01)
    thread.join()

    assert [mail["To"] for mail in mailbox.read()] == ["second@example.org"]
    answer = app.post_json(f"{AUTH}/verify-email", {"token": mailbox.token("second@example.org")})
    assert answer.json["email"] == "second@example.org"


def resend(core: Core, request: VerificationRequested) -> None:
    with core.transaction() as db:
        delivery: Any = SimpleNamespace(db=db, core=core)
        resend_verification(delivery, request)


def test_a_link_verifies_no_address_but_the_one_it_was_mailed_to(app: Client, core: Core, mailbox: Mailbox) -> None:
    user = make_user(core, email="ada@example.org", pending_email="first@example.org")
    app.post_json(f"{AUTH}/resend-verification", {"email": "ada@example.org"}, status=202)
    token = mailbox.token("first@example.org")
    with core.transaction() as db:
        db.execute(update(User).values(pending_email="second@example.org"))

    assert app.post_json(f"{AUTH}/verify-email", {"token": token}, status=422).json["code"] == "token_invalid"
    assert (reload(core, user).email, reload(core, user).pending_email) == ("ada@example.org", "second@example.org")


def test_a_link_to_the_own_address_leaves_a_pending_one_pending(app: Client, core: Core, mailbox: Mailbox) -> None:
    user = make_user(core, email="ada@example.org", email_verified_at=None)
    app.post_json(f"{AUTH}/resend-verification", {"email": "ada@example.org"}, status=202)
    token = mailbox.token("ada@example.org")
    with core.transaction() as db:
        db.execute(update(User).values(pending_email="other@example.org"))

    app.post_json(f"{AUTH}/verify-email", {"token": token})
    account = reload(core, user)
    assert (account.email, account.email_verified, account.pending_email) == (
        "ada@example.org", True, "other@example.org",
    )  # fmt: skip
    assert len(mailbox.read()) == 1


def test_resending_tells_nothing(app: Client, core: Core, mailbox: Mailbox, statements: Any) -> None:
    """Known or not, verified or not: the same answer, after the same work."""
    make_user(core, email="verified@example.org")
    make_user(core, email="unverified@example.org", email_verified_at=None)
    seen = []
    for address in ("verified@example.org", "unverified@example.org", "nobody@example.org", "no address at all"):
        with statements() as sent:
            answer = app.post_json(f"{AUTH}/resend-verification", {"email": address}, status=202)
        seen.append((answer.json, sent.texts))
    assert all(each == seen[0] for each in seen)
    assert [mail["To"] for mail in mailbox.read()] == ["unverified@example.org"]


def test_a_deleted_account_cannot_be_verified(app: Client, core: Core, mailbox: Mailbox) -> None:
    register(app)
    token = mailbox.token("ada@example.org")
    user = find(core, "ada@example.org")
    with core.transaction() as db:
        db.execute(update(User).values(deleted_at=core.clock()))
    app.post_json(f"{AUTH}/verify-email", {"token": token}, status=422)
    assert not reload(core, user).email_verified
