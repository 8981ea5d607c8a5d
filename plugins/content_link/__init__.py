"""Link lessons: a page elsewhere, for readers to open.

Content: ``{"url": "https://...", "description": "..."}``.
"""

from lms_core.plugin_api import ContentType, Schema, Text, _, fields, hookimpl, validate

api_version = "1"


class LinkContent(Schema):
    """A page elsewhere."""

    url = fields.Url(
        required=True, schemes={"http", "https"}, validate=validate.Length(max=2000), metadata={"title": _("Address")}
    )
    description = Text(max=2000, multiline=True, metadata={"title": _("Description")})


class LinkType(ContentType):
    name = "link"
    title = _("Link")
    schema = LinkContent


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [LinkType()]
