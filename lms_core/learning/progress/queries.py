"""What progress is counted by."""

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from lms_core.courses.models import VersionLesson
from lms_core.learning.models import LessonProgress


def percentage(done: Any, total: Any) -> ColumnElement[Decimal]:
    """In SQL, rounded down to hundredths, so that only everything is 100; of nothing, 0."""
    return func.coalesce(func.trunc(done * Decimal(100) / func.nullif(total, 0), 2), 0)


def done_of(version_id: uuid.UUID) -> Select[int]:
    """Count what is completed of a version's lessons."""
    return (
        select(func.count())
        .select_from(VersionLesson)
        .join(LessonProgress, LessonProgress.lesson_id == VersionLesson.lesson_id)
        .where(VersionLesson.version_id == version_id, LessonProgress.status == "completed")
    )
