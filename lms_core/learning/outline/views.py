"""Outlines over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.resources import CourseItem
from lms_core.kernel.request import Request
from lms_core.learning.outline import schemas
from lms_core.learning.outline.reading import draft_outline, explanation, published_outline
from lms_core.learning.outline.resources import CourseExplanation


@view_config(
    context=CourseItem, name="outline", request_method="GET", permission="modules:read", query=schemas.OutlineQuery,
    returns=schemas.OutlineSchema, tags=("learning",),
)  # fmt: skip
def read_outline(context: CourseItem, request: Request) -> Any:
    """Read the outline of a course: what is open to the caller, what is done, and where to go on.

    Who does not take the course sees its structure, and which lessons are previews; who runs it sees the draft.
    """
    if context.drafts and request.query["as_"] is None:
        return draft_outline(request, context)
    return published_outline(request, context)


@view_config(
    context=CourseExplanation, request_method="GET", permission="rosters:read", query=schemas.ExplainQuery,
    returns=schemas.ExplanationSchema, tags=("learning",), errors=("404 not_enrolled",),
)  # fmt: skip
def explain_outline(context: CourseExplanation, request: Request) -> Any:
    """Read why modules are open to a student or not: each condition of the outline, whether it holds or not.

    Dates are the student's own, by which to help them. That it was something granted to them, which decided it,
    `accommodated` says, to those only who may see that (`accommodations:read`).
    """
    return explanation(request, context.course, request.query["user_id"])
