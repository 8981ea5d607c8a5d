"""Uploaded files over HTTP."""

from typing import Any

import structlog
from pyramid.response import Response
from pyramid.view import exception_view_config, view_config

from lms_core.files import schemas
from lms_core.files.content import content_response
from lms_core.files.resources import FileItem
from lms_core.files.storage import StorageUnavailable
from lms_core.kernel.errors import problem
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
    return content_response(request.registry.storages, context.row)


@exception_view_config(context=StorageUnavailable)
def storage_unavailable(error: StorageUnavailable, request: Request) -> Response:
    """The refusal like any other; what the backend said goes into the log."""
    structlog.get_logger("lms.files").error("storage_unavailable", reason=repr(error.__cause__))
    return problem(request, error)
