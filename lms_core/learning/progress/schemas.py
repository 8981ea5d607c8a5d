"""The representations of progress."""

from marshmallow import fields

from lms_core.kernel.schemas import Percentage, Schema, Timestamp


class LessonProgressSchema(Schema):
    """A student's state in a lesson, and what it makes of the course."""

    lesson_id = fields.UUID()
    status = fields.String()
    started_at = Timestamp(allow_none=True)
    completed_at = Timestamp(allow_none=True)
    progress_percentage = Percentage(metadata={"description": "Of the course."})
    course_completed = fields.Boolean()
    unlocked = fields.List(fields.UUID(metadata={"description": "A module that opened by this."}))
