"""What becomes of a course as a whole, over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.lifecycle import copying, schemas, service
from lms_core.courses.resources import CourseItem, read_course
from lms_core.courses.schemas import CourseSchema
from lms_core.kernel.audit import audit
from lms_core.kernel.request import Request
from lms_core.kernel.views import created


@view_config(
    context=CourseItem, name="unpublish", request_method="POST", permission="courses:publish", returns=CourseSchema
)
def unpublish_course(context: CourseItem, request: Request) -> Any:
    """Take a course out of the catalog.

    Its students find it again, with all that they did, when it is published the next time.
    """
    service.unpublish(request.db, context.id)
    return _changed(context, request, "courses.unpublish")


@view_config(
    context=CourseItem, name="archive", request_method="POST", permission="courses:publish", returns=CourseSchema
)
def archive_course(context: CourseItem, request: Request) -> Any:
    """Put a course away: nobody joins or changes it any more, and its students keep it."""
    service.archive(request.db, request.core, context.id)
    return _changed(context, request, "courses.archive")


@view_config(
    context=CourseItem, name="unarchive", request_method="POST", permission="courses:publish", returns=CourseSchema
)
def unarchive_course(context: CourseItem, request: Request) -> Any:
    """Take a course up again that was put away."""
    service.unarchive(request.db, context.id)
    return _changed(context, request, "courses.unarchive")


@view_config(context=CourseItem, request_method="DELETE", permission="courses:delete")
def delete_course(context: CourseItem, request: Request) -> None:
    """Delete a course.

    Nobody finds it any more but its owner and administrators, by its id; they may restore it with all it had.
    """
    service.delete(request.db, request.core, context.id)
    audit(request.db, request, "courses.delete", "course", context.id)


@view_config(
    context=CourseItem, name="restore", request_method="POST", permission="courses:delete", returns=CourseSchema,
    errors=("409 code_taken", "409 course_limit_reached"),
)  # fmt: skip
def restore_course(context: CourseItem, request: Request) -> Any:
    """Bring a deleted course back.

    Where another course has taken its slug it gets a new one.
    """
    service.restore(request.db, request.core, context.id)
    return _changed(context, request, "courses.restore")


@view_config(
    context=CourseItem, name="duplicate", request_method="POST", permission="courses:duplicate",
    body=schemas.DuplicateSchema, returns=CourseSchema, status=201,
    errors=("409 code_taken", "409 course_limit_reached", "422 category_unknown"),
)  # fmt: skip
def duplicate_course(context: CourseItem, request: Request) -> Any:
    """Copy a course into a draft of one's own: all of its content, none of its people."""
    course = copying.duplicate(request.db, request.core, context.id, request.caller.user_id, request.validated)
    new = {**request.validated, "source": str(context.id)}
    audit(request.db, request, "courses.duplicate", "course", course.id, new=new)
    created(request, "courses", course.id)
    return read_course(request, request.db, course.id)


def _changed(context: CourseItem, request: Request, action: str) -> Any:
    audit(request.db, request, action, "course", context.id)
    return read_course(request, request.db, context.id)
