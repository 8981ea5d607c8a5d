"""Making accounts: what registration, the command line, imports and tests share."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.accounts.events import UserRegistered
from lms_core.accounts.models import Group, User, UserGroup
from lms_core.accounts.passwords import check_strength, normal_form
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _

DEFAULT_GROUP = "student"


def email_taken() -> Conflict:
    return Conflict("email_taken", _("An account with this e-mail address exists."))


def create_user(
    db: Session,
    core: Core,
    *,
    email: str,
    password: str,
    first_name: str,
    last_name: str,
    groups: Sequence[str] = (DEFAULT_GROUP,),
    email_verified: bool = True,
    language: str | None = None,
) -> User:
    """A new account in these groups; publishes :class:`UserRegistered`. Without a language it is ``lms.locale``.

    Raises 409 ``email_taken``, 422 ``weak_password``, and 422 ``unknown_group``. The transaction stays usable.
    """
    password = normal_form(password)
    check_strength(password, email)
    values = {
        "email": email,
        "password_hash": core.tokens.passwords.hash(password),
        "first_name": first_name,
        "last_name": last_name,
        "email_verified_at": core.clock() if email_verified else None,
        "password_changed_at": core.clock(),
        "preferred_language": language or core.settings.text("lms.locale"),
    }
    user = insert_user(db, values)
    add_to_groups(db, user.id, groups)
    publish(db, UserRegistered(user_id=user.id))
    return user


def insert_user(db: Session, values: Mapping[str, Any]) -> User:
    """Insert one row. Two that register one address at once: the index lets one in. Raises 409 ``email_taken``."""
    statement = (
        insert(User)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[func.lower(User.email)], index_where=User.deleted_at.is_(None))
        .returning(User)
    )
    user = db.scalars(statement).one_or_none()
    if user is None:
        raise email_taken()
    return user


def add_to_groups(db: Session, user_id: uuid.UUID, groups: Sequence[str]) -> None:
    """Raises 422 ``unknown_group``, naming the group."""
    rows = db.execute(select(Group.name, Group.id).where(Group.name.in_(groups)))
    found = {row.name: row.id for row in rows}
    unknown = sorted(set(groups) - set(found))
    if unknown:
        raise Invalid("unknown_group", _("There is no group named ${name}.", mapping={"name": unknown[0]}))
    if found:
        db.execute(insert(UserGroup), [{"user_id": user_id, "group_id": group_id} for group_id in found.values()])
