"""Content types over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.content.resources import ContentTypes
from lms_core.courses.content.schemas import ContentTypeSchema, described
from lms_core.courses.content.types import content_types
from lms_core.kernel.request import Request


@view_config(
    context=ContentTypes, request_method="GET", permission="content_types:list", returns=ContentTypeSchema, many="list",
)  # fmt: skip
def list_content_types(context: ContentTypes, request: Request) -> list[Any]:
    """List what a lesson can be.

    Each with the JSON Schema of its `content` and of its `completionCriteria`, titles in the caller's language.
    """
    return [described(kind, request.localizer.translate) for kind in content_types(request.core).values()]
