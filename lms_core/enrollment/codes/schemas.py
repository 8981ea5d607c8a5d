"""The representations of access codes."""

from marshmallow import ValidationError, fields, validate, validates

from lms_core.enrollment.codes.forms import MOST, SHORTEST, key_of, well_formed
from lms_core.enrollment.schemas import ApplicantSchema
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

STATUSES = ("valid", "not_valid_yet", "used_up", "expired", "revoked")
_OWN = f"{SHORTEST} letters and digits or more; without it, one is made up that nobody guesses."


class AccessCodeSchema(Schema):
    """A code that lets people into a course. Case, spaces and dashes make no difference to it."""

    id = fields.UUID()
    course_id = fields.UUID()
    code = fields.String(metadata={"example": "K7QD-MW3P-XN4T"})
    description = fields.String(allow_none=True)
    status = fields.String(metadata={"enum": list(STATUSES), "example": "valid"})
    max_uses = fields.Integer(allow_none=True)
    used_count = fields.Integer()
    valid_from = Timestamp()
    valid_until = Timestamp(allow_none=True)
    revoked_at = Timestamp(allow_none=True)
    created_at = Timestamp()


class AccessCodeChangeSchema(Schema):
    """What can be changed of a code; only the fields sent are."""

    description = Text(max=500, allow_none=True)
    max_uses = fields.Integer(
        validate=validate.Range(1, MOST), allow_none=True, strict=True, metadata={"description": "Null: without end."}
    )
    valid_from = Timestamp()
    valid_until = Timestamp(allow_none=True)


class AccessCodeCreateSchema(AccessCodeChangeSchema):
    """A new code."""

    code = Text(min=SHORTEST, max=50, metadata={"description": _OWN, "example": "OPEN-DAY-2026"})

    @validates("code")
    def _code(self, value: str, data_key: str) -> None:
        if not well_formed(value):
            raise ValidationError(_("Letters, digits, spaces and dashes only."))
        if len(key_of(value)) < SHORTEST:
            raise ValidationError(_("Shorter than ${min} characters.", mapping={"min": SHORTEST}))


class AccessCodesQuery(PageQuery):
    """Which codes of a course."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default=None)


class AccessCodeUseSchema(Schema):
    """That somebody has used a code."""

    user = Part(ApplicantSchema, "user_")
    used_at = Timestamp()
