"""What time brings about: modules open by their dates."""

from functools import partial

from lms_core.kernel.tasks import TaskContext
from lms_core.learning.unlocking.service import note_openings, note_own_openings, note_relative_openings

AT_ONCE = 100
"""Modules, or enrollments, noted in one transaction."""


def note_due(context: TaskContext) -> None:
    """Note what has opened, in batches, each its own transaction."""
    for note in (note_openings, note_own_openings, note_relative_openings):
        context.in_batches(partial(note, now=context.core.clock(), limit=AT_ONCE), AT_ONCE)
