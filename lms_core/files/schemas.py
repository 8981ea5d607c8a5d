"""The representation of an uploaded file."""

from marshmallow import fields

from lms_core.kernel.schemas import Schema, Timestamp


class FileSchema(Schema):
    """An uploaded file; its bytes are at ``/files/{fileId}/content``."""

    id = fields.UUID()
    name = fields.String(attribute="file_name")
    size = fields.Integer(attribute="file_size", metadata={"description": "Bytes."})
    type = fields.String(
        attribute="file_type", metadata={"description": "image, video, audio, text, document, archive or other."}
    )
    mime_type = fields.String(metadata={"description": "Told by the content, not by the name."})
    checksum = fields.String(metadata={"description": "SHA-256, in lower-case hex."})
    virus_scan_result = fields.String(metadata={"description": "`skipped` where no scanner has looked."})
    uploaded_by = fields.UUID()
    uploaded_at = Timestamp()
