"""The representations of certificates."""

from marshmallow import fields, validate

from lms_core.certificates.queries import STATUSES
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

_NUMBER = {"example": "7K3M-9QXT-B2RD-8WHN"}
_STATUS = {"enum": list(STATUSES), "example": "valid"}


class CertificateIssuerSchema(Schema):
    """Who issued it."""

    name = fields.String()
    url = fields.String()


class CertificateSchema(Schema):
    """What anybody who has the number may know of a certificate: what is printed on it, and whether it is valid."""

    number = fields.String(attribute="certificate_number", metadata=_NUMBER)
    status = fields.String(metadata=_STATUS)
    holder_name = fields.String(
        allow_none=True,
        metadata={
            "description": "As printed. Null where it was revoked or superseded, or the account is deleted.",
            "example": "Robin Reed",
        },
    )
    course_title = fields.String()
    completed_on = fields.String(metadata={"format": "date", "example": "2026-01-31"})
    issued_on = fields.Date(metadata={"description": "As printed, in the holder's time zone.", "example": "2026-02-01"})
    expires_on = fields.Date(allow_none=True, metadata={"description": "As printed; `expiresAt` tells the moment."})
    grade = fields.String(allow_none=True)
    issued_at = Timestamp()
    expires_at = Timestamp(allow_none=True)
    revoked_at = Timestamp(allow_none=True)
    issuer = Part(CertificateIssuerSchema, "issuer_")
    verification_url = fields.String()


class CertificateFileSchema(Schema):
    """Whether a file is, byte by byte, one that was issued here, and what is known of the certificate then."""

    genuine = fields.Boolean()
    certificate = fields.Nested(CertificateSchema, allow_none=True)


class IssuedCertificateSchema(Schema):
    """A certificate, as its holder and the staff of its course see it."""

    number = fields.String(attribute="certificate_number", metadata=_NUMBER)
    status = fields.String(
        metadata={**_STATUS, "description": "A pending one is being made; nobody can verify it before."}
    )
    user_id = fields.UUID()
    course_id = fields.UUID()
    holder_name = fields.String(
        allow_none=True, metadata={"description": "Null where the account is deleted.", "example": "Robin Reed"}
    )
    course_title = fields.String()
    issued_at = Timestamp()
    expires_at = Timestamp(allow_none=True)
    revoked_at = Timestamp(allow_none=True)
    revoked_reason = fields.String(allow_none=True)
    verification_url = fields.String(allow_none=True, metadata={"description": "For people: what its QR code says."})
    pdf_url = fields.String(allow_none=True)
    credential_url = fields.String(allow_none=True, metadata={"description": "The Open Badges 3.0 credential."})


class CourseCertificatesQuery(PageQuery):
    """``status`` and ``userId`` narrow the list."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default=None)
    user_id = fields.UUID(load_default=None)


class IssueCertificateSchema(Schema):
    """Who has completed the course and is to have a certificate."""

    user_id = fields.UUID(required=True)


class RevokeCertificateSchema(Schema):
    """Why it is taken back; its holder is told, and nobody else."""

    reason = Text(min=1, max=1000, multiline=True, required=True, metadata={"example": "Issued by mistake."})


class ReissueCertificateSchema(Schema):
    """Why it is issued anew; kept with the old one."""

    reason = Text(min=1, max=1000, multiline=True, load_default=None, metadata={"example": "The name was misspelt."})
