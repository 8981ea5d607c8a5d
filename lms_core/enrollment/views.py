"""Enrollments over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment import schemas, service
from lms_core.enrollment.resources import EnrollmentCollection, EnrollmentItem
from lms_core.kernel.request import Request
from lms_core.kernel.views import created


@view_config(
    context=EnrollmentCollection, request_method="POST", permission="enrollments:create", body=schemas.EnrollSchema,
    returns=schemas.EnrollmentSchema, status=201,
    errors=("404 course_not_found", "409 already_enrolled", "409 enrollment_suspended", "409 enrollment_closed",
            "409 payment_required", "409 course_full"),
)  # fmt: skip
def enroll(context: EnrollmentCollection, request: Request) -> Any:
    """Enroll in an open course."""
    course_id = request.validated["course_id"]
    enrollment = service.enroll(request.db, request.core, request.caller.user_id, course_id)
    created(request, "enrollments", enrollment.id)
    return enrollment


@view_config(
    context=EnrollmentItem, request_method="GET", permission="enrollments:read", returns=schemas.EnrollmentSchema
)
def read_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Read an enrollment."""
    return context.row
