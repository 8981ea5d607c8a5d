"""Link lessons: a page elsewhere, for readers to open.

Content: ``{"url": "https://...", "description": "..."}``. A client that sees the link followed reports its one part as
seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lms_core.plugin_api import ContentType, Evidence, Lack, Schema, Text, _, fields, hookimpl, validate

api_version = "1"


class LinkContent(Schema):
    """A page elsewhere."""

    url = fields.Url(
        required=True, schemes={"http", "https"}, validate=validate.Length(max=2000), metadata={"title": _("Address")}
    )
    description = Text(max=2000, multiline=True, metadata={"title": _("Description")})


class LinkCriteria(Schema):
    """``opened``: whether the link must have been followed."""

    opened = fields.Boolean(metadata={"title": _("The link has to be opened")})


class LinkType(ContentType):
    name = "link"
    title = _("Link")
    schema = LinkContent
    criteria = LinkCriteria
    parts = "link"

    def extent(self, content: Mapping[str, Any]) -> int:
        return 1

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        wanted = criteria.get("opened") and not evidence.seen
        return [Lack("opened", True, False)] if wanted else []


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [LinkType()]
