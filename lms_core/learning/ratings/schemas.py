"""The representations of ratings."""

from marshmallow import fields, validate

from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Number, Part, Schema, Text, Timestamp

HELPFUL, UNHELPFUL = "helpful", "unhelpful"
SORTS = ("newest", "highest", "lowest", "helpful")
_STARS = validate.Range(1, 5)
_PLAIN = {"description": "Plain text: to be shown as it is, never as HTML."}


class AuthorSchema(Schema):
    """Who wrote a review, as everybody may know them."""

    name = fields.String(metadata={"description": "The display name, else the first name."})


class RatingSchema(Schema):
    """A rating with its review."""

    id = fields.UUID()
    course_id = fields.UUID()
    rating = fields.Integer(validate=_STARS)
    review_title = fields.String(allow_none=True)
    review_content = fields.String(allow_none=True, metadata=_PLAIN)
    author = Part(AuthorSchema, "author_", metadata={"description": "Null where the account is closed or suspended."})
    is_mine = fields.Boolean()
    is_verified_purchase = fields.Boolean(metadata={"description": "Whether money was paid for the enrollment."})
    helpful_count = fields.Integer()
    unhelpful_count = fields.Integer()
    my_vote = fields.String(allow_none=True, validate=validate.OneOf((HELPFUL, UNHELPFUL)))
    instructor_response = fields.String(allow_none=True, metadata=_PLAIN)
    instructor_response_at = Timestamp(allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class RatingChangeSchema(Schema):
    """Stars and words; only the fields sent are changed."""

    rating = fields.Integer(validate=_STARS, strict=True)
    review_title = Text(min=1, max=255, allow_none=True)
    review_content = Text(min=1, max=5000, multiline=True, allow_none=True, metadata=_PLAIN)


class RatingCreateSchema(RatingChangeSchema):
    """A new rating; the review is optional."""

    rating = fields.Integer(required=True, validate=_STARS, strict=True)


class RatingsQuery(PageQuery):
    """Which ratings of a course, in what order."""

    sort = fields.String(validate=validate.OneOf(SORTS), load_default="newest")
    rating = fields.Integer(validate=_STARS, load_default=None, metadata={"description": "Only with so many stars."})


class DistributionSchema(Schema):
    """How many ratings have how many stars."""

    one = fields.Integer(data_key="1")
    two = fields.Integer(data_key="2")
    three = fields.Integer(data_key="3")
    four = fields.Integer(data_key="4")
    five = fields.Integer(data_key="5")


class RatingSummarySchema(Schema):
    """What all ratings of a course come to."""

    rating_average = Number(metadata={"description": "0 where there is no rating."})
    rating_count = fields.Integer()
    distribution = Part(DistributionSchema, "stars_")


class VoteSchema(Schema):
    """Whether a review was of help."""

    vote = fields.String(required=True, validate=validate.OneOf((HELPFUL, UNHELPFUL)))


class VotesSchema(Schema):
    """The votes on a review."""

    helpful_count = fields.Integer()
    unhelpful_count = fields.Integer()
    my_vote = fields.String(allow_none=True, validate=validate.OneOf((HELPFUL, UNHELPFUL)))


class ResponseSchema(Schema):
    """What the teachers answer to a review."""

    response = Text(required=True, min=1, max=5000, multiline=True, metadata=_PLAIN)
