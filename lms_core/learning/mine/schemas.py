"""The representation of a course that somebody takes."""

from marshmallow import fields, validate

from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Percentage, Schema, Timestamp


class MyCoursesQuery(PageQuery):
    """``status`` narrows the list; dropped courses appear only when asked for. The one used last stands first."""

    status = fields.String(
        validate=validate.OneOf(("active", "completed", "suspended", "dropped", "expired")), load_default=None
    )
    sort = fields.String(validate=validate.OneOf(("recent", "enrolled", "progress", "title")), load_default="recent")


class TakenCourseSchema(Schema):
    """The course of an enrollment."""

    id = fields.UUID()
    title = fields.String()
    slug = fields.String()
    thumbnail_url = fields.String(allow_none=True)
    duration_minutes = fields.Integer()
    instructor_name = fields.String()


class ContinueSchema(Schema):
    """The lesson to go on with."""

    lesson_id = fields.UUID()
    lesson_title = fields.String()
    content_type = fields.String()
    module_id = fields.UUID()
    module_title = fields.String()
    position = fields.Integer(metadata={"description": "Where in the lesson, in the parts of its content type."})
    completion_percentage = Percentage()


class MyCourseSchema(Schema):
    """A course somebody takes, and how far they have come."""

    enrollment_id = fields.UUID()
    status = fields.String()
    course = Part(TakenCourseSchema, "course_")
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    time_spent_seconds = fields.Integer()
    continue_at = Part(
        ContinueSchema,
        "continue_",
        metadata={
            "description": "The lesson that the student was last in, unless it is completed, else the next one that is"
            " open. Null where all is done, where nothing more is open yet, or the course cannot be entered now."
        },
    )
    enrolled_at = Timestamp()
    completed_at = Timestamp(allow_none=True)
    starts_at = Timestamp(
        allow_none=True, metadata={"description": "When the course opens to the student, if not at once."}
    )
    expires_at = Timestamp(allow_none=True)
    ends_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "`expiresAt`, or the later time that was granted to the student alone. What is completed"
            " stays so, though the course cannot be entered then."
        },
    )
    last_accessed_at = Timestamp(allow_none=True)
