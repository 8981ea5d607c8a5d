"""Factories for accounts: people, and the tokens of sessions that are really theirs."""

import functools
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.service import DEFAULT_GROUP, add_to_groups, insert_user
from lms_core.accounts.signin.sessions import Grant, open_session
from lms_core.kernel.core import Core
from lms_core.kernel.tokens import Passwords
from lms_core.testing.client import PASSWORD


def make_user(core: Core, groups: Sequence[str] = (DEFAULT_GROUP,), **fields: Any) -> User:
    """A verified account in these groups; its password is ``PASSWORD`` and ``fields`` are columns of its own.

    Nothing is published: no mail goes out, no subscriber hears of it.
    """
    with core.transaction() as db:
        return add_user(db, core, groups, **fields)


def add_user(db: Session, core: Core, groups: Sequence[str] = (DEFAULT_GROUP,), **fields: Any) -> User:
    """:func:`make_user` in a transaction that is open already."""
    number = uuid.uuid4().hex[:10]
    values = {
        "email": f"person-{number}@example.com",
        "password_hash": _hash(core.tokens.passwords, fields.pop("password", PASSWORD)),
        "first_name": "Ada",
        "last_name": f"Person {number}",
        "email_verified_at": core.clock(),
    }
    user = insert_user(db, {**values, **fields})
    add_to_groups(db, user.id, groups)
    return user


@functools.lru_cache(maxsize=16)
def _hash(passwords: Passwords, password: str) -> str:
    """The same password is hashed once: even a cheap hash would be most of a test's time."""
    return passwords.hash(password)


def sign_in(core: Core, user: User | uuid.UUID) -> Grant:
    """A session of the account's and its tokens, without a password."""
    with core.transaction() as db:
        return open_session(db, core, user if isinstance(user, uuid.UUID) else user.id, None)


def bearer(core: Core, user: User | uuid.UUID) -> str:
    """An access token for :meth:`lms_core.testing.client.Client.bearer`, of a session of its own."""
    return sign_in(core, user).access_token


def reload(core: Core, user: User) -> User:
    """The account as it stands in the database now."""
    with core.transaction() as db:
        return db.scalars(select(User).where(User.id == user.id)).one()
