"""The representations of what is done to an enrollment, and of what became of it."""

from marshmallow import fields

from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

STATUSES = ("active", "completed", "suspended", "dropped", "expired")


class StateReasonSchema(Schema):
    """Why; the student can read it."""

    example = {"reason": "The fee is not paid."}
    reason = Text(max=500, multiline=True, allow_none=True, load_default=None)


class EnrollmentDatesSchema(Schema):
    """From when and until when the enrollment lets the student in; null for no limit."""

    starts_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True)


class EnrollmentNotesSchema(Schema):
    """What the staff note about a student; the student never sees it."""

    notes = Text(max=10_000, multiline=True, allow_none=True, required=True)


class EnrollmentChangerSchema(Schema):
    """Who changed an enrollment's state."""

    id = fields.UUID()
    name = fields.String()
    avatar_url = fields.String(allow_none=True)


class EnrollmentChangeSchema(Schema):
    """That an enrollment came from one state into another."""

    id = fields.UUID()
    from_status = fields.String(
        allow_none=True, metadata={"enum": [*STATUSES, None], "description": "Null for the beginning."}
    )
    to_status = fields.String(metadata={"enum": list(STATUSES)})
    reason = fields.String(allow_none=True)
    by = fields.String(
        allow_none=True,
        metadata={"enum": ["student", "staff", None], "description": "Null for what time, or the system, has done."},
    )
    person = Part(EnrollmentChangerSchema, "person_", metadata={"description": "Who did it; for staff only."})
    created_at = Timestamp()
