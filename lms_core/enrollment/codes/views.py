"""Access codes over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.enrollment.codes import queries, schemas, service
from lms_core.enrollment.codes.resources import CodeItem, CourseCodes
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import CursorPage, CursorQuery, Page
from lms_core.kernel.request import Request
from lms_core.kernel.views import created

TAGS = ("enrollments",)


@view_config(
    context=CourseCodes, request_method="GET", permission="access_codes:read", query=schemas.AccessCodesQuery,
    returns=schemas.AccessCodeSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_access_codes(context: CourseCodes, request: Request) -> Page:
    """List the access codes of a course, the newest first."""
    return queries.of_course(request.reader, context.course.id, **request.query)


@view_config(
    context=CourseCodes, request_method="POST", permission="access_codes:create",
    body=schemas.AccessCodeCreateSchema, returns=schemas.AccessCodeSchema, status=201,
    errors=("409 access_code_taken", "409 course_archived"), tags=TAGS,
)  # fmt: skip
def create_access_code(context: CourseCodes, request: Request) -> Any:
    """Make a code that lets people into a course whose `enrollmentType` is `code`.

    Whoever sends it with `POST /enrollments` is in, whatever the course costs, as often as `maxUses` says and as long
    as it is valid.
    """
    made = service.create_code(request.db, context.course.id, request.caller.user_id, request.validated)
    audit(request.db, request, "access_codes.create", "access_code", made.id, new=request.validated)
    created(request, "access-codes", made.id)
    return queries.code(request.db, made.id)


@view_config(
    context=CodeItem, request_method="GET", permission="access_codes:read", returns=schemas.AccessCodeSchema, tags=TAGS
)
def read_access_code(context: CodeItem, request: Request) -> Any:
    """Read an access code."""
    return context.row


@view_config(
    context=CodeItem, request_method="PUT", permission="access_codes:update", body=schemas.AccessCodeChangeSchema,
    returns=schemas.AccessCodeSchema, errors=("409 access_code_revoked", "409 max_uses_below_used"), tags=TAGS,
)  # fmt: skip
def update_access_code(context: CodeItem, request: Request) -> Any:
    """Change what an access code is good for."""
    service.update_code(request.db, context.id, request.validated)
    audit(request.db, request, "access_codes.update", "access_code", context.id, new=request.validated)
    return queries.code(request.db, context.id)


@view_config(context=CodeItem, request_method="DELETE", permission="access_codes:update", tags=TAGS)
def revoke_access_code(context: CodeItem, request: Request) -> None:
    """Revoke an access code: it lets nobody in any more. Who came by it stays, and it stays listed."""
    service.revoke_code(request.db, context.id)
    audit(request.db, request, "access_codes.revoke", "access_code", context.id)


@view_config(
    context=CodeItem, name="uses", request_method="GET", permission="access_codes:read", query=CursorQuery,
    returns=schemas.AccessCodeUseSchema, many="cursor", tags=TAGS,
)  # fmt: skip
def list_access_code_uses(context: CodeItem, request: Request) -> CursorPage:
    """List who has used an access code, the latest first."""
    return queries.uses(request.reader, context.id, **request.query)
