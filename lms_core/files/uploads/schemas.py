"""The representation of an upload that can be resumed, and the headers of the protocol."""

from marshmallow import fields

from lms_core.kernel.schemas import Schema, Timestamp


class UploadSchema(Schema):
    """An upload; ``fileId`` is the file that it became."""

    id = fields.UUID()
    name = fields.String(attribute="file_name")
    length = fields.Integer(metadata={"description": "Bytes it shall have."})
    offset = fields.Integer(attribute="received", metadata={"description": "Bytes it has."})
    file_id = fields.UUID(allow_none=True)
    created_at = Timestamp()
    expires_at = Timestamp()


_DETAILS = {
    "description": "Pairs of a name and a value in base64, by commas; `filename` is what the file is called.",
    "example": "filename bGVjdHVyZS5tcDQ=",
}
_CHECKSUM = {
    "description": "Of the bytes in this request: the algorithm, and the digest in base64.",
    "example": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
}


class TusHeaders(Schema):
    """What every request of the protocol carries."""

    version = fields.String(
        data_key="Tus-Resumable",
        required=True,
        metadata={
            "description": "The protocol's version.",
            "example": "1.0.0",
        },
    )


class CreationHeaders(TusHeaders):
    """How large the upload will be, and what it is called: ``filename`` with its value in base64."""

    length = fields.Integer(
        data_key="Upload-Length", required=True, metadata={"description": "Bytes it shall have.", "example": 104857600}
    )
    details = fields.String(data_key="Upload-Metadata", metadata=_DETAILS)
    checksum = fields.String(data_key="Upload-Checksum", metadata=_CHECKSUM)


class ChunkHeaders(TusHeaders):
    """Where the bytes belong, and what they add up to."""

    offset = fields.Integer(
        data_key="Upload-Offset", required=True, metadata={"description": "Bytes that are there.", "example": 1048576}
    )
    checksum = fields.String(data_key="Upload-Checksum", metadata=_CHECKSUM)


class OverrideHeaders(TusHeaders):
    """The method that is meant."""

    method = fields.String(
        data_key="X-HTTP-Method-Override",
        required=True,
        metadata={
            "enum": ["PATCH", "DELETE"],
            "description": "For clients that can send neither.",
        },
    )


class StateHeaders(Schema):
    """How far the upload is."""

    offset = fields.Integer(data_key="Upload-Offset", metadata={"example": 2097152})
    length = fields.Integer(data_key="Upload-Length", metadata={"example": 104857600})
    details = fields.String(data_key="Upload-Metadata", metadata={"example": "filename bGVjdHVyZS5tcDQ="})
    expires = fields.String(data_key="Upload-Expires", metadata={"example": "Wed, 25 Jun 2026 16:00:00 GMT"})
    file = fields.String(
        data_key="Upload-File", metadata={"description": "The file that it became.", "example": "https://.../files/..."}
    )


class ServerHeaders(Schema):
    """What the server can do."""

    version = fields.String(data_key="Tus-Version", metadata={"example": "1.0.0"})
    extension = fields.String(data_key="Tus-Extension", metadata={"example": "creation,termination"})
    max_size = fields.Integer(data_key="Tus-Max-Size", metadata={"example": 2147483648})
    algorithms = fields.String(data_key="Tus-Checksum-Algorithm", metadata={"example": "sha1,sha256"})
