"""The catalog over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.catalog import schemas
from lms_core.courses.catalog.resources import CatalogCategories, CatalogFacets
from lms_core.courses.resources import CourseCollection
from lms_core.kernel.request import Request

FRESH = "public, max-age=30"
"""What nobody in particular is shown may be shown to others, by caches in between, for so many seconds."""


def _keep(request: Request) -> None:
    if request.identity is None:
        request.response.cache_control = FRESH
        request.response.vary = ("Authorization", "Cookie", "Accept-Language")


@view_config(
    context=CourseCollection, request_method="GET", permission="courses:list",
    query=schemas.CatalogQuery, returns=schemas.CourseCardSchema, many="page",
    errors=("401 unauthorized", "403 forbidden"),
)  # fmt: skip
def list_courses(context: CourseCollection, request: Request) -> Any:
    """List courses.

    Everybody sees the catalog: what is published and not archived. `status`, `mine` and `enrolled` reach beyond it, to
    drafts and archived courses that the caller may read; `deleted` lists what was deleted, for who may delete every
    course. Filters narrow the list together; of several `tags` a course needs one. Without `currency`, prices are
    compared as numbers.

    A search understands `"a phrase"`, `or` and `-without`. By relevance it ranks the most popular 60 matches and lets
    the others follow by popularity. Where nothing fits, it answers one page of what fits the closest words that titles
    have. The first 10,000 courses of any order can be paged through.
    """
    _keep(request)
    return request.registry.catalog.page(request.reader, request.query, request.identity)


@view_config(
    context=CatalogFacets, request_method="GET", permission="courses:list", query=schemas.CatalogFilters,
    returns=schemas.FacetsSchema, errors=("401 unauthorized", "403 forbidden"),
)  # fmt: skip
def read_facets(context: CatalogFacets, request: Request) -> Any:
    """Count courses by category, level, language and so on.

    The filters are those of the list; each facet leaves its own out, so that it shows what else could be chosen. The
    numbers are exact where few courses fit, up to 1,000, and estimates of two digits where more do: `isExact` says it.
    """
    _keep(request)
    return request.registry.catalog_facets.counts(request.reader, request.query, request.identity)


@view_config(
    context=CatalogCategories, request_method="GET", permission="courses:list", returns=schemas.CategorySchema,
    many="list",
)  # fmt: skip
def list_categories(context: CatalogCategories, request: Request) -> list[Any]:
    """List the categories that courses may take, in the order of the settings.

    Where there are none a course may take any; `GET /courses/facets` says which ones courses have.
    """
    _keep(request)
    return [{"name": name} for name in request.core.settings.words("lms.courses.categories")]
