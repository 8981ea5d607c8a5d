"""Rosters over HTTP."""

from collections.abc import Iterator

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.enrollment.rosters import queries, schemas, sheets
from lms_core.enrollment.rosters.resources import CourseRoster
from lms_core.files.names import content_disposition
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page
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
