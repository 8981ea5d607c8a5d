"""Uploaded files over HTTP."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.files import schemas
from lms_core.files.content import content_response
from lms_core.files.resources import FileItem
from lms_core.kernel.request import Request


@view_config(context=FileItem, request_method="GET", permission="files:read", returns=schemas.FileSchema)
def read_file(context: FileItem, request: Request) -> Any:
    """Read what is known of a file."""
    return context.row


@view_config(
    context=FileItem, name="content", request_method="GET", permission="files:read", produces="*/*",
    errors=("503 storage_unavailable",), answers={206: "The range that `Range` asks for.", 416: "No such range."},
)  # fmt: skip
def read_file_content(context: FileItem, request: Request) -> Response:
    """Download a file.

    With `ETag`, `Last-Modified` and `Range`. Types that a browser may safely show are inline, all others attachments.
    """
    return content_response(request.registry.storage, context.row)
