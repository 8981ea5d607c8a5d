"""Thumbnails and avatars over HTTP."""

from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.files.body import BODY_ERRORS, read_body
from lms_core.files.content import content_response
from lms_core.files.pictures import queries, schemas, service
from lms_core.files.pictures.resources import AvatarItem, MyAvatar
from lms_core.files.resources import FileItem
from lms_core.files.scanning import check_cleared
from lms_core.files.schemas import FileForm
from lms_core.kernel.errors import NotFound
from lms_core.kernel.request import Request
from lms_core.kernel.security import caller_id
from lms_core.kernel.views import created

_KEPT = "public, max-age=86400, immutable"
"""A picture at an address never changes; but one that was deleted shall not be seen for long."""
_PICTURES = ("image/jpeg", "image/png", "image/webp")


@view_config(
    context=FileItem, name="thumbnail", request_method="GET", permission="files:read", produces="image/webp",
    errors=("409 file_infected", "409 file_not_scanned", "503 storage_unavailable"),
    answers={304: "Nothing has changed."},
)  # fmt: skip
def read_thumbnail(context: FileItem, request: Request) -> Response:
    """Show an image as a thumbnail: it is made some time after the upload, and 404 where there is none."""
    check_cleared(context.row, caller_id(request))
    picture = queries.thumbnail(request.reader, context.row.id, context.row.file_name)
    if picture is None:
        raise NotFound()
    return content_response(request, picture)


@view_config(
    context=MyAvatar, request_method="POST", permission="users:update", idempotent="late", consumes=_PICTURES,
    form=FileForm, returns=schemas.AvatarSchema, status=201, tags=("users",),
    errors=(
        *BODY_ERRORS, "422 image_unsupported", "422 image_invalid", "422 image_too_large", "422 file_infected",
        "503 busy", "503 scanner_unavailable", "503 storage_unavailable",
    ),
)  # fmt: skip
def set_avatar(context: MyAvatar, request: Request) -> Any:
    """Show oneself by a picture: JPEG, PNG or WebP of up to 5 MB, as the body itself or as the file of a form.

    It is cut to squares, and nothing else of the file that was sent is kept. The answer's address is public.
    """
    registry, caller = request.registry, request.caller
    pictures = service.read_avatar(read_body(request, service.AVATAR_BYTES), registry.scanners, registry.studio)
    avatar = service.set_avatar(request.db, registry.storage, caller.user_id, pictures, request)
    created(request, "avatars", avatar.id)
    return {"avatar_url": service.avatar_url(avatar.id)}


@view_config(context=MyAvatar, request_method="DELETE", permission="users:update", status=204, tags=("users",))
def delete_avatar(context: MyAvatar, request: Request) -> None:
    """Take one's picture away."""
    service.delete_avatar(request.db, request.caller.user_id, request)


@view_config(
    context=AvatarItem, request_method="GET", permission=NO_PERMISSION_REQUIRED, query=schemas.AvatarQuery,
    produces=_PICTURES, errors=("503 storage_unavailable",),
)  # fmt: skip
def read_avatar(context: AvatarItem, request: Request) -> Response:
    """Show somebody's picture. Everybody may keep it for a day."""
    response = content_response(request, context.row, _KEPT)
    response.vary = None
    return response
