"""The representations of a course's staff."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from lms_core.courses.access import ROLES
from lms_core.courses.schemas import PersonSchema
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

_MOST_PERMISSIONS = 200


class StaffSchema(Schema):
    """Somebody who helps to run the course."""

    user = Part(PersonSchema, "user_")
    role = fields.String()
    permissions = fields.Dict(
        metadata={
            "description": "What was given (true) or taken (false) beside the role.",
            "example": {"lessons:update": True},
        }
    )
    assigned_at = Timestamp()


class StaffMemberSchema(StaffSchema):
    """A member of the staff, with all that comes of role and permissions."""

    effective = fields.List(fields.String(), metadata={"description": "Every permission the person has here."})


class StaffChangeSchema(Schema):
    """A role, and what a person has beside or without it."""

    role = fields.String(validate=validate.OneOf(ROLES))
    permissions = fields.Dict(
        keys=fields.String(validate=validate.Length(max=100)),
        values=fields.Boolean(),
        validate=validate.Length(max=_MOST_PERMISSIONS),
        metadata={"example": {"lessons:update": True, "modules:delete": False}},
    )


class StaffAssignSchema(StaffChangeSchema):
    """Somebody to join the staff, by id or e-mail address."""

    example = {"email": "robin@example.org", "role": "teaching_assistant", "permissions": {"lessons:update": True}}
    user_id = fields.UUID()
    email = Text(min=1, max=254)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))

    @validates_schema
    def _one_name(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("user_id" in data) == ("email" in data):
            raise ValidationError({"userId": [_("Name the person by userId or by email.")]})
