"""The representations of exports and imports."""

from marshmallow import fields, validate

from lms_core.courses.exchange.models import STATUSES
from lms_core.kernel.schemas import Schema, Text, Timestamp


class ExportRequestSchema(Schema):
    """What of a course is wanted, and how."""

    version = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 999_999_999),
        load_default=None,
        metadata={"description": "A version's number; without one the draft."},
    )
    format = Text(
        max=50,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "A format's name; without one the first that is installed.",
            "example": "common_cartridge",
        },
    )


class LeftOutSchema(Schema):
    """Something that did not come along."""

    name = fields.String()
    reason = fields.String(metadata={"description": "For a person, in the language of who asked."})


class JobSchema(Schema):
    """A job, for who asked for it."""

    id = fields.UUID()
    status = fields.String(metadata={"enum": list(STATUSES), "example": "done"})
    error = fields.String(
        allow_none=True,
        metadata={
            "description": "Of a failed job, and of a pending one that will be tried again, a stable code.",
            "example": "storage_unavailable",
        },
    )
    detail = fields.String(allow_none=True, metadata={"description": "The error in words."})
    created_at = Timestamp()
    started_at = Timestamp(allow_none=True)
    finished_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True, metadata={"description": "When the job, and its file, are forgotten."})


class ExportSchema(JobSchema):
    """An export; once it is done, its file is at ``/exports/{exportId}/content``."""

    course_id = fields.UUID()
    version = fields.Integer(allow_none=True, metadata={"description": "Null for the draft."})
    format = fields.String(metadata={"example": "common_cartridge"})
    file_name = fields.String(allow_none=True)
    file_size = fields.Integer(allow_none=True, metadata={"description": "Bytes."})
    lost = fields.List(
        fields.Nested(LeftOutSchema), metadata={"description": "Files of the course that are lost, or infected."}
    )


class ImportRequestSchema(Schema):
    """An uploaded file, for example a Common Cartridge, that is to become a course."""

    file_id = fields.UUID(required=True, metadata={"description": "A file of one's own: see `POST /files`."})
    publish = fields.Boolean(load_default=False)


class ImportSchema(JobSchema):
    """An import; once it is done, it names the course."""

    file_id = fields.UUID(allow_none=True)
    publish = fields.Boolean()
    course_id = fields.UUID(allow_none=True)
    modules = fields.Integer(allow_none=True)
    lessons = fields.Integer(allow_none=True)
    files = fields.Integer(allow_none=True)
    skipped = fields.List(
        fields.Nested(LeftOutSchema), metadata={"description": "What of the file could not be brought."}
    )
