"""What time brings about: enrollments end."""

from functools import partial

from lms_core.enrollment.lifecycle.service import expire_due
from lms_core.kernel.tasks import TaskContext

AT_ONCE = 500
"""Enrollments that one transaction ends."""


def expire(context: TaskContext) -> None:
    """End what is over, in batches, each its own transaction."""
    context.in_batches(partial(expire_due, limit=AT_ONCE), AT_ONCE)
