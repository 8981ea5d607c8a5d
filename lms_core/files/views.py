"""Uploaded files over HTTP."""

from typing import Any

import structlog
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import exception_view_config, view_config

from lms_core.files import queries, schemas, service
from lms_core.files.body import BODY_ERRORS, read_body
from lms_core.files.content import content_response
from lms_core.files.links import check_link, make_link
from lms_core.files.resources import FileCollection, FileItem
from lms_core.files.scanning import check_cleared
from lms_core.files.storage import StorageUnavailable
from lms_core.kernel.audit import audit
from lms_core.kernel.errors import problem
from lms_core.kernel.request import Request
from lms_core.kernel.security import caller_id
from lms_core.kernel.views import created, public_url

_NOT_CLEARED = ("409 file_infected", "409 file_not_scanned")
_CONTENT_ERRORS = (*_NOT_CLEARED, "416 range_not_satisfiable", "503 storage_unavailable")
_CONTENT_ANSWERS = {206: "The range that `Range` asks for."}


@view_config(
    context=FileCollection, request_method="POST", permission="files:create", query=schemas.FileNameQuery,
    idempotent="late", consumes="application/octet-stream", form=schemas.FileForm,
    returns=schemas.FileSchema, status=201,
    errors=(*BODY_ERRORS, "413 quota_exceeded", "503 storage_unavailable"),
)  # fmt: skip
def upload_file(context: FileCollection, request: Request) -> Any:
    """Upload a file, as the body itself or as the one file of a form.

    What the file is, is told by its content; `Content-Type` and the name's ending count for nothing. A body that is not
    `multipart/form-data` is the file, and `name` says what it is called.
    """
    body = read_body(request, request.core.settings.integer("lms.files.max_bytes"), request.query["name"])
    made = service.receive_file(
        request.db, request.core, request.registry.storage, request.caller, body, scan=bool(request.registry.scanners)
    )
    created(request, "files", made.id)
    return made


@view_config(
    context=FileCollection, request_method="GET", permission="files:read", query=schemas.FileListQuery,
    returns=schemas.FileSchema, many="cursor",
)  # fmt: skip
def list_files(context: FileCollection, request: Request) -> Any:
    """List one's own files, the newest first; administrators see everybody's."""
    wanted = dict(request.query)
    return queries.files_of(request.reader, context.owner_id, kind=wanted.pop("type"), **wanted)


@view_config(context=FileItem, request_method="GET", permission="files:read", returns=schemas.FileSchema)
def read_file(context: FileItem, request: Request) -> Any:
    """Read what is known of a file."""
    return context.row


@view_config(
    context=FileItem, name="content", request_method="GET", permission="files:read", produces="*/*",
    errors=_CONTENT_ERRORS, answers=_CONTENT_ANSWERS,
)  # fmt: skip
def read_file_content(context: FileItem, request: Request) -> Response:
    """Download a file.

    With `ETag`, `Last-Modified` and `Range`. Types that a browser may safely show are inline, all others attachments.
    What a scanner is still to look through, only its owner gets (`file_not_scanned`); what is infected, nobody.
    """
    check_cleared(context.row, caller_id(request))
    return content_response(request, context.row)


@view_config(
    context=FileItem,
    name="url",
    request_method="GET",
    permission="files:read",
    returns=schemas.FileLinkSchema,
    errors=_NOT_CLEARED,
)
def read_file_url(context: FileItem, request: Request) -> Any:
    """Get an address that hands out the file without a token, for a short time.

    For what sends no token: an image, a film, a viewer of PDF. Whoever has the address has the file; ask for a new one
    when it has expired.
    """
    check_cleared(context.row, caller_id(request))
    link = make_link(request.core, context.row.id, caller_id(request))
    return {"url": public_url(request, link.path), "expires_at": link.expires_at}


@view_config(
    context=FileItem, name="download", request_method="GET", permission=NO_PERMISSION_REQUIRED,
    query=schemas.FileLinkQuery, produces="*/*", answers=_CONTENT_ANSWERS,
    errors=("403 link_invalid", "410 link_expired", *_CONTENT_ERRORS),
)  # fmt: skip
def download_file(context: FileItem, request: Request) -> Response:
    """Download a file by the address that `GET /files/{fileId}/url` gives.

    Credentials count for nothing here. The answer is that of `GET /files/{fileId}/content`.
    """
    link = check_link(request.core, context.id, request.query)
    check_cleared(context.row, link.given_to)
    return content_response(request, context.row, f"private, max-age={link.seconds_left}")


@view_config(
    context=FileItem, request_method="DELETE", permission="files:delete", status=204, errors=("409 file_in_use",),
)  # fmt: skip
def delete_file(context: FileItem, request: Request) -> None:
    """Delete a file that nothing is using."""
    service.delete_file(request.db, request.core, request.registry.file_uses, context.id)
    old = {"name": context.row.file_name, "owner": str(context.row.uploaded_by)}
    audit(request.db, request, "file.deleted", "file", context.id, old=old)


@exception_view_config(context=StorageUnavailable)
def storage_unavailable(error: StorageUnavailable, request: Request) -> Response:
    """The refusal like any other; what the backend said goes into the log."""
    structlog.get_logger("lms.files").error("storage_unavailable", reason=repr(error.__cause__))
    return problem(request, error)
