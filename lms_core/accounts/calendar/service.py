"""Commands on the address of somebody's calendar. Each runs in the caller's transaction."""

import uuid

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.accounts.models import CalendarLink, User
from lms_core.accounts.queries import USABLE, account_where, session_ended
from lms_core.kernel.core import Core
from lms_core.kernel.tokens import hash_token, new_token


def make_link(db: Session, core: Core, user_id: uuid.UUID) -> str:
    """A new token; the address with the one before is good for nothing from now on.

    Raises 401 ``session_ended`` where the account cannot be used any more.
    """
    # Locked, so that a password changed or a suspension at the same time comes before it, or finds it.
    if account_where(db, User.id == user_id, USABLE, lock=True) is None:
        raise session_ended()
    token = new_token()
    values = {"token_hash": hash_token(token), "created_at": core.clock()}
    made = insert(CalendarLink).values(user_id=user_id, **values)
    db.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return token


def revoke_link(db: Session, user_id: uuid.UUID) -> bool:
    """Whether there was an address; it is good for nothing from now on."""
    revoked = delete(CalendarLink).where(CalendarLink.user_id == user_id).returning(CalendarLink.id)
    return db.execute(revoked).first() is not None
