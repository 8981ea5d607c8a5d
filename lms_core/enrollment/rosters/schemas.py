"""The representations of rosters."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from lms_core.enrollment.lifecycle.schemas import STATUSES
from lms_core.enrollment.rosters.queries import SORTS
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Number, Part, Percentage, Schema, Text, Timestamp

_MOST_TYPES = 20
FORMATS = ("csv", "xlsx")


class RosterFilters(Schema):
    """What chooses students of a course."""

    status = fields.List(
        fields.String(validate=validate.OneOf(STATUSES)),
        validate=validate.Length(max=len(STATUSES)),
        metadata={"description": "One of these states; any, if none is named."},
    )
    enrollment_type = fields.List(
        Text(min=1, max=50),
        validate=validate.Length(max=_MOST_TYPES),
        metadata={"description": "How the student came to take the course.", "example": ["self"]},
    )
    search = Text(
        max=200,
        metadata={"description": "A part of the name; of the e-mail address too, for who may see it."},
    )
    inactive_since = Timestamp(metadata={"description": "Nothing was done in the course from then on."})
    min_progress = fields.Integer(validate=validate.Range(0, 100))
    max_progress = fields.Integer(validate=validate.Range(0, 100))

    @validates_schema
    def _range(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("min_progress", 0) > data.get("max_progress", 100):
            raise ValidationError(_("The least progress is above the most."), "minProgress")


class RosterQuery(RosterFilters, PageQuery):
    """Filters and order of a roster."""

    sort = fields.String(
        validate=validate.OneOf(SORTS),
        load_default="name",
        metadata={"description": "With `-` from the last to the first; who has no activity or grade stands last."},
    )


class RosterExportQuery(RosterFilters):
    """Filters and form of a roster's file."""

    format = fields.String(validate=validate.OneOf(FORMATS), load_default="csv")
    bom = fields.Boolean(
        load_default=True,
        metadata={"description": "A mark at the beginning of a CSV, by which Excel knows that it is UTF-8."},
    )


class StudentSchema(Schema):
    """Somebody who attends a course."""

    id = fields.UUID()
    name = fields.String()
    display_name = fields.String(allow_none=True)
    avatar_url = fields.String(allow_none=True)
    email = fields.String(allow_none=True, metadata={"description": "Null without the permission `rosters:contact`."})


class RosterEntrySchema(Schema):
    """A student of the course, for those who run it."""

    id = fields.UUID(metadata={"description": "The enrollment's."})
    student = Part(StudentSchema, "student_")
    status = fields.String(metadata={"enum": list(STATUSES)})
    enrollment_type = fields.String()
    enrolled_at = Timestamp()
    starts_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True)
    started_at = Timestamp(allow_none=True)
    completed_at = Timestamp(allow_none=True)
    suspended_at = Timestamp(allow_none=True)
    suspended_reason = fields.String(allow_none=True)
    dropped_at = Timestamp(allow_none=True)
    dropped_reason = fields.String(allow_none=True)
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    grade = fields.String(allow_none=True, metadata={"example": "B+"})
    grade_points = Number(allow_none=True)
    time_spent_seconds = fields.Integer()
    last_accessed_at = Timestamp(allow_none=True)
    certificate_issued_at = Timestamp(allow_none=True)
    has_notes = fields.Boolean(metadata={"description": "See `/enrollments/{enrollmentId}/notes`."})
    updated_at = Timestamp(metadata={"description": "When its state or its dates last changed; progress is no change."})
