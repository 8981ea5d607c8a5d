"""What time brings about: enrollments end."""

from lms_core.enrollment.lifecycle.service import expire_due
from lms_core.kernel.tasks import TaskContext

AT_ONCE = 500
"""Enrollments that one transaction ends."""


def expire(context: TaskContext) -> None:
    """End what is over, in batches, each its own transaction."""
    ended = AT_ONCE
    while ended == AT_ONCE:
        with context.core.transaction() as db:
            ended = expire_due(db, limit=AT_ONCE)
