"""The representations of enrollments."""

from marshmallow import fields

from lms_core.kernel.schemas import Percentage, Schema, Timestamp


class EnrollmentSchema(Schema):
    """A student's part in a course."""

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
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    last_accessed_at = Timestamp(allow_none=True)


class EnrollSchema(Schema):
    """The course to enroll in."""

    course_id = fields.UUID(required=True)
