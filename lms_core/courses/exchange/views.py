"""Exports and imports over HTTP."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.courses.exchange import queries, schemas, service
from lms_core.courses.exchange.resources import CourseExports, CourseImportDoor, ExportItem, ImportItem
from lms_core.files.content import content_response
from lms_core.kernel.audit import audit
from lms_core.kernel.request import Request
from lms_core.kernel.views import created


@view_config(
    context=CourseExports, request_method="POST", permission="courses:export", body=schemas.ExportRequestSchema,
    returns=schemas.ExportSchema, status=202,
    errors=("409 export_running", "422 export_format_unknown", "422 version_unknown"),
)  # fmt: skip
def export_course(context: CourseExports, request: Request) -> Any:
    """Have a course written into a file: its draft, or a version.

    `Location` names the job. Its file takes the place of the one that the caller had of this course before.
    """
    course_id, wanted = context.course.id, request.validated
    made = service.request_export(
        request.db, request.core, course_id, request.caller.user_id, wanted["version"], wanted["format"]
    )
    audit(request.db, request, "courses.export", "course", course_id, new={"version": wanted["version"]})
    created(request, "exports", made)
    return queries.export(request.registry, request.db, made, request.caller.user_id)


@view_config(context=ExportItem, request_method="GET", permission="exports:read", returns=schemas.ExportSchema)
def read_export(context: ExportItem, request: Request) -> Any:
    """Read how far an export is, and what became of it."""
    return context.row


@view_config(
    context=ExportItem, name="content", request_method="GET", permission="courses:export", produces="*/*",
    errors=("409 export_not_ready", "416 range_not_satisfiable", "503 storage_unavailable"),
    answers={206: "The range that `Range` asks for."},
)  # fmt: skip
def read_export_content(context: ExportItem, request: Request) -> Response:
    """Download an exported course, for who asked for it and may export the course still."""
    return content_response(request, context.stored)


@view_config(
    context=CourseImportDoor, request_method="POST", permission="courses:import", body=schemas.ImportRequestSchema,
    returns=schemas.ImportSchema, status=202, errors=("409 import_running", "422 file_unknown"),
)  # fmt: skip
def import_course(context: CourseImportDoor, request: Request) -> Any:
    """Have an uploaded file of one's own, for example a Common Cartridge, made into a course of one's own.

    `Location` names the job, which will name the course, and what could not be brought.
    """
    file_id, publish = request.validated["file_id"], request.validated["publish"]
    made = service.request_import(request.db, request.caller.user_id, file_id, publish_it=publish)
    created(request, "imports", made)
    return queries.course_import(request.db, made)


@view_config(context=ImportItem, request_method="GET", permission="imports:read", returns=schemas.ImportSchema)
def read_import(context: ImportItem, request: Request) -> Any:
    """Read how far an import is, which course it made, and what could not be brought."""
    return context.row
