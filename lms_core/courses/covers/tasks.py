"""What becomes of a course without a picture, and of a cover that another picture has replaced."""

import io
import uuid
from contextlib import suppress

from lms_core.courses.covers.drawing import cover
from lms_core.courses.events import CoursePictureChanged, CoursePublished
from lms_core.courses.models import Course
from lms_core.courses.references import file_address
from lms_core.files.service import delete_file, store_file
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import Delivery

_MOST_BYTES = 1 << 20


def draw_cover(delivery: Delivery, event: CoursePublished) -> None:
    """Give the course a cover, unless it has a picture."""
    course = _lock(delivery, event.course_id)
    if course is not None:
        _draw(delivery, course)


def follow_picture(delivery: Delivery, event: CoursePictureChanged) -> None:
    """Remove the cover that stepped back, and draw one where the course is in the catalog without any picture."""
    course = _lock(delivery, event.course_id)
    if event.cover_id is not None:
        # An author may have chosen it meanwhile, for this course or another.
        with suppress(Conflict, NotFound):
            delete_file(delivery.db, delivery.core, delivery.registry.file_uses, event.cover_id)
    if course is not None and course.is_published:
        _draw(delivery, course)


def _lock(delivery: Delivery, course_id: uuid.UUID) -> Course | None:
    course = delivery.db.get(Course, course_id, with_for_update={"key_share": True})
    return course if course is not None and course.deleted_at is None else None


def _draw(delivery: Delivery, course: Course) -> None:
    """The cover belongs to the instructor."""
    if course.thumbnail_url is not None:
        return
    if course.thumbnail_file_id is None:
        upload = store_file(
            delivery.db,
            delivery.registry.storage,
            uploaded_by=course.instructor_id,
            name=f"{course.slug}.webp",
            stream=io.BytesIO(cover(course.id, course.title)),
            max_bytes=_MOST_BYTES,
            # Drawn here, not sent by anybody.
            scan=False,
        )
        course.thumbnail_file_id = upload.id
    course.thumbnail_url = file_address(course.thumbnail_file_id)
