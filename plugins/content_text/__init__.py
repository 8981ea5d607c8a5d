"""Text lessons: HTML, made safe, with the files that it shows.

Content: ``{"html": "..."}``. What is taken out (scripts, handlers, embedded pages) is told. An image or a link at
``/api/v1/files/{id}/content`` is a file of the author's that readers of the lesson may have. The lesson takes as long
as reading does, at 200 words a minute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lms_core.plugin_api import (
    MAX_HTML,
    ContentContext,
    ContentType,
    Evidence,
    Lack,
    Prepared,
    Schema,
    _,
    fields,
    hookimpl,
    is_blank,
    reading_minutes,
    sanitize,
    short_of,
    validate,
)

api_version = "1"


class TextContent(Schema):
    """A text."""

    html = fields.String(
        required=True, validate=validate.Length(max=MAX_HTML), metadata={"title": _("Text"), "format": "html"}
    )


class TextCriteria(Schema):
    """``readPercent``: how far down the text must have been scrolled."""

    read_percent = fields.Integer(
        strict=True, validate=validate.Range(1, 100), metadata={"title": _("Percentage of the text to read")}
    )


class TextType(ContentType):
    name = "text"
    title = _("Text")
    schema = TextContent
    criteria = TextCriteria
    parts = "percent"

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        clean = sanitize(content["html"])
        context.files_in(clean.html, "html")
        return Prepared({"html": clean.html}, clean.removed)

    def minutes(self, content: Mapping[str, Any]) -> int:
        return reading_minutes(content["html"])

    def shows(self, content: Mapping[str, Any]) -> bool:
        return not is_blank(content.get("html", ""))

    def extent(self, content: Mapping[str, Any]) -> int:
        return 100

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        return short_of(criteria, "readPercent", evidence.percent)


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [TextType()]
