"""The representations of what was granted to a student."""

from marshmallow import ValidationError, fields, validate

from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp


class GranterSchema(Schema):
    """Who granted it last."""

    id = fields.UUID()
    name = fields.String()
    avatar_url = fields.String(allow_none=True)


class ModuleDateSchema(Schema):
    """When a module opens to the student, in place of its own date."""

    module_id = fields.UUID(required=True)
    unlocks_at = Timestamp(required=True)


def _hundredths(factor: float) -> None:
    if round(factor, 2) != factor:
        raise ValidationError(_("No more than two decimals."))


class AccommodationChangeSchema(Schema):
    """All that is granted; what is not sent, is not."""

    extra_time_factor = fields.Float(
        validate=[validate.Range(1, 5), _hundredths],
        load_default=1.0,
        allow_nan=False,
        metadata={
            "description": "How many times as much time as others where time is limited, in hundredths.",
            "example": 1.5,
        },
    )
    extra_attempts = fields.Integer(
        validate=validate.Range(0, 100),
        strict=True,
        load_default=0,
        metadata={"description": "How many more attempts than others where they are limited."},
    )
    extended_until = Timestamp(
        allow_none=True, load_default=None, metadata={"description": "An end of the enrollment beyond `expiresAt`."}
    )
    waives_sequence = fields.Boolean(
        load_default=False, metadata={"description": "Whether no module waits for the one before."}
    )
    modules = fields.List(fields.Nested(ModuleDateSchema), validate=validate.Length(max=500), load_default=list)
    reason = Text(
        max=2000,
        multiline=True,
        allow_none=True,
        load_default=None,
        metadata={"description": "For who decides about it; the student does not see it."},
    )


class AccommodationSchema(Schema):
    """What a student has beyond what all have."""

    enrollment_id = fields.UUID()
    extra_time_factor = fields.Float(metadata={"example": 1.5})
    extra_attempts = fields.Integer()
    extended_until = Timestamp(allow_none=True)
    waives_sequence = fields.Boolean()
    modules = fields.List(fields.Nested(ModuleDateSchema))
    reason = fields.String(allow_none=True, metadata={"description": "Null for the student."})
    granted_by = Part(GranterSchema, "granted_by_")
    updated_at = Timestamp(allow_none=True)
