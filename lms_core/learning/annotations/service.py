"""Commands on annotations. Each runs in the caller's transaction; raising rolls it back."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import IN_USE
from lms_core.kernel.errors import Conflict, NotFound, invalid_fields
from lms_core.kernel.i18n import _
from lms_core.learning.models import LessonAnnotation

MOST = 500
"""Annotations of one person in one lesson."""
LONGEST_NAME = 200
"""Characters that a bookmark is called by."""


def annotate(
    db: Session, user_id: uuid.UUID, course_id: uuid.UUID, lesson_id: uuid.UUID, values: Mapping[str, Any]
) -> uuid.UUID:
    """Note or mark something in a lesson of a course that one takes; answers its id.

    Raises 404; 409 ``too_many_annotations``; 422 ``invalid``.
    """
    _check(values["kind"], values["text"])
    # Locked, so that of many at once none comes on top of the most.
    taken = select(Enrollment.id).where(Enrollment.user_id == user_id, Enrollment.course_id == course_id, IN_USE)
    if db.scalar(taken.with_for_update(key_share=True)) is None:
        raise NotFound()
    mine = (LessonAnnotation.user_id == user_id, LessonAnnotation.lesson_id == lesson_id)
    if (db.scalar(select(func.count()).select_from(LessonAnnotation).where(*mine)) or 0) >= MOST:
        raise Conflict("too_many_annotations", _("There are as many notes and bookmarks as a lesson can have."))
    made = insert(LessonAnnotation).values(user_id=user_id, lesson_id=lesson_id, **values)
    return db.execute(made.returning(LessonAnnotation.id)).scalar_one()


def change(db: Session, user_id: uuid.UUID, annotation_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Change the fields given. Raises 404; 422 ``invalid``."""
    mine = (LessonAnnotation.id == annotation_id, LessonAnnotation.user_id == user_id)
    found = db.scalar(select(LessonAnnotation).where(*mine).with_for_update(key_share=True))
    if found is None:
        raise NotFound()
    _check(found.kind, values.get("text", found.text))
    for name, value in values.items():
        setattr(found, name, value)
    db.flush()


def remove(db: Session, user_id: uuid.UUID, annotation_id: uuid.UUID) -> None:
    """Delete an annotation for good. Raises 404."""
    mine = (LessonAnnotation.id == annotation_id, LessonAnnotation.user_id == user_id)
    if db.execute(delete(LessonAnnotation).where(*mine).returning(LessonAnnotation.id)).first() is None:
        raise NotFound()


def _check(kind: str, text: str) -> None:
    """A note says something, and a bookmark is called something short, if anything."""
    message = None
    if kind == "note" and not text:
        message = _("Must not be empty.")
    elif kind == "bookmark" and len(text) > LONGEST_NAME:
        message = _("Longer than ${max} characters.", mapping={"max": LONGEST_NAME})
    if message is not None:
        raise invalid_fields({"text": [message]})
