"""The representations of enrollments."""

from marshmallow import fields

from lms_core.kernel.schemas import Number, Percentage, Schema, Timestamp


class EnrollmentSchema(Schema):
    """A student's part in a course.

    It lets the student in while it is ``active`` or ``completed``, from ``startsAt`` until ``expiresAt``.
    """

    id = fields.UUID()
    user_id = fields.UUID()
    course_id = fields.UUID()
    status = fields.String()
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
    updated_at = Timestamp(metadata={"description": "When its state or its dates last changed; progress is no change."})


class EnrollSchema(Schema):
    """The course to enroll in."""

    course_id = fields.UUID(required=True)
