"""What setting up the second factor takes and answers."""

from marshmallow import fields

from lms_core.accounts.fields import Password
from lms_core.kernel.schemas import Schema, Text


class PasswordSchema(Schema):
    """The caller's password."""

    password = Password(required=True)


class SecondFactorSchema(Schema):
    """The secret an authenticator app needs, three ways; it is shown this once."""

    secret = fields.String(
        dump_only=True, metadata={"description": "Base32, to type in", "example": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
    )
    otpauth_uri = fields.String(
        dump_only=True,
        metadata={
            "example": "otpauth://totp/LMS:robin%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=LMS"
        },
    )
    qr_png = fields.String(
        dump_only=True,
        metadata={"description": "The URI as a QR code: a PNG in base64", "example": "iVBORw0KGgoAAAANSUhEUgAA..."},
    )


class CodeSchema(Schema):
    """A code of the authenticator app."""

    code = Text(required=True, min=1, max=40, metadata={"example": "492039"})


class PasswordAndCodeSchema(PasswordSchema, CodeSchema):
    """The caller's password, and a code of the authenticator app or a backup code."""


class BackupCodesSchema(Schema):
    """Ten codes that each work once in place of the app; they are shown this once."""

    backup_codes = fields.List(fields.String(), dump_only=True, metadata={"example": ["k3f9-x2mw", "7hq2-p9ze"]})
