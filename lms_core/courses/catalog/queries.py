"""Reads of the catalog, compiled once for each order and set of filters."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, lateral, select, true

from lms_core.accounts.models import User
from lms_core.courses.models import Course, VersionModule
from lms_core.courses.queries import CARD, PERSON
from lms_core.kernel.db import AnySelect
from lms_core.kernel.pagination import Page
from lms_core.kernel.prepared import PreparedPage

IN_CATALOG = and_(Course.is_published, Course.deleted_at.is_(None), Course.archived_at.is_(None))
SORTS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "newest": (Course.published_at.desc(), Course.id.desc()),
    "popular": (Course.enrolled_count.desc(), Course.id.desc()),
    "rating": (Course.rating_average.desc(), Course.id.desc()),
    "price": (Course.price.asc(), Course.id.asc()),
}

_first_module = lateral(
    select(VersionModule.module_id.label("id"), VersionModule.title, VersionModule.description)
    .where(VersionModule.version_id == Course.version_id)
    .order_by(VersionModule.place)
    .limit(1)
).alias("first_module")

_CATALOG = (
    select(
        *CARD,
        *PERSON,
        _first_module.c.id.label("first_module_id"),
        _first_module.c.title.label("first_module_title"),
        _first_module.c.description.label("first_module_description"),
    )
    .join_from(Course, User, User.id == Course.instructor_id)
    .outerjoin(_first_module, true())
    .where(IN_CATALOG)
)
FILTERS: Mapping[str, ColumnElement[bool]] = {
    **{
        name: getattr(Course, name) == bindparam(name)
        for name in ("category", "sub_category", "level", "language", "is_free")
    },
    "search": Course.__table__.c.search.bool_op("@@")(func.websearch_to_tsquery("lms", bindparam("search"))),
}


def catalog(connection: Connection, filters: Mapping[str, Any]) -> Page:
    """One page of published courses. ``filters`` is a loaded ``schemas.CatalogQuery``."""
    given = {name: filters[name] for name in FILTERS if filters.get(name) not in (None, "")}
    page = catalog_page(filters["sort"], tuple(given))
    return page.fetch(connection, page=filters["page"], limit=filters["limit"], **given)


@cache
def catalog_page(sort: str, names: tuple[str, ...]) -> PreparedPage:
    """Compiled once for each order and set of filters that is asked for; there are few."""
    counted = select(Course.id).where(IN_CATALOG, *(FILTERS[name] for name in names))
    return PreparedPage(catalog_statement(sort, names), counted)


def catalog_statement(sort: str, names: Iterable[str] = ()) -> AnySelect:
    """The catalog's rows in order, as yet without page and total."""
    return _CATALOG.where(*(FILTERS[name] for name in names)).order_by(*SORTS[sort])
