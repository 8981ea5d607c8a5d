"""What is granted to single students, over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment.accommodations import schemas, service
from lms_core.enrollment.accommodations.resources import EnrollmentAccommodations
from lms_core.kernel.audit import audit
from lms_core.kernel.request import Request


@view_config(
    context=EnrollmentAccommodations, request_method="GET", permission="accommodations:read",
    returns=schemas.AccommodationSchema,
)  # fmt: skip
def read_accommodations(context: EnrollmentAccommodations, request: Request) -> Any:
    """Read what a student has in a course beyond what all have: more time, more attempts, dates of their own.

    The student sees what it is; only who decides about it sees the reason.
    """
    return context.shown(context.row)


@view_config(
    context=EnrollmentAccommodations, request_method="PUT", permission="accommodations:update",
    body=schemas.AccommodationChangeSchema, returns=schemas.AccommodationSchema,
    errors=("409 course_full", "422 enrollment_without_end", "422 module_unknown", "422 module_without_date"),
)  # fmt: skip
def grant_accommodations(context: EnrollmentAccommodations, request: Request) -> Any:
    """Grant this to a student, and nothing else any more.

    It counts at once, wherever a date or a limit is checked. An enrollment that was over goes on where `extendedUntil`
    gives it time again. A date can be granted for a module that opens on one (`scheduled`, `relative`), for no other.
    """
    new = request.validated
    before = service.grant(request.db, request.core, context.id, new, request.caller.user_id)
    old, new = service.told(before, before), service.told(new, before)
    audit(request.db, request, "accommodations.grant", "enrollment", context.id, old=old, new=new)
    return context.shown(context.read(request.db))


@view_config(context=EnrollmentAccommodations, request_method="DELETE", permission="accommodations:update", status=204)
def withdraw_accommodations(context: EnrollmentAccommodations, request: Request) -> None:
    """Withdraw all that was granted to a student. What they have begun stays open."""
    before = service.withdraw(request.db, context.id)
    audit(request.db, request, "accommodations.withdraw", "enrollment", context.id, old=service.told(before, before))
