"""What the commands that deal with accounts share, the administrator of a first start included."""

import datetime as dt
import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Select, Text, delete, exists, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from lms_core.accounts.fields import EmailAddress
from lms_core.accounts.models import Group, PasswordReset, User, UserGroup
from lms_core.accounts.queries import LIVING, Account
from lms_core.accounts.recovery.service import reset_password
from lms_core.accounts.service import add_to_groups, create_user
from lms_core.cli.failures import CommandError
from lms_core.cli.up.banner import Administrator
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.tokens import hash_token, new_token

Accounts = Select[*tuple[Any, ...]]
DEFAULT_EMAIL = "admin@example.org"
_SIGNS = "".join(sign for sign in string.ascii_letters + string.digits if sign not in "Il1O0o")
"""Those that cannot be mistaken for each other when a password is copied by hand."""


def new_password() -> str:
    """A random one that fulfils every rule: three groups of six signs, about 104 bits."""
    while True:
        password = "-".join("".join(secrets.choice(_SIGNS) for _sign in range(6)) for _group in range(3))
        if all(any(fits(sign) for sign in password) for fits in (str.islower, str.isupper, str.isdigit)):
            return password


def valid_email(text: str) -> str:
    """The address as registration would take it. Raises CommandError."""
    try:
        return str(EmailAddress().deserialize(text))
    except ValidationError:
        raise CommandError(f"{text!r} is not an e-mail address") from None


def first_administrator(core: Core, environ: Mapping[str, str]) -> Administrator | None:
    """Where there is no account at all, make one from LMS_ADMIN_EMAIL and LMS_ADMIN_PASSWORD, or generate them."""
    with core.transaction() as db:
        if db.scalar(select(exists().select_from(User))):
            return None
        email = valid_email(environ.get("LMS_ADMIN_EMAIL") or DEFAULT_EMAIL)
        given = environ.get("LMS_ADMIN_PASSWORD")
        password = given or new_password()
        create_user(
            db, core, email=email, password=password, first_name="System", last_name="Administrator",
            groups=("super_admin",), email_verified=True,
        )  # fmt: skip
    return Administrator(email, password, generated=not given)


def accounts(group: str | None) -> Accounts:
    """The accounts that are not deleted, by address, each with the names of its groups."""
    names = (
        select(Group.name)
        .join(UserGroup, UserGroup.group_id == Group.id)
        .where(UserGroup.user_id == User.id)
        .order_by(Group.priority.desc(), Group.name)
        .correlate(User)
    )
    columns = (User.id, User.email, User.first_name, User.last_name)
    states = (User.email_verified, User.suspended_at, User.is_active)
    groups = func.array(names.scalar_subquery(), type_=ARRAY(Text)).label("groups")
    statement: Accounts = select(*columns, *states, groups)
    if group is not None:
        statement = statement.where(names.where(Group.name == group).exists())
    return statement.where(LIVING).order_by(func.lower(User.email))


def set_password(db: Session, core: Core, account: Account, password: str) -> None:
    """As if the account's owner had followed a reset link. Raises 422 ``weak_password``."""
    token = new_token()
    expires = core.clock() + dt.timedelta(minutes=1)
    db.execute(insert(PasswordReset).values(user_id=account.id, token_hash=hash_token(token), expires_at=expires))
    reset_password(db, core, token, password, None)


def change_groups(db: Session, account: Account, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Put the account into groups and take it out of others; answers those it is in then.

    Raises 422 ``unknown_group``; to leave a group one is not in is no error.
    """
    membership = select(Group.name).join(UserGroup, UserGroup.group_id == Group.id)
    current = membership.where(UserGroup.user_id == account.id).order_by(Group.name)
    before = list(db.scalars(current))
    add_to_groups(db, account.id, [name for name in dict.fromkeys(add) if name not in before])
    left = select(Group.id).where(Group.name.in_(remove))
    db.execute(delete(UserGroup).where(UserGroup.user_id == account.id, UserGroup.group_id.in_(left)))
    after = list(db.scalars(current))
    if after != before:
        audit(db, None, "user.groups_changed", "user", account.id, old={"groups": before}, new={"groups": after})
    return after
