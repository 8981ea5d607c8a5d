"""What time brings about: scheduled announcements become live."""

from lms_core.courses.announcements.service import AT_ONCE, announce
from lms_core.kernel.tasks import TaskContext


def announce_due(context: TaskContext) -> None:
    """Tell of what has become live, in batches, each its own transaction."""
    context.in_batches(announce, AT_ONCE)
