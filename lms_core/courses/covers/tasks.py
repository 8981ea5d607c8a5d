"""What a publication makes of a course without a picture."""

import io

from lms_core.courses.covers.drawing import cover
from lms_core.courses.events import CoursePublished
from lms_core.courses.models import Course
from lms_core.files.service import store_file
from lms_core.kernel.events import Delivery

_MOST_BYTES = 1 << 20


def draw_cover(delivery: Delivery, event: CoursePublished) -> None:
    """Give the course a cover, unless its author has chosen a picture meanwhile. It belongs to the instructor."""
    course = delivery.db.get(Course, event.course_id, with_for_update={"key_share": True})
    if course is None or course.deleted_at is not None or course.thumbnail_url is not None:
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
    course.thumbnail_url = f"/api/v1/files/{course.thumbnail_file_id}/content"
