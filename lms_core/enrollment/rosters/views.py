"""Rosters over HTTP."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.enrollment.admission import Admission
from lms_core.enrollment.resources import check_contact
from lms_core.enrollment.rosters import queries, schemas, service, sheets
from lms_core.enrollment.rosters.lists import read_list
from lms_core.enrollment.rosters.resources import CourseRoster
from lms_core.files.names import content_disposition
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request


@view_config(
    context=CourseRoster, request_method="GET", permission="rosters:read", query=schemas.RosterQuery,
    returns=schemas.RosterEntrySchema, many="page", tags=("enrollments",),
)  # fmt: skip
def list_students(context: CourseRoster, request: Request) -> Page:
    """List the students of a course.

    E-mail addresses are shown to, and found by, those only who have `rosters:contact` in the course.
    """
    query = dict(request.query)
    place = {name: query.pop(name) for name in ("sort", "page", "limit")}
    return queries.roster(request.reader, context.course.id, query, contact=context.shows_contact, **place)


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@view_config(
    context=CourseRoster, name="export", request_method="GET", permission="rosters:read",
    query=schemas.RosterExportQuery, produces=("text/csv", XLSX), tags=("enrollments",),
)  # fmt: skip
def export_students(context: CourseRoster, request: Request) -> Response:
    """Download the students of a course, with progress and grades.

    Of any number: a CSV is made while it is sent, a workbook before. E-mail addresses are in it for those only who have
    `rosters:contact` in the course. A text that a spreadsheet could take for a formula has an apostrophe before it in
    the CSV. Who downloaded what is kept.
    """
    query, contact = dict(request.query), context.shows_contact
    form, bom = query.pop("format"), query.pop("bom")
    with request.core.transaction() as db:
        audit(db, request, "rosters.export", "course", context.course.id, new={**query, "format": form,
              "contact": contact})  # fmt: skip
    rows = queries.all_students(request.core, context.course.id, query, contact=contact)
    names, say = sheets.columns(contact=contact), request.localizer.translate
    if form == "csv":
        pieces, kind = sheets.csv_pieces(rows, names, say, bom=bom), "text/csv"
    else:
        pieces, kind = sheets.file_pieces(sheets.xlsx_file(rows, names, say)), XLSX
    return _download(context, pieces, kind, form)


def _download(context: CourseRoster, pieces: Iterator[bytes], kind: str, ending: str) -> Response:
    response = Response(app_iter=pieces, content_type=kind, charset="utf-8" if kind == "text/csv" else None)
    response.content_disposition = content_disposition("attachment", f"{context.course.row.slug}-students.{ending}")
    response.cache_control = "no-store"
    return response


@view_config(
    context=CourseRoster, name="bulk", request_method="POST", permission="rosters:update",
    body=schemas.EnrollManySchema, returns=schemas.EnrollReportSchema, tags=("enrollments",),
    errors=("403 contact_needed", "404 course_not_found", "429 too_many_requests"),
)  # fmt: skip
def enroll_students(context: CourseRoster, request: Request) -> Any:
    """Enroll many people in a course, and say of each what became of it.

    Nobody who takes the course already is changed, so that a list can be sent again. Who has not completed what the
    course presupposes is refused, unless that is waived, which is kept. By e-mail address enrolls who has
    `rosters:contact` in the course, because the answer says who has an account.
    """
    sent = dict(request.validated)
    named = [service.Wish(str(each.get("user_id") or each["email"]), **each) for each in sent.pop("students")]
    return _enroll(context, request, named, sent)


@view_config(
    context=CourseRoster, name="import", request_method="POST", permission="rosters:update",
    query=schemas.EnrollManyQuery, consumes="text/csv", returns=schemas.EnrollReportSchema, tags=("enrollments",),
    errors=("403 contact_needed", "404 course_not_found", "413 too_large", "422 csv_invalid", "429 too_many_requests"),
)  # fmt: skip
def enroll_students_by_csv(context: CourseRoster, request: Request) -> Any:
    """Enroll the people of a CSV in a course, and say of each what became of it.

    In UTF-8, with commas, semicolons or tabs. The first line names the columns: `email` or `userId`, and `startsAt` and
    `expiresAt` if wanted, as times or as days in UTC, of which the last one counts whole; other columns are passed by.
    """
    return _enroll(context, request, read_list(request.small_body()), request.query)


def _enroll(context: CourseRoster, request: Request, named: Sequence[service.Wish], options: Mapping[str, bool]) -> Any:
    if any(each.email for each in named):
        check_contact(request, context.course.row)
    throttle_account(request, "roster", str(request.caller.user_id))
    tried = {name: options[name] for name in ("dry_run", "all_or_nothing")}
    how = Admission(
        type=context.enrolls_as,
        decided_by=request.caller.user_id,
        waives_prerequisites=options["waive_prerequisites"],
    )
    made = service.enroll_many(request.db, request.core, context.course.id, named, how, **tried)
    audit(request.db, request, "rosters.enroll", "course", context.course.id,
          new={**options, "applied": made.applied, "enrolled": made.enrolled, "refused": made.refused})  # fmt: skip
    say = request.localizer.translate
    results = [{**asdict(each), "detail": say(each.detail) if each.detail else None} for each in made.results]
    return {"applied": made.applied, "enrolled": made.enrolled, "refused": made.refused, "results": results}


@view_config(
    context=CourseRoster, name="suspend", request_method="POST", permission="rosters:update",
    body=schemas.ChangeManySchema, returns=schemas.ChangedManySchema, tags=("enrollments",),
)  # fmt: skip
def suspend_students(context: CourseRoster, request: Request) -> Any:
    """Keep many students out of a course until their enrollments are resumed; each is told, with the reason."""
    return _change(context, request, "suspend")


@view_config(
    context=CourseRoster, name="resume", request_method="POST", permission="rosters:update",
    body=schemas.ChangeManySchema, returns=schemas.ChangedManySchema, tags=("enrollments",),
)  # fmt: skip
def resume_students(context: CourseRoster, request: Request) -> Any:
    """Let many suspended students in again."""
    return _change(context, request, "resume")


@view_config(
    context=CourseRoster, name="drop", request_method="POST", permission="rosters:update",
    body=schemas.ChangeManySchema, returns=schemas.ChangedManySchema, tags=("enrollments",),
)  # fmt: skip
def drop_students(context: CourseRoster, request: Request) -> Any:
    """Take many students off a course; what they did stays, should they come back."""
    return _change(context, request, "drop")


def _change(context: CourseRoster, request: Request, step: str) -> Any:
    sent, caller_id = request.validated, request.caller.user_id
    chosen = service.Chosen(sent.get("ids"), sent.get("filter", {}), context.shows_contact)
    done = service.change_many(request.db, request.core, context.course.id, step, chosen, caller_id, sent["reason"])
    audit(request.db, request, f"rosters.{step}", "course", context.course.id,
          new={**sent, "changed": len(done.changed)})  # fmt: skip
    return {"changed": len(done.changed), "skipped": _skipped(done.skipped), "more": done.more}


@view_config(
    context=CourseRoster, name="message", request_method="POST", permission="rosters:message",
    body=schemas.StudentsMessageSchema, returns=schemas.StudentsMessageSentSchema, tags=("enrollments",),
    errors=("429 too_many_requests",),
)  # fmt: skip
def message_students(context: CourseRoster, request: Request) -> Any:
    """Write to many students of a course: to those named, or to all that the filter finds, however many.

    Each gets a notification, and a mail in their language around it, unless they declined mails of the type
    `course_message`. It names the sender, and no address: neither the sender's nor a student's. Who has left the
    course, or whose account is suspended, gets none. With an `Idempotency-Key` it can be sent again without harm.
    """
    throttle_account(request, "message", str(request.caller.user_id))
    sent, sender_id = dict(request.validated), request.caller.user_id
    chosen = service.Chosen(sent.get("ids"), sent.get("filter", {}), context.shows_contact)
    done = service.send_message(request.db, context.course.id, sender_id, chosen, sent["subject"], sent["body"])
    audit(request.db, request, "rosters.message", "course", context.course.id,
          new={**sent, "recipients": done.recipients})  # fmt: skip
    return {"recipients": done.recipients, "skipped": _skipped(done.skipped)}


def _skipped(skipped: Mapping[uuid.UUID, str]) -> list[dict[str, Any]]:
    return [{"id": each, "code": code} for each, code in skipped.items()]
