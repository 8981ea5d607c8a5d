"""Enrollments over HTTP."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.enrollment import schemas, service
from lms_core.enrollment.methods import Pay, enrollment_methods
from lms_core.enrollment.requests import queries as requests
from lms_core.enrollment.requests.schemas import EnrollmentRequestSchema
from lms_core.enrollment.resources import EnrollmentCollection, EnrollmentItem, EnrollmentMethods
from lms_core.enrollment.waiting import queries as waiting
from lms_core.enrollment.waiting.schemas import EnrollmentWaitSchema
from lms_core.kernel.errors import PaymentRequired, problem
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.views import answered, created

CODES = (
    "422 access_code_unknown", "422 access_code_revoked", "422 access_code_expired", "422 access_code_not_valid_yet",
    "422 access_code_used_up", "429 too_many_requests",
)  # fmt: skip
INVITATIONS = (
    "409 invitation_required", "409 invitation_revoked", "409 invitation_expired", "409 invitation_accepted",
    "422 invitation_unknown", "422 invitation_of_another",
)  # fmt: skip


@view_config(
    context=EnrollmentCollection, request_method="POST", permission="enrollments:create", body=schemas.EnrollSchema,
    returns=schemas.EnrollmentSchema, status=201, answers={202: (EnrollmentRequestSchema, EnrollmentWaitSchema)},
    errors=("402 payment_required", "404 course_not_found", "409 already_enrolled", "409 enrollment_suspended",
            "409 enrollment_method_unavailable", "409 enrollment_not_open", "409 enrollment_closed",
            "409 payment_unavailable", "409 prerequisites_missing", "409 already_requested", "409 already_waiting",
            "409 course_full", "422 reason_required", "422 voucher_invalid", *CODES, *INVITATIONS),
)  # fmt: skip
def enroll(context: EnrollmentCollection, request: Request) -> Any:
    """Enroll in a course.

    What has to be sent beside `courseId` depends on the course's `enrollmentType` (`GET /enrollment-methods`). The
    answer is the enrollment (201), a request that the course's staff decides about (202, `status` is `pending`), a
    place on the waiting list (202, `status` is `waiting`), or, where it has to be paid for, a problem (402) whose
    `payment` names amount, currency, gateways and a reference: of a course whose `enrollmentType` is `payment`, that
    is the payment's id (`POST /payments/{id}/checkout`), a place is kept until `expiresAt`, and asking again answers
    the same.
    """
    course_id, details = request.validated["course_id"], request.validated["details"]
    outcome = service.apply(request.db, request.core, request, course_id, details)
    if isinstance(outcome, Pay):
        return problem(request, payment_required(outcome))
    if isinstance(outcome, service.Requested | service.Waiting):
        return accepted(request, outcome)
    created(request, "enrollments", outcome.id)
    return outcome


def accepted(request: Request, outcome: service.Requested | service.Waiting) -> Response:
    """The request that somebody has to decide about, or the place on the waiting list."""
    if isinstance(outcome, service.Waiting):
        created(request, "waits", outcome.wait.id)
        return answered(request, EnrollmentWaitSchema, waiting.wait(request.db, outcome.wait.id), 202)
    created(request, "enrollment-requests", outcome.request.id)
    row = requests.request(request.db, outcome.request.id)
    return answered(request, EnrollmentRequestSchema, row, 202)


def payment_required(pay: Pay) -> PaymentRequired:
    """The answer, which is returned and not raised: what the method has written for it stays."""
    payment = {
        "amount": f"{pay.amount:.2f}", "currency": pay.currency, "gateways": list(pay.gateways),
        "reference": pay.reference, **pay.details,
    }  # fmt: skip
    return PaymentRequired("payment_required", _("This course has to be paid for."), extra={"payment": payment})


@view_config(
    context=EnrollmentMethods, request_method="GET", permission="enrollment_methods:list",
    returns=schemas.EnrollmentMethodSchema, many="list",
)  # fmt: skip
def list_enrollment_methods(context: EnrollmentMethods, request: Request) -> list[Any]:
    """List the ways into a course.

    Each with the JSON Schema of what an applicant sends, and of what an author may set, titles in the caller's
    language.
    """
    return [
        schemas.described(method, request.localizer.translate) for method in enrollment_methods(request.core).values()
    ]


@view_config(
    context=EnrollmentItem, request_method="GET", permission="enrollments:read", returns=schemas.EnrollmentSchema
)
def read_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Read an enrollment."""
    return context.row
