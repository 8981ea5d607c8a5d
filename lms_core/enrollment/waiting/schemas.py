"""The representation of somebody's place on a waiting list."""

from marshmallow import fields

from lms_core.enrollment.schemas import ApplicantSchema, JoinedCourseSchema
from lms_core.kernel.schemas import Part, Schema, Timestamp


class EnrollmentWaitSchema(Schema):
    """That somebody waits for a place in a course."""

    id = fields.UUID()
    course_id = fields.UUID()
    course = Part(JoinedCourseSchema, "course_")
    user_id = fields.UUID()
    user = Part(ApplicantSchema, "user_")
    status = fields.String(
        metadata={
            "enum": ["waiting", "offered"],
            "example": "waiting",
            "description": "`offered`: a place is kept until `offeredUntil`; one takes it, and pays, by enrolling.",
        }
    )
    offered_until = Timestamp(allow_none=True)
    position = fields.Integer(metadata={"description": "From 1, who is next."})
    since = Timestamp()
