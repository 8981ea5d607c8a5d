"""What accounts do by themselves: forget sessions and links that nobody can use any more."""

import datetime as dt
from functools import partial

from sqlalchemy import Delete, delete, or_, select
from sqlalchemy.orm import Session

from lms_core.accounts.models import PasswordReset, UserSession
from lms_core.kernel.tasks import TaskContext

KEPT = dt.timedelta(days=30)
"""How long an ended session and a used or expired link stay on record, for whoever looks into an incident."""
BATCH = 5000


def purge(context: TaskContext) -> None:
    """Delete what ended long ago, in batches, each its own transaction."""
    before = context.core.clock() - KEPT
    ended = or_(UserSession.expires_at < before, UserSession.revoked_at < before)
    sessions = delete(UserSession).where(UserSession.id.in_(select(UserSession.id).where(ended).limit(BATCH)))
    old = select(PasswordReset.id).where(PasswordReset.expires_at < before).limit(BATCH)
    links = delete(PasswordReset).where(PasswordReset.id.in_(old))
    for ended_long_ago in (sessions, links):
        context.in_batches(partial(_run, ended_long_ago), BATCH)


def _run(statement: Delete, db: Session) -> int:
    return db.connection().execute(statement).rowcount
