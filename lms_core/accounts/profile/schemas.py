"""The profile as its owner reads and edits it."""

from marshmallow import fields

from lms_core.accounts.fields import (
    EmailAddress,
    Password,
    check_birthday,
    check_country,
    check_language,
    check_phone,
    check_time_zone,
)
from lms_core.kernel.schemas import Schema, Text, Timestamp


class ProfileSchema(Schema):
    """An account as its owner sees it. ``permissions`` are ``resource:action:scope``."""

    id = fields.UUID(dump_only=True)
    email = fields.String(dump_only=True)
    email_verified = fields.Boolean(dump_only=True)
    pending_email = fields.String(
        dump_only=True, allow_none=True, metadata={"description": "The address it changes to once that is verified"}
    )
    first_name = fields.String(dump_only=True)
    last_name = fields.String(dump_only=True)
    full_name = fields.String(dump_only=True)
    display_name = fields.String(dump_only=True, allow_none=True)
    avatar_url = fields.String(dump_only=True, allow_none=True, metadata={"example": "/api/v1/files/b68cd876/content"})
    bio = fields.String(dump_only=True, allow_none=True)
    phone = fields.String(dump_only=True, allow_none=True)
    date_of_birth = fields.Date(dump_only=True, allow_none=True)
    gender = fields.String(dump_only=True, allow_none=True)
    country = fields.String(dump_only=True, allow_none=True)
    timezone = fields.String(dump_only=True)
    preferred_language = fields.String(dump_only=True)
    two_factor_enabled = fields.Boolean(dump_only=True)
    must_change_password = fields.Boolean(
        dump_only=True,
        metadata={
            "description": "Whether all but changing it is refused: `password_change_required`",
            "example": False,
        },
    )
    last_login_at = Timestamp(dump_only=True, allow_none=True)
    created_at = Timestamp(dump_only=True)
    updated_at = Timestamp(dump_only=True)
    groups = fields.List(fields.String(), dump_only=True)
    permissions = fields.List(fields.String(), dump_only=True)


class MeSchema(ProfileSchema):
    """The whole of it, with what other domains keep about a person."""

    storage_used_bytes = fields.Integer(dump_only=True)
    notification_preferences = fields.Dict(dump_only=True, metadata={"example": {"course_completed": ["email"]}})


class ProfileEditSchema(Schema):
    """What the owner may change; what is left out stays. A new ``email`` needs ``currentPassword``."""

    first_name = Text(min=1, max=100)
    last_name = Text(min=1, max=100)
    display_name = Text(min=1, max=200, allow_none=True)
    bio = Text(max=5000, multiline=True, allow_none=True)
    phone = Text(max=20, allow_none=True, validate=check_phone)
    date_of_birth = fields.Date(allow_none=True, validate=check_birthday)
    gender = Text(max=20, allow_none=True)
    country = Text(max=2, allow_none=True, validate=check_country)
    timezone = Text(max=50, validate=check_time_zone)
    preferred_language = Text(max=35, validate=check_language)
    email = EmailAddress()
    current_password = Password()
