"""Requests to join over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment.requests import queries, schemas, service
from lms_core.enrollment.requests.resources import CourseRequests, MyRequests, RequestItem
from lms_core.enrollment.requests.service import APPROVE, REJECT, Review
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page
from lms_core.kernel.request import Request

TAGS = ("enrollments",)
_REVIEWING = ("409 course_archived", "409 request_not_pending")


@view_config(
    context=MyRequests, request_method="GET", permission="enrollments:read", query=schemas.MyRequestsQuery,
    returns=schemas.EnrollmentRequestSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_my_enrollment_requests(context: MyRequests, request: Request) -> Page:
    """List one's requests to join courses, the latest first."""
    return queries.of_person(request.reader, request.caller.user_id, **request.query)


@view_config(
    context=CourseRequests, request_method="GET", permission="rosters:read", query=schemas.RequestsQuery,
    returns=schemas.EnrollmentRequestSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_enrollment_requests(context: CourseRequests, request: Request) -> Page:
    """List the requests to join a course, those that have waited longest first."""
    return queries.of_course(request.reader, context.course.id, **request.query)


@view_config(
    context=CourseRequests, name="review", request_method="POST", permission="rosters:update",
    body=schemas.ReviewSchema, returns=schemas.ReviewedSchema, many="list", errors=("409 course_archived",), tags=TAGS,
)  # fmt: skip
def review_enrollment_requests(context: CourseRequests, request: Request) -> list[Any]:
    """Approve and reject many requests at once.

    Each is answered for itself, in the order of the decisions: with its new status, or with the code of what kept it
    from being carried out (`not_found`, `request_not_pending`, `enrollment_suspended`, `course_full`).
    """
    course_id, actor_id = context.course.id, request.caller.user_id
    decisions = request.validated["decisions"]
    reviewed = service.review_many(
        request.db, request.core, course_id, actor_id,
        [Review(each["id"], each["decision"], each["notes"]) for each in decisions],
        over_capacity=request.validated["over_capacity"],
    )  # fmt: skip
    audit(request.db, request, "enrollment_requests.review", "course", course_id, new=request.validated)
    return [_answer(each, request) for each in reviewed]


def _answer(reviewed: service.Reviewed, request: Request) -> dict[str, Any]:
    error = reviewed.error
    say = request.localizer.translate
    why = {} if error is None else {"code": error.code, "detail": say(error.detail or error.title)}
    return {
        "id": reviewed.id,
        "status": reviewed.status,
        "enrollment_id": reviewed.enrollment_id,
        "wait_id": reviewed.wait_id,
        **why,
    }


@view_config(
    context=RequestItem, request_method="GET", permission="enrollments:read",
    returns=schemas.EnrollmentRequestSchema, tags=TAGS,
)  # fmt: skip
def read_enrollment_request(context: RequestItem, request: Request) -> Any:
    """Read a request to join a course."""
    return context.shown


@view_config(
    context=RequestItem, request_method="DELETE", permission="enrollments:withdraw",
    errors=("409 request_not_pending",), tags=TAGS,
)  # fmt: skip
def withdraw_enrollment_request(context: RequestItem, request: Request) -> None:
    """Withdraw a request that nobody has decided about yet. One can ask again."""
    service.withdraw(request.db, context.row.course_id, context.id)
    audit(request.db, request, "enrollment_requests.withdraw", "enrollment_request", context.id)


@view_config(
    context=RequestItem, name="approve", request_method="POST", permission="rosters:update",
    body=schemas.ApprovalSchema, returns=schemas.EnrollmentRequestSchema,
    errors=(*_REVIEWING, "409 enrollment_suspended", "409 course_full"), tags=TAGS,
)  # fmt: skip
def approve_enrollment_request(context: RequestItem, request: Request) -> Any:
    """Let an applicant in. They are told, with the notes."""
    return _review(context, request, APPROVE, over_capacity=request.validated["over_capacity"])


@view_config(
    context=RequestItem, name="reject", request_method="POST", permission="rosters:update",
    body=schemas.RejectionSchema, returns=schemas.EnrollmentRequestSchema, errors=_REVIEWING, tags=TAGS,
)  # fmt: skip
def reject_enrollment_request(context: RequestItem, request: Request) -> Any:
    """Do not let an applicant in. They are told, with the notes, and can ask again."""
    return _review(context, request, REJECT)


def _review(context: RequestItem, request: Request, decision: str, *, over_capacity: bool = False) -> Any:
    review = Review(context.id, decision, request.validated["notes"])
    course_id, actor_id = context.row.course_id, request.caller.user_id
    service.review_one(request.db, request.core, course_id, actor_id, review, over_capacity=over_capacity)
    audit(request.db, request, f"enrollment_requests.{decision}", "enrollment_request", context.id,
          new=request.validated)  # fmt: skip
    return context.read(request.db)
