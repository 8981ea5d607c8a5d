"""What signing in takes and answers."""

from marshmallow import fields, validate

from lms_core.accounts.fields import AccountName, Password
from lms_core.accounts.profile.schemas import ProfileSchema
from lms_core.kernel.schemas import Schema, Text, Timestamp


class LoginSchema(Schema):
    """An e-mail address and the password."""

    email = AccountName(required=True)
    password = Password(required=True)


class ChallengeSchema(Schema):
    """The challenge of ``two_factor_required``, with a code of the authenticator app or a backup code."""

    challenge = fields.String(required=True, load_only=True, validate=validate.Length(1, 2000))
    code = Text(required=True, min=1, max=40, metadata={"example": "492039"})


class RefreshSchema(Schema):
    """The refresh token; left out, it is read from its cookie."""

    refresh_token = fields.String(load_default=None, allow_none=True, load_only=True, validate=validate.Length(1, 200))


class TokensSchema(Schema):
    """The tokens of a session. ``expiresIn`` is the life of the access token in seconds."""

    access_token = fields.String(dump_only=True, metadata={"example": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.eyJz...kQ"})
    refresh_token = fields.String(dump_only=True, metadata={"example": "0e20ae98902f59d4a1d8a702857b8e52.mUt3...08"})
    token_type = fields.Constant("Bearer", dump_only=True)
    expires_in = fields.Integer(dump_only=True)
    csrf_token = fields.String(dump_only=True)


class SignedInSchema(TokensSchema):
    """The tokens of a new session, whose it is, and what they may do (``resource:action:scope``)."""

    user = fields.Nested(ProfileSchema(exclude=("permissions",)), dump_only=True)
    permissions = fields.List(fields.String(), dump_only=True)


class SessionSchema(Schema):
    """A device that is signed in."""

    id = fields.UUID(dump_only=True)
    device_name = fields.String(dump_only=True, allow_none=True)
    device_type = fields.String(dump_only=True, allow_none=True, metadata={"description": "mobile, tablet or desktop"})
    browser = fields.String(dump_only=True, allow_none=True)
    browser_version = fields.String(dump_only=True, allow_none=True)
    os = fields.String(dump_only=True, allow_none=True)
    os_version = fields.String(dump_only=True, allow_none=True)
    ip_address = fields.String(dump_only=True, allow_none=True)
    location = fields.Dict(dump_only=True)
    created_at = Timestamp(dump_only=True)
    last_accessed_at = Timestamp(dump_only=True)
    expires_at = Timestamp(dump_only=True)
    current = fields.Boolean(dump_only=True)
