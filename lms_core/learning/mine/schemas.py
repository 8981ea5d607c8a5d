"""The representation of a course that somebody takes."""

from marshmallow import fields, validate

from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Percentage, Schema, Timestamp


class MyCoursesQuery(PageQuery):
    """``status`` narrows the list; dropped courses appear only when asked for."""

    status = fields.String(
        validate=validate.OneOf(("active", "completed", "suspended", "dropped", "expired")), load_default=None
    )


class TakenCourseSchema(Schema):
    """The course of an enrollment."""

    id = fields.UUID()
    title = fields.String()
    slug = fields.String()
    thumbnail_url = fields.String(allow_none=True)
    duration_minutes = fields.Integer()
    instructor_name = fields.String()


class MyCourseSchema(Schema):
    """A course somebody takes, and how far they have come."""

    enrollment_id = fields.UUID()
    status = fields.String()
    course = Part(TakenCourseSchema, "course_")
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    enrolled_at = Timestamp()
    completed_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True)
    last_accessed_at = Timestamp(allow_none=True)
