"""What a lesson may hold: each content type checks and cleans what an author sends for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from lms_core.courses.html import MAX_LENGTH, reading_minutes, sanitize
from lms_core.kernel import schemas
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema, Text


@dataclass(frozen=True, slots=True)
class Prepared:
    """Content ready to be stored; ``minutes`` is None where only the author knows."""

    content: dict[str, Any]
    minutes: int | None = None
    removed: tuple[str, ...] = ()


class TextContent(Schema):
    """``{"html": "..."}``."""

    html = fields.String(required=True, validate=validate.Length(max=MAX_LENGTH))


class LinkContent(Schema):
    """``{"url": "https://...", "description": "..."}``."""

    url = fields.Url(required=True, schemes={"http", "https"}, validate=validate.Length(max=2000))
    description = Text(max=2000, multiline=True)


def _text(content: Any) -> Prepared:
    loaded = schemas.load(TextContent(), content)
    clean = sanitize(loaded["html"])
    return Prepared({"html": clean.html}, reading_minutes(clean.html), tuple(clean.removed))


def _link(content: Any) -> Prepared:
    return Prepared(schemas.load(LinkContent(), content))


_TYPES: Mapping[str, Callable[[Any], Prepared]] = {"text": _text, "link": _link}


def prepare(content_type: str, content: Any) -> Prepared:
    """Check and clean the content. Raises 422 ``content_type_unknown``, ``invalid`` (errors below ``content``)."""
    if content_type not in _TYPES:
        raise Invalid("content_type_unknown", _("No such content type."), errors={"contentType": [content_type]})
    try:
        return _TYPES[content_type](content)
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors={"content": error.errors}) from None
