"""Text lessons: HTML, made safe, with the files that it shows.

Content: ``{"html": "..."}``. What is taken out (scripts, handlers, embedded pages) is told. An image or a link at
``/api/v1/files/{id}/content`` is a file of the author's that readers of the lesson may have. The lesson takes as long
as reading does, at 200 words a minute.
"""

from collections.abc import Mapping
from typing import Any

from lms_core.plugin_api import (
    MAX_HTML,
    ContentContext,
    ContentType,
    Prepared,
    Schema,
    _,
    fields,
    hookimpl,
    reading_minutes,
    sanitize,
    validate,
)

api_version = "1"


class TextContent(Schema):
    """A text."""

    html = fields.String(
        required=True, validate=validate.Length(max=MAX_HTML), metadata={"title": _("Text"), "format": "html"}
    )


class TextType(ContentType):
    name = "text"
    title = _("Text")
    schema = TextContent

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        clean = sanitize(content["html"])
        context.files_in(clean.html, "html")
        return Prepared({"html": clean.html}, clean.removed)

    def minutes(self, content: Mapping[str, Any]) -> int:
        return reading_minutes(content["html"])


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [TextType()]
