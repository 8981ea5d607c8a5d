"""The picture of a course: a file that its author chose, an address on the web, or a cover that is drawn here."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from lms_core.courses.content.queries import usable_files
from lms_core.courses.content.types import ContentContext
from lms_core.courses.events import CoursePictureChanged
from lms_core.courses.models import Course
from lms_core.courses.references import file_address
from lms_core.kernel.core import Core
from lms_core.kernel.events import publish

KINDS = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif")
"""What every browser shows, and what runs nothing."""
_SENT = frozenset({"thumbnail_file_id", "thumbnail_url"})


def with_picture(
    db: Session, core: Core, author_id: uuid.UUID, values: Mapping[str, Any], course: Course | None = None
) -> dict[str, Any]:
    """The values, with the columns of the picture that they come to; a new course has none before.

    The file stays until the transaction has ended. Raises 422 ``file_unknown``, ``file_infected`` and
    ``file_kind_wrong``.
    """
    rest = {name: value for name, value in values.items() if name not in _SENT}
    file_id = values.get("thumbnail_file_id")
    if file_id is not None:
        find = partial(usable_files, db, author_id, course.id if course is not None else None)
        ContentContext(core.settings, find).file(str(file_id), "thumbnailFileId", KINDS)
        return {**rest, **_columns(file_id, file_address(file_id))}
    if "thumbnail_url" in values:
        return {**rest, **_columns(None, values["thumbnail_url"])}
    if "thumbnail_file_id" in values and course is not None and course.thumbnail_chosen:
        return {**rest, **_columns(None, None)}
    return rest


def _columns(file_id: uuid.UUID | None, url: str | None) -> dict[str, Any]:
    return {"thumbnail_file_id": file_id, "thumbnail_url": url, "thumbnail_chosen": file_id is not None}


def cover_of(course: Course) -> uuid.UUID | None:
    """The file of the cover that was drawn for the course, or None."""
    return None if course.thumbnail_chosen else course.thumbnail_file_id


def follow_picture(db: Session, course: Course, cover: uuid.UUID | None) -> None:
    """Have the ``cover`` that it had removed where it has another picture now, and one drawn where it has none."""
    dropped = cover if cover != course.thumbnail_file_id else None
    if dropped is not None or (course.is_published and course.thumbnail_url is None):
        publish(db, CoursePictureChanged(course.id, dropped))
