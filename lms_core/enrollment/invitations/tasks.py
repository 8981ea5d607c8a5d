"""What time brings about: invitations that came to nothing are forgotten, and with them the addresses."""

import datetime as dt

from sqlalchemy import case, delete, or_, select

from lms_core.accounts.models import User
from lms_core.enrollment.models import Invitation
from lms_core.kernel.tasks import TaskContext

KEPT = dt.timedelta(days=30)
"""How long an invitation that nobody has accepted stays on record after its end."""
BATCH = 5000


def purge(context: TaskContext) -> None:
    """Delete, in batches, what has ended long ago, and what was accepted by an account that is deleted since."""
    before = context.core.clock() - KEPT
    gone = Invitation.user_id.in_(select(User.id).where(User.deleted_at.is_not(None)))
    ends = case((Invitation.status == "revoked", Invitation.ended_at), else_=Invitation.expires_at)
    over = (Invitation.status != "accepted") & (ends < before)
    # What somebody renews at this moment is passed by.
    some = select(Invitation.id).where(or_(over, gone)).limit(BATCH).with_for_update(skip_locked=True)
    ended = delete(Invitation).where(Invitation.id.in_(some))
    context.in_batches(lambda db: db.connection().execute(ended).rowcount, BATCH)
