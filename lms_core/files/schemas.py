"""The representations of uploaded files."""

from marshmallow import fields, validate

from lms_core.files.kinds import CATEGORIES
from lms_core.files.models import CLEAN, FAILED, INFECTED, PENDING, SKIPPED
from lms_core.kernel.openapi.operations import Binary
from lms_core.kernel.pagination import CursorQuery
from lms_core.kernel.schemas import Schema, Timestamp


class FileSchema(Schema):
    """An uploaded file; its bytes are at ``/files/{fileId}/content``."""

    id = fields.UUID()
    name = fields.String(attribute="file_name")
    size = fields.Integer(attribute="file_size", metadata={"description": "Bytes."})
    type = fields.String(
        attribute="file_type", metadata={"enum": list(CATEGORIES), "description": "The media type in one word."}
    )
    mime_type = fields.String(metadata={"description": "Told by the content, not by the name."})
    checksum = fields.String(metadata={"description": "SHA-256, in lower-case hex."})
    scan_status = fields.String(
        attribute="virus_scan_result",
        metadata={
            "enum": [PENDING, CLEAN, INFECTED, FAILED, SKIPPED],
            "description": "`skipped` where there is no scanner; `failed` what one could not look through.",
        },
    )
    thumbnail_url = fields.String(
        allow_none=True, metadata={"description": "A path of this site; null where there is no thumbnail, or not yet."}
    )
    uploaded_by = fields.UUID()
    uploaded_at = Timestamp()


class FileLinkSchema(Schema):
    """An address that hands out a file to whoever has it, and when it ends."""

    url = fields.String(metadata={"format": "uri"})
    expires_at = Timestamp()


class FileLinkQuery(Schema):
    """What such an address carries; change nothing in it."""

    by = fields.String(
        load_default="",
        metadata={
            "description": "Who made it.",
            "example": "5630b5c2-7184-589d-ba4d-27114aa394f5",
        },
    )
    expires = fields.String(
        load_default="",
        metadata={
            "description": "When it ends, in seconds since 1970.",
            "example": "1769860800",
        },
    )
    signature = fields.String(
        load_default="",
        metadata={
            "description": "That it was made here.",
            "example": "9f86d081884c7d659a2feaa0c55ad015",
        },
    )


class FileListQuery(CursorQuery):
    """Which files: by kind, and by owner for those who see everybody's."""

    type = fields.String(load_default=None, validate=validate.OneOf(CATEGORIES))
    uploaded_by = fields.UUID(load_default=None)


class FileForm(Schema):
    """A form with one file; other fields count for nothing."""

    file = Binary(required=True)


class FileNameQuery(Schema):
    """What the file is to be called; a form names its file itself."""

    name = fields.String(
        load_default=None,
        validate=validate.Length(max=1000),
        metadata={
            "description": "The file's name.",
            "example": "lecture-1.pdf",
        },
    )
