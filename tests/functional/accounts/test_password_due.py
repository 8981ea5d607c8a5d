"""Who has to change the password may do that, and nothing before it."""

import re
from typing import Any

import pytest
from sqlalchemy import update

from lms_core.accounts.models import User
from lms_core.kernel.core import Core
from lms_core.kernel.openapi import operations
from lms_core.kernel.openapi.parameters import path_parameter
from lms_core.testing.accounts import make_user, reload
from lms_core.testing.client import PASSWORD, Client

from .conftest import AUTH, STRONG

ME = "/api/v1/users/me"
OPEN = {("get", ME), ("post", f"{AUTH}/change-password")}


@pytest.fixture
def user(core: Core) -> User:
    return make_user(core, groups=("super_admin",), must_change_password=True)


def test_login_says_so_and_everything_else_is_refused(core: Core, app: Client, registry: Any, user: User) -> None:
    """Every operation there is, by somebody who is otherwise allowed everything."""
    answer = app.post_json(f"{AUTH}/login", {"email": user.email, "password": PASSWORD}).json
    assert answer["user"]["mustChangePassword"] is True
    client = app.bearer(answer["accessToken"])
    refused = [each for each in operations(registry) if not each.public and (each.method, each.path) not in OPEN]
    assert len(refused) > 30
    for operation in refused:
        path = re.sub(r"{(\w+)}", lambda found: str(path_parameter(found[1])["example"]), operation.path)
        answer = client.request(path, method=operation.method.upper(), status=403)
        assert answer.headers["Content-Type"] == "application/problem+json"
        if operation.method != "head":
            assert answer.json["code"] == "password_change_required", (operation.method, operation.path)


def test_changing_it_opens_the_rest(core: Core, app: Client, user: User) -> None:
    client = app.login(user.email)
    assert client.get(ME).json["mustChangePassword"] is True
    for new, code in ((PASSWORD, "weak_password"), ("short", "weak_password")):
        change = {"currentPassword": PASSWORD, "newPassword": new}
        assert client.post_json(f"{AUTH}/change-password", change, status=422).json["code"] == code
    client.get(f"{AUTH}/sessions", status=403)

    client.post_json(f"{AUTH}/change-password", {"currentPassword": PASSWORD, "newPassword": STRONG}, status=204)
    assert reload(core, user).must_change_password is False
    assert client.get(f"{AUTH}/sessions").json["total"] == 1


def test_refresh_and_logout_stay_open(core: Core, app: Client, user: User) -> None:
    tokens = app.post_json(f"{AUTH}/login", {"email": user.email, "password": PASSWORD}).json
    again = app.anonymous().post_json(f"{AUTH}/refresh", {"refreshToken": tokens["refreshToken"]}).json
    client = app.bearer(again["accessToken"])
    client.put_json(ME, {"firstName": "Eve"}, status=403)
    client.post(f"{AUTH}/logout", status=204)
    client.get(ME, status=401)


def test_it_counts_at_the_next_request(core: Core, app: Client) -> None:
    user = make_user(core)
    client = app.login(user.email)
    client.get("/api/v1/courses")
    with core.transaction() as db:
        db.execute(update(User).values(must_change_password=True))
    assert client.get("/api/v1/courses", status=403).json["code"] == "password_change_required"
    app.get("/api/v1/courses")


def test_a_bad_token_is_still_a_bad_token(app: Client) -> None:
    assert app.bearer("x").get(f"{AUTH}/sessions", status=401).json["code"] == "token_invalid"
