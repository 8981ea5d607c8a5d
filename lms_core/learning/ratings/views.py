"""Ratings over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.kernel.audit import audit
from lms_core.kernel.errors import NotFound
from lms_core.kernel.pagination import Page
from lms_core.kernel.request import Request
from lms_core.kernel.security import caller_id
from lms_core.kernel.views import created
from lms_core.learning.ratings import queries, schemas, service
from lms_core.learning.ratings.resources import CourseRatings, RatingItem, read_rating


@view_config(
    context=CourseRatings, request_method="GET", permission="ratings:read", query=schemas.RatingsQuery,
    returns=schemas.RatingSchema, many="page", tags=("ratings",),
)  # fmt: skip
def list_ratings(context: CourseRatings, request: Request) -> Page:
    """List the ratings of a course; everybody may read those of a published one."""
    return queries.of_course(request.reader, context.course.id, caller_id(request), **request.query)


@view_config(
    context=CourseRatings, request_method="POST", permission="ratings:create", body=schemas.RatingCreateSchema,
    returns=schemas.RatingSchema, status=201, tags=("ratings",),
    errors=("403 enrollment_needed", "403 own_course", "409 progress_needed", "409 already_rated"),
)  # fmt: skip
def rate_course(context: CourseRatings, request: Request) -> Any:
    """Rate a course that one takes or took, once."""
    course_id, user_id = context.course.id, request.caller.user_id
    rating_id = service.rate(request.db, request.core, user_id, course_id, request.validated)
    stars = {"rating": request.validated["rating"], "course_id": course_id}
    audit(request.db, request, "ratings.create", "course_rating", rating_id, new=stars)
    created(request, "ratings", rating_id)
    return read_rating(request, request.db, rating_id)


@view_config(
    context=CourseRatings, name="summary", request_method="GET", permission="ratings:read",
    returns=schemas.RatingSummarySchema, tags=("ratings",),
)  # fmt: skip
def summarize_ratings(context: CourseRatings, request: Request) -> Any:
    """Read what all ratings of a course come to, and how many have how many stars."""
    return queries.summary(request.reader, context.course.id)


@view_config(
    context=CourseRatings, name="mine", request_method="GET", permission="ratings:read",
    returns=schemas.RatingSchema, tags=("ratings",),
)  # fmt: skip
def read_my_rating(context: CourseRatings, request: Request) -> Any:
    """Read one's own rating of a course."""
    row = queries.of_caller(request.reader, context.course.id, caller_id(request))
    if row is None:
        raise NotFound()
    return row


@view_config(context=RatingItem, request_method="GET", permission="ratings:read", returns=schemas.RatingSchema)
def read_one_rating(context: RatingItem, request: Request) -> Any:
    """Read a rating."""
    return context.row


@view_config(
    context=RatingItem, request_method="PUT", permission="ratings:update", body=schemas.RatingChangeSchema,
    returns=schemas.RatingSchema,
)  # fmt: skip
def update_rating(context: RatingItem, request: Request) -> Any:
    """Change one's own rating; null takes the words away."""
    service.update_rating(request.db, context.id, request.validated)
    audit(request.db, request, "ratings.update", "course_rating", context.id, new={"fields": sorted(request.validated)})
    return read_rating(request, request.db, context.id)


@view_config(context=RatingItem, request_method="DELETE", permission="ratings:delete")
def delete_rating(context: RatingItem, request: Request) -> None:
    """Delete one's own rating, or, as a moderator, anybody's."""
    service.delete_rating(request.db, context.id)
    audit(request.db, request, "ratings.delete", "course_rating", context.id, old={"rating": context.row.rating})


@view_config(
    context=RatingItem, name="vote", request_method="PUT", permission="ratings:vote", body=schemas.VoteSchema,
    returns=schemas.VotesSchema, errors=("403 own_rating",),
)  # fmt: skip
def vote_on_rating(context: RatingItem, request: Request) -> Any:
    """Say whether somebody else's review was of help, or change one's mind; a second time changes nothing."""
    helpful, user_id = request.validated["vote"] == schemas.HELPFUL, request.caller.user_id
    service.vote(request.db, context.id, user_id, helpful=helpful)
    return queries.votes(request.db, context.id, user_id)


@view_config(
    context=RatingItem, name="vote", request_method="DELETE", permission="ratings:vote", returns=schemas.VotesSchema
)
def withdraw_vote(context: RatingItem, request: Request) -> Any:
    """Take one's vote back."""
    service.withdraw_vote(request.db, context.id, request.caller.user_id)
    return queries.votes(request.db, context.id, request.caller.user_id)


@view_config(
    context=RatingItem, name="response", request_method="PUT", permission="ratings:respond",
    body=schemas.ResponseSchema, returns=schemas.RatingSchema,
)  # fmt: skip
def respond_to_rating(context: RatingItem, request: Request) -> Any:
    """Answer a review as one of the course's teachers, or change the answer."""
    service.respond(request.db, request.core, context.id, request.validated["response"])
    audit(request.db, request, "ratings.respond", "course_rating", context.id, new=request.validated)
    return read_rating(request, request.db, context.id)


@view_config(context=RatingItem, name="response", request_method="DELETE", permission="ratings:respond")
def withdraw_response(context: RatingItem, request: Request) -> None:
    """Take the answer to a review back."""
    service.respond(request.db, request.core, context.id, None)
    audit(request.db, request, "ratings.withdraw_response", "course_rating", context.id,
          old={"response": context.row.instructor_response})  # fmt: skip
