"""Waiting lists over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment.waiting import queries, service
from lms_core.enrollment.waiting.resources import CourseWaits, MyWaits, WaitItem
from lms_core.enrollment.waiting.schemas import EnrollmentWaitSchema
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page, PageQuery
from lms_core.kernel.request import Request

TAGS = ("enrollments",)


@view_config(
    context=MyWaits, request_method="GET", permission="enrollments:read", query=PageQuery,
    returns=EnrollmentWaitSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_my_waits(context: MyWaits, request: Request) -> Page:
    """List the courses in which one waits for a place, with one's position."""
    return queries.of_person(request.reader, request.caller.user_id, **request.query)


@view_config(
    context=CourseWaits, request_method="GET", permission="rosters:read", query=PageQuery,
    returns=EnrollmentWaitSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_waits(context: CourseWaits, request: Request) -> Page:
    """List who waits for a place in a course, in the order in which they move up."""
    return queries.of_course(request.reader, context.course.id, **request.query)


@view_config(
    context=WaitItem, request_method="GET", permission="enrollments:read", returns=EnrollmentWaitSchema, tags=TAGS
)
def read_wait(context: WaitItem, request: Request) -> Any:
    """Read somebody's place on a waiting list. It is gone once they have moved up."""
    return context.row


@view_config(context=WaitItem, request_method="DELETE", permission="waits:delete", tags=TAGS)
def leave_waiting_list(context: WaitItem, request: Request) -> None:
    """Leave a waiting list, or take somebody off it."""
    service.leave_list(request.db, request.core, context.row.course_id, context.id)
    audit(request.db, request, "waits.delete", "course", context.row.course_id, old={"user": str(context.row.user_id)})
