"""What time brings about: modules open by their dates."""

from lms_core.kernel.tasks import TaskContext
from lms_core.learning.unlocking.service import note_openings

AT_ONCE = 100
"""Modules noted in one transaction."""


def note_due(context: TaskContext) -> None:
    """Note what has opened, in batches, each its own transaction."""
    context.in_batches(lambda db: note_openings(db, context.core.clock(), limit=AT_ONCE), AT_ONCE)
