"""What registration and verification take and answer."""

from marshmallow import fields

from lms_core.accounts.fields import AccountName, EmailAddress, Password
from lms_core.kernel.schemas import Schema, Text


class RegisterSchema(Schema):
    """A person who wants an account."""

    email = EmailAddress(required=True)
    password = Password(required=True)
    first_name = Text(required=True, min=1, max=100)
    last_name = Text(required=True, min=1, max=100)


class RegisteredSchema(Schema):
    """The account that was made; it can sign in once its address is verified."""

    id = fields.UUID(dump_only=True)
    email = fields.String(dump_only=True)
    email_verified = fields.Boolean(dump_only=True, metadata={"example": False})
    first_name = fields.String(dump_only=True)
    last_name = fields.String(dump_only=True)
    message = fields.String(
        dump_only=True, metadata={"example": "Follow the link that we sent to robin@example.org to finish."}
    )


class VerifySchema(Schema):
    """The token of a verification link."""

    token = Text(required=True, min=1, max=200)


class VerifiedSchema(Schema):
    """The address that is now the account's."""

    email = fields.String(dump_only=True)
    email_verified = fields.Boolean(dump_only=True)


class AddressSchema(Schema):
    """The address that somebody says is theirs."""

    email = AccountName(required=True)


class MessageSchema(Schema):
    """A sentence for the person."""

    message = fields.String(
        dump_only=True, metadata={"example": "If this address has an account, a link is on its way."}
    )
