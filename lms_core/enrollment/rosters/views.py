"""Rosters over HTTP."""

from pyramid.view import view_config

from lms_core.enrollment.rosters import queries, schemas
from lms_core.enrollment.rosters.resources import CourseRoster
from lms_core.kernel.pagination import Page
from lms_core.kernel.request import Request


@view_config(
    context=CourseRoster, request_method="GET", permission="rosters:read", query=schemas.RosterQuery,
    returns=schemas.RosterEntrySchema, many="page", tags=("enrollments",),
)  # fmt: skip
def list_students(context: CourseRoster, request: Request) -> Page:
    """List the students of a course.

    E-mail addresses are shown to, and found by, those only who have `rosters:contact` in the course.
    """
    query = dict(request.query)
    place = {name: query.pop(name) for name in ("sort", "page", "limit")}
    return queries.roster(request.reader, context.course.id, query, contact=context.shows_contact, **place)
