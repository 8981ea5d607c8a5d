"""Limits by account: what anybody may ask about one keeps nobody from signing in to it."""

from typing import Any

import pytest

from lms_core.kernel.core import Core
from lms_core.testing.accounts import make_user
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH

ADDRESS = "ada@example.org"
LIMITS = {
    f"lms__ratelimit__{name}_account": f"{most}/hour"
    for name, most in (("login", 1), ("register", 2), ("reset", 3), ("verification", 4))
}
REQUESTS: dict[str, tuple[str, dict[str, str], int, int]] = {
    "login": ("login", {"email": ADDRESS, "password": PASSWORD}, 200, 1),
    "register": (
        "register", {"email": ADDRESS, "password": "Quite-a-long-1", "firstName": "A", "lastName": "B"}, 409, 2,
    ),
    "reset": ("forgot-password", {"email": ADDRESS}, 202, 3),
    "verification": ("resend-verification", {"email": ADDRESS}, 202, 4),
}  # fmt: skip
"""By limit: the path, the body, the status within the limit, and how many that are."""


@pytest.fixture
def limited(core: Core, make_app: Any) -> Client:
    make_user(core, email=ADDRESS)
    client: Client = make_app(lms__ratelimit__enabled=True, lms__ratelimit__auth_address="1000/minute", **LIMITS)
    return client


def exhaust(app: Client, limit: str) -> None:
    path, body, status, most = REQUESTS[limit]
    for _each in range(most):
        app.anonymous().post_json(f"{AUTH}/{path}", body, status=status)
    answer = app.anonymous().post_json(f"{AUTH}/{path}", {**body, "email": ADDRESS.upper()}, status=429)
    assert answer.json["code"] == "too_many_requests"
    assert int(answer.headers["Retry-After"]) > 60


@pytest.mark.parametrize("first", REQUESTS)
def test_each_limit_counts_for_itself(limited: Client, first: str) -> None:
    exhaust(limited, first)
    for other in REQUESTS.keys() - {first}:
        exhaust(limited, other)


def test_who_asks_for_somebody_s_mails_keeps_nobody_from_signing_in(limited: Client) -> None:
    for limit in ("register", "reset", "verification"):
        exhaust(limited, limit)
    assert limited.login(ADDRESS).get("/api/v1/users/me").json["email"] == ADDRESS
