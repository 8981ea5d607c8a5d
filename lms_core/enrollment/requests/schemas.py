"""The representations of requests to join, and of what is decided about them."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from lms_core.enrollment.schemas import ApplicantSchema, JoinedCourseSchema
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

STATUSES = ("pending", "approved", "rejected", "withdrawn")
MOST_DECISIONS = 500
_NOTES = {"description": "What the applicant is told."}


class ReviewerSchema(ApplicantSchema):
    """Who decided about a request."""


class EarlierRequestSchema(Schema):
    """What was asked before, and what came of it."""

    reason_for_joining = fields.String(allow_none=True)
    created_at = fields.String(metadata={"format": "date-time"})
    status = fields.String(metadata={"enum": list(STATUSES)})
    reviewed_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    review_notes = fields.String(allow_none=True)


class EnrollmentRequestSchema(Schema):
    """A wish to join a course, and what became of it."""

    id = fields.UUID()
    course_id = fields.UUID()
    course = Part(JoinedCourseSchema, "course_")
    user_id = fields.UUID()
    user = Part(ApplicantSchema, "user_")
    status = fields.String(metadata={"enum": list(STATUSES), "example": "pending"})
    reason_for_joining = fields.String(allow_none=True, metadata={"example": "I teach it next year."})
    created_at = Timestamp(metadata={"description": "When they last asked."})
    reviewed_at = Timestamp(allow_none=True)
    reviewer = Part(ReviewerSchema, "reviewer_", metadata={"description": "Null for who does not run the course."})
    review_notes = fields.String(allow_none=True)
    earlier = fields.List(
        fields.Nested(EarlierRequestSchema),
        metadata={"description": "What came of it when they asked before, the oldest first."},
    )


class RequestsQuery(PageQuery):
    """Which requests of a course."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default="pending")


class MyRequestsQuery(PageQuery):
    """Which of one's requests."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default=None)


class RejectionSchema(Schema):
    """Why not."""

    notes = Text(max=2000, multiline=True, allow_none=True, load_default=None, metadata=_NOTES)


class ApprovalSchema(RejectionSchema):
    """What goes with an approval."""

    over_capacity = fields.Boolean(
        load_default=False, metadata={"description": "Let them in though every place is taken."}
    )


class DecisionSchema(RejectionSchema):
    """What is decided about one request."""

    id = fields.UUID(required=True)
    decision = fields.String(required=True, validate=validate.OneOf(("approve", "reject")))


class ReviewSchema(Schema):
    """What is decided about many requests at once, in the order in which places are given out."""

    decisions = fields.List(
        fields.Nested(DecisionSchema), required=True, validate=validate.Length(min=1, max=MOST_DECISIONS)
    )
    over_capacity = fields.Boolean(
        load_default=False, metadata={"description": "Let them in though every place is taken."}
    )

    @validates("decisions")
    def _once(self, value: list[dict[str, Any]], data_key: str) -> None:
        named = [decision["id"] for decision in value if "id" in decision]  # One without is refused for that.
        if len(set(named)) < len(named):
            raise ValidationError(_("A request can be decided about only once."))


class ReviewedSchema(Schema):
    """What came of one decision: `status` where it was carried out, else `code` and `detail` say why not."""

    id = fields.UUID()
    status = fields.String(allow_none=True, metadata={"enum": [*STATUSES, None], "example": "approved"})
    enrollment_id = fields.UUID(allow_none=True, metadata={"description": "Of who is in."})
    wait_id = fields.UUID(allow_none=True, metadata={"description": "Of who waits for a place now."})
    code = fields.String(allow_none=True, metadata={"example": "request_not_pending"})
    detail = fields.String(allow_none=True, metadata={"example": "The request has been decided about already."})
