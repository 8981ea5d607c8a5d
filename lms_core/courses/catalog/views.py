"""The catalog over HTTP."""

from pyramid.view import view_config

from lms_core.courses.catalog import queries, schemas
from lms_core.courses.resources import CourseCollection
from lms_core.kernel.pagination import Page
from lms_core.kernel.request import Request


@view_config(
    context=CourseCollection, request_method="GET", permission="courses:list",
    query=schemas.CatalogQuery, returns=schemas.CourseCardSchema, many="page",
)  # fmt: skip
def list_courses(context: CourseCollection, request: Request) -> Page:
    """List the catalog.

    Published courses, filtered, searched and sorted; everybody may look.
    """
    return queries.catalog(request.reader, request.query)
