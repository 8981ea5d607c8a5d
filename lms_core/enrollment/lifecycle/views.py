"""What is done to an enrollment, over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment.lifecycle import queries, schemas, service
from lms_core.enrollment.queries import enrollment
from lms_core.enrollment.resources import EnrollmentItem
from lms_core.enrollment.schemas import EnrollmentSchema
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import CursorPage, CursorQuery
from lms_core.kernel.request import Request


@view_config(
    context=EnrollmentItem, name="drop", request_method="POST", permission="enrollments:drop",
    body=schemas.StateReasonSchema, returns=EnrollmentSchema,
    errors=("409 enrollment_dropped", "409 enrollment_suspended", "409 enrollment_expired"),
)  # fmt: skip
def drop_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Leave a course, or take a student off it.

    What was done stays, and who comes back goes on with it. Who is suspended does not get round that by leaving; staff
    may drop them still.
    """
    reason = request.validated["reason"]
    if context.own:
        service.leave(request.db, request.core, context.id, reason)
    else:
        service.drop(request.db, request.core, context.id, request.caller.user_id, reason)
    return _changed(context, request, "enrollments.drop", **request.validated)


@view_config(
    context=EnrollmentItem, name="suspend", request_method="POST", permission="rosters:update",
    body=schemas.StateReasonSchema, returns=EnrollmentSchema,
    errors=("409 enrollment_suspended", "409 enrollment_dropped", "409 enrollment_expired"),
)  # fmt: skip
def suspend_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Keep a student out of a course until the enrollment is resumed.

    The student is told, with the reason; the place stays theirs.
    """
    service.suspend(request.db, request.core, context.id, request.caller.user_id, request.validated["reason"])
    return _changed(context, request, "enrollments.suspend", **request.validated)


@view_config(
    context=EnrollmentItem, name="resume", request_method="POST", permission="rosters:update",
    returns=EnrollmentSchema,
    errors=("409 enrollment_active", "409 enrollment_completed", "409 enrollment_dropped", "409 enrollment_expired"),
)  # fmt: skip
def resume_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Let a suspended student in again."""
    service.resume(request.db, context.id, request.caller.user_id)
    return _changed(context, request, "enrollments.resume")


@view_config(
    context=EnrollmentItem, name="complete", request_method="POST", permission="rosters:update",
    body=schemas.StateReasonSchema, returns=EnrollmentSchema,
    errors=("409 enrollment_completed", "409 enrollment_suspended", "409 enrollment_dropped",
            "409 enrollment_expired"),
)  # fmt: skip
def complete_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Let a course count as completed by a student, whatever of it was done.

    All follows that follows from the last lesson: it cannot be taken back.
    """
    service.complete_by_hand(request.db, request.core, context.id, request.caller.user_id, request.validated["reason"])
    return _changed(context, request, "enrollments.complete", **request.validated)


@view_config(
    context=EnrollmentItem, request_method="PUT", permission="rosters:update", body=schemas.EnrollmentDatesSchema,
    returns=EnrollmentSchema, errors=("409 enrollment_dropped", "409 course_full"),
)  # fmt: skip
def change_enrollment(context: EnrollmentItem, request: Request) -> Any:
    """Change from when and until when an enrollment lets the student in.

    One that was over goes on where it has time again and there is a place.
    """
    service.change_dates(request.db, request.core, context.id, request.validated, request.caller.user_id)
    return _changed(context, request, "enrollments.update", **request.validated)


@view_config(
    context=EnrollmentItem,
    name="notes",
    request_method="GET",
    permission="rosters:read",
    returns=schemas.EnrollmentNotesSchema,
)
def read_enrollment_notes(context: EnrollmentItem, request: Request) -> Any:
    """Read what the staff have noted about a student."""
    return {"notes": queries.notes(request.reader, context.id)}


@view_config(
    context=EnrollmentItem, name="notes", request_method="PUT", permission="rosters:update",
    body=schemas.EnrollmentNotesSchema, returns=schemas.EnrollmentNotesSchema,
)  # fmt: skip
def write_enrollment_notes(context: EnrollmentItem, request: Request) -> Any:
    """Note something about a student for the staff; the student never sees it."""
    notes = request.validated["notes"]
    before = service.write_notes(request.db, context.id, notes)
    audit(request.db, request, "enrollments.note", "enrollment", context.id, old={"notes": before},
          new={"notes": notes})  # fmt: skip
    return {"notes": notes}


@view_config(
    context=EnrollmentItem, name="history", request_method="GET", permission="enrollments:read", query=CursorQuery,
    returns=schemas.EnrollmentChangeSchema, many="cursor",
)  # fmt: skip
def list_enrollment_changes(context: EnrollmentItem, request: Request) -> CursorPage:
    """List what became of an enrollment, the latest first."""
    return queries.changes(request.reader, context.id, staff=context.staff, **request.query)


def _changed(context: EnrollmentItem, request: Request, action: str, **new: Any) -> Any:
    row = context.row
    old = {"status": row.status, "starts_at": row.starts_at, "expires_at": row.expires_at}
    audit(request.db, request, action, "enrollment", context.id, old=old, new=new)
    return enrollment(request.db, context.id)
