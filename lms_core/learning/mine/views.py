"""One's own courses over HTTP."""

from pyramid.view import view_config

from lms_core.kernel.pagination import Page
from lms_core.kernel.request import Request
from lms_core.learning.mine import queries, schemas
from lms_core.learning.mine.resources import MyCourses


@view_config(
    context=MyCourses, request_method="GET", permission="enrollments:read", query=schemas.MyCoursesQuery,
    returns=schemas.MyCourseSchema, many="page", tags=("learning",),
)  # fmt: skip
def my_courses(context: MyCourses, request: Request) -> Page:
    """List the courses the caller takes, with their progress."""
    return queries.my_courses(request.reader, request.caller.user_id, **request.query)
