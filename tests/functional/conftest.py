"""People to test as: each fixture is a signed-in caller of its kind."""

from dataclasses import dataclass
from typing import Any

import pytest

from lms_core.kernel.core import Core
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.client import Client


@dataclass(frozen=True)
class Person:
    """An account and a client that is signed in as it."""

    id: Any
    email: str
    client: Client


@pytest.fixture
def make_person(core: Core, app: Client) -> Any:
    """``make_person("instructor")``: a new account in these groups, signed in."""

    def make(*groups: str, **fields: Any) -> Person:
        user = make_user(core, groups=groups or ("student",), **fields)
        return Person(user.id, user.email, app.bearer(bearer(core, user)))

    return make


@pytest.fixture
def student(make_person: Any) -> Person:
    return make_person("student")


@pytest.fixture
def instructor(make_person: Any) -> Person:
    return make_person("instructor")


@pytest.fixture
def admin(make_person: Any) -> Person:
    return make_person("admin")
