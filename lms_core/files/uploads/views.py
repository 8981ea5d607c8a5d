"""The tus protocol over HTTP."""

from email.utils import format_datetime
from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.files.body import too_large
from lms_core.files.uploads import protocol, schemas, service
from lms_core.files.uploads.locks import Held, hold
from lms_core.files.uploads.parts import Place
from lms_core.files.uploads.protocol import Checksum
from lms_core.files.uploads.resources import UploadCollection, UploadItem
from lms_core.kernel.bodies import stream
from lms_core.kernel.errors import Conflict, MethodNotAllowed, PreconditionFailed, UnsupportedMediaType
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.views import created, public_url

WRITING_ERRORS = (
    "400 upload_header_invalid", "400 checksum_unsupported", "400 body_incomplete", "408 body_too_slow",
    "412 tus_version", "413 file_too_large", "415 unsupported_media_type", "423 upload_locked",
    "460 checksum_mismatch", "503 storage_unavailable",
)  # fmt: skip


def _check_version(request: Request) -> None:
    if request.headers.get("Tus-Resumable") != protocol.VERSION:
        raise PreconditionFailed("tus_version", _("Send Tus-Resumable: 1.0.0."))


def _place(request: Request) -> Place:
    registry = request.registry
    return Place(registry.storages, registry.storage, scan=bool(registry.scanners))


def _write(request: Request, held: Held) -> None:
    """Take the body for the upload's next bytes, make the file if it is whole then, and say how far it is."""
    left = held.row.length - held.received
    if (request.content_length or 0) > left:
        raise too_large(left)
    place, checksum = _place(request), Checksum.of(request.headers.get("Upload-Checksum"))
    service.append(request.core, place, held, stream(request), checksum)
    _finish(request, held)


def _finish(request: Request, held: Held) -> None:
    file_id = service.finish(request.core, _place(request), held, request.db.info)
    _describe(request, held.received, held.row.expires_at, file_id)


def _describe(request: Request, received: int, expires_at: Any, file_id: Any) -> None:
    headers = request.response.headers
    headers["Upload-Offset"] = str(received)
    if file_id is not None:
        headers["Upload-File"] = public_url(request, "files", file_id)
    else:
        headers["Upload-Expires"] = format_datetime(expires_at, usegmt=True)


@view_config(
    context=UploadCollection, request_method="OPTIONS", permission=NO_PERMISSION_REQUIRED, status=204,
    answer_headers=schemas.ServerHeaders,
)  # fmt: skip
def read_upload_options(context: UploadCollection, request: Request) -> None:
    """Read what this server can do of the tus protocol."""
    request.response.headers.update({
        "Tus-Version": protocol.VERSION,
        "Tus-Extension": protocol.EXTENSIONS,
        "Tus-Max-Size": str(request.core.settings.integer("lms.files.max_bytes")),
        "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
    })  # fmt: skip


@view_config(
    context=UploadCollection, request_method="POST", permission="files:create", headers=schemas.CreationHeaders,
    idempotent="late",
    consumes=protocol.CHUNK_TYPE, status=201, answer_headers=schemas.StateHeaders,
    errors=(*WRITING_ERRORS, "409 too_many_uploads", "413 quota_exceeded"),
)  # fmt: skip
def begin_upload(context: UploadCollection, request: Request) -> None:
    """Begin an upload that can be resumed (tus 1.0), with its first bytes or without any.

    It has `Upload-Length` bytes of the quota until it expires. `Location` is where its bytes go, by `PATCH`; when all
    are there, `Upload-File` says which file they became, the same as `POST /files` would have made.
    """
    _check_version(request)
    length = protocol.number(request.headers.get("Upload-Length"), "Upload-Length")
    made = service.begin_upload(request.core, request.caller, length, request.headers.get("Upload-Metadata", ""))
    created(request, "uploads", made)
    with hold(request.core, made, request.caller.user_id) as held:
        if request.content_type == protocol.CHUNK_TYPE:
            _write(request, held)
        else:
            _finish(request, held)


@view_config(
    context=UploadItem, request_method="GET", permission="files:create", returns=schemas.UploadSchema,
    answer_headers=schemas.StateHeaders,
)  # fmt: skip
def read_upload(context: UploadItem, request: Request) -> Any:
    """Read how far an upload is; `HEAD` says so in headers alone."""
    row = context.row
    _describe(request, row.received, row.expires_at, row.file_id)
    request.response.headers["Upload-Length"] = str(row.length)
    if row.details:
        request.response.headers["Upload-Metadata"] = row.details
    request.response.cache_control = "no-store"
    return row


# Pyramid lets the view of a GET answer HEAD too; `containment` makes this the more specific one, which is asked first.
@view_config(
    context=UploadItem, request_method="HEAD", containment=UploadCollection, permission="files:create",
    headers=schemas.TusHeaders, status=200, answer_headers=schemas.StateHeaders, errors=("412 tus_version",),
)  # fmt: skip
def check_upload(context: UploadItem, request: Request) -> None:
    """Ask how far an upload is, before going on with it."""
    _check_version(request)
    read_upload(context, request)


@view_config(
    context=UploadItem, request_method="PATCH", permission="files:create", headers=schemas.ChunkHeaders,
    consumes=protocol.CHUNK_TYPE, status=204, answer_headers=schemas.StateHeaders,
    errors=(*WRITING_ERRORS, "409 upload_offset_mismatch"),
)  # fmt: skip
def append_to_upload(context: UploadItem, request: Request) -> None:
    """Send the bytes from `Upload-Offset` on; what has come is kept where the connection breaks."""
    _check_version(request)
    if request.content_type != protocol.CHUNK_TYPE:
        raise UnsupportedMediaType("unsupported_media_type", _("Send application/offset+octet-stream."))
    offset = protocol.number(request.headers.get("Upload-Offset"), "Upload-Offset")
    with hold(request.core, context.id, request.caller.user_id) as held:
        if offset != held.received:
            raise Conflict(
                "upload_offset_mismatch", _("The upload has ${count} bytes.", mapping={"count": held.received})
            )
        _write(request, held)


@view_config(
    context=UploadItem, request_method="DELETE", permission="files:create", headers=schemas.TusHeaders, status=204,
    errors=("412 tus_version", "423 upload_locked"),
)  # fmt: skip
def end_upload(context: UploadItem, request: Request) -> None:
    """Give an upload up, and forget what was sent; a file that it has become stays."""
    _check_version(request)
    with hold(request.core, context.id, request.caller.user_id) as held:
        service.end_upload(request.core, held)


@view_config(
    context=UploadItem, request_method="POST", permission="files:create", headers=schemas.OverrideHeaders, status=204,
    idempotent=False, errors=(*WRITING_ERRORS, "405 method_not_allowed", "409 upload_offset_mismatch"),
)  # fmt: skip
def change_upload_by_post(context: UploadItem, request: Request) -> None:
    """Do what `X-HTTP-Method-Override` says, `PATCH` or `DELETE`, where a network lets neither through."""
    meant = {"PATCH": append_to_upload, "DELETE": end_upload}
    method = request.headers.get("X-HTTP-Method-Override", "").upper()
    if method not in meant:
        raise MethodNotAllowed()
    meant[method](context, request)
