"""The representation of a content type."""

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from lms_core.courses.content.types import ContentType
from lms_core.kernel.openapi import json_schema
from lms_core.kernel.schemas import Number, Schema


class EvidenceSchema(Schema):
    """What heartbeats report of a lesson of this kind."""

    parts = fields.String(
        metadata={"description": "What `seen` and `position` count: `second`, `page`, ...; empty where nothing is."}
    )
    pace = Number(
        allow_none=True, metadata={"description": "Parts that count for each second spent; null: any number."}
    )
    reports = fields.Boolean(metadata={"description": "Whether the page shown tells `finished` and `score`."})


class ContentTypeSchema(Schema):
    """What a lesson can be: all that an editor needs to offer it."""

    name = fields.String(metadata={"description": "What a lesson's `contentType` says."})
    title = fields.String()
    schema = fields.Dict(
        metadata={"description": "JSON Schema of `content`; what is `readOnly` is not the author's to say."}
    )
    criteria = fields.Dict(metadata={"description": "JSON Schema of `completionCriteria`."})
    evidence = fields.Nested(EvidenceSchema)


def described(kind: ContentType, translate: Callable[[str], str]) -> dict[str, Any]:
    """A row of the list, in the language of whoever asks."""
    return {
        "name": kind.name,
        "title": translate(kind.title),
        "schema": json_schema(kind.schema, translate),
        "criteria": json_schema(kind.criteria, translate),
        "evidence": {"parts": kind.parts, "pace": kind.pace, "reports": kind.reports},
    }
