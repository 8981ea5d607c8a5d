"""Reads of the catalog. Each set of filters in each order is a statement of its own, compiled when first asked for.

A page is found in two steps: a subquery takes its ids in order, and only those are joined with what a card shows.
The order comes from an index where many courses match, and from sorting the matches where few do; which of the two
it is, PostgreSQL decides for the values of each request.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    func,
    lateral,
    or_,
    select,
    true,
    union_all,
)

from lms_core.accounts.models import User
from lms_core.courses.access import is_staff
from lms_core.courses.catalog import reach as reaches
from lms_core.courses.catalog.conditions import FILTERS, SEARCH, WORDS, given
from lms_core.courses.catalog.reach import CATALOG, Reach
from lms_core.courses.catalog.spelling import corrected
from lms_core.courses.models import Course, Module, VersionModule
from lms_core.courses.queries import CARD, PERSON
from lms_core.kernel.db import AnySelect
from lms_core.kernel.pagination import COUNT_CAP, Page
from lms_core.kernel.prepared import PAGE_LIMIT, PAGE_OFFSET, PreparedPage
from lms_core.kernel.security import Identity

RANKED = 60
"""Relevance looks at so many matches, the most popular ones; behind them the rest follows by popularity. The total of a
search is counted so far, because each course has to be read for it."""
LOOKED_UP = 200
"""Courses with a tag are few up to here, and so far their total is counted; what other filters leave, up to
``COUNT_CAP``."""
WINDOW = bindparam("window", type_=Integer)
""":data:`RANKED` rounded up to whole pages, so that none lies half in it."""
STATEMENTS = 500
"""So many are kept; who combines filters at random makes the server compile, and its memory does not grow."""
SORTS: Mapping[str, tuple[Any, bool]] = {
    "newest": (Course.published_at, True),
    "popular": (Course.enrolled_count, True),
    "rating": (Course.rating_average, True),
    "price": (Course.price, False),
    "-price": (Course.price, True),
    "title": (Course.title_key, False),
}
"""A column and whether it descends; the id, in the same direction, decides between equals."""


class Catalog:
    """The statements of an application: ``registry.catalog``.

    ``course_parts`` is filled while the application is configured, and read when a statement is compiled.
    """

    def __init__(self, course_parts: Mapping[str, ColumnElement[bool]]) -> None:
        self._parts = course_parts
        self.statement = lru_cache(maxsize=STATEMENTS)(self._statement)

    def page(self, connection: Connection, query: Mapping[str, Any], identity: Identity | None) -> Page:
        """One page. ``query`` is a loaded ``schemas.CatalogQuery``; raises what :func:`reach_of` raises.

        Where nothing fits a search, the page has what fits the words that come closest, and there is no other page.
        """
        found = self._page(connection, query, identity)
        if found.total or query["page"] > 1 or not query.get("search"):
            return found
        meant = corrected(connection, query["search"])
        if meant is None:
            return found
        items = self._page(connection, {**query, "search": meant}, identity).items
        return Page(items, 1, query["limit"], len(items), True)

    def _page(self, connection: Connection, query: Mapping[str, Any], identity: Identity | None) -> Page:
        reach, filters = reaches.reach_of(identity, query), given(query)
        sort, page, limit = query["sort"], query["page"], query["limit"]
        window = -(-RANKED // limit) * limit
        if sort == "relevance" and (page - 1) * limit >= window:
            sort = "popular"
        statement = self.statement(reach, sort, tuple(filters))
        caller = identity.user_id if identity is not None else None
        return statement.fetch(connection, page=page, limit=limit, window=window, caller=caller, **filters)

    def _statement(self, reach: Reach, sort: str, names: tuple[str, ...]) -> PreparedPage:
        conditions = [*reaches.conditions(reach, self._parts), *(FILTERS[name] for name in names)]
        found = _by_relevance(conditions) if sort == "relevance" else _by_column(reach, sort, conditions, names)
        return PreparedPage(
            _cards(reach, found),
            found.counted,
            cap=RANKED if "search" in names else LOOKED_UP if "tags" in names else COUNT_CAP,
            # What everybody asks without a filter is planned once. Beyond it a value may be rare or everywhere.
            replan=bool(names) or reach != CATALOG,
        )


class Found(NamedTuple):
    """The ids of a page, the order that its rows are put in again after the joins, and what the total counts."""

    places: Any
    order: list[ColumnElement[Any]]
    counted: AnySelect


def _cards(reach: Reach, found: Found) -> AnySelect:
    module = _published_module() if reach.state == "published" else _visible_module()
    return (
        select(
            *CARD,
            *PERSON,
            module.c.id.label("first_module_id"),
            module.c.title.label("first_module_title"),
            module.c.description.label("first_module_description"),
        )
        .join_from(found.places, Course, Course.id == found.places.c.id)
        .join(User, User.id == Course.instructor_id)
        .outerjoin(module, true())
        .order_by(*found.order)
    )


def _by_column(reach: Reach, sort: str, conditions: list[ColumnElement[bool]], names: tuple[str, ...]) -> Found:
    column, descending = SORTS[sort]
    if sort == "newest" and reach.state != "published":
        column = Course.created_at

    def order(*columns: Any) -> list[ColumnElement[Any]]:
        return [column.desc() if descending else column.asc() for column in columns]

    ids = select(Course.id, column.label("place")).where(*conditions)
    ordered = ids.order_by(*order(column, Course.id))
    # A search is counted in the order of the page, which reads the same courses; else the narrowest index counts.
    counted: AnySelect = ordered if "search" in names else ids
    if "tags" in names:
        ordered, counted = _by_tags(ids, ordered)
        ordered = ordered.order_by(*order(ordered.selected_columns.place, ordered.selected_columns.id))
    places = ordered.limit(PAGE_LIMIT).offset(PAGE_OFFSET).subquery("places")
    return Found(places, order(places.c.place, places.c.id), counted)


def _by_tags(ids: AnySelect, ordered: AnySelect) -> tuple[AnySelect, AnySelect]:
    """What is to be put in order, and what counts it: all courses with the tags where they are few, else the first.

    An index of the order tells quickly who has a tag, but not that nobody has, and estimates of rare tags are too high.
    """
    # With the tags: PostgreSQL holds a walk along an index, however long, to be cheaper than it is.
    fitting = ids.add_columns(Course.tags).limit(LOOKED_UP + 1).cte("fitting")
    few = select(func.count()).select_from(fitting).scalar_subquery() <= LOOKED_UP
    first = ordered.where(~few).limit(PAGE_OFFSET + PAGE_LIMIT).subquery("first")
    either = union_all(select(fitting.c.id, fitting.c.place).where(few), select(first.c.id, first.c.place))
    found = either.subquery("found")
    return select(found.c.id, found.c.place), select(fitting.c.id).select_from(fitting)


def _by_relevance(conditions: list[ColumnElement[bool]]) -> Found:
    """The most popular matches, best first: a word that every course has costs no more than another."""
    most_popular = (
        select(Course.id, Course.enrolled_count, SEARCH)
        .where(*conditions)
        .order_by(Course.enrolled_count.desc(), Course.id.desc())
        .limit(WINDOW + 1)
        .subquery("most_popular")
    )
    matches = select(most_popular, func.row_number().over().label("position")).cte("matches")
    rank = func.ts_rank_cd(matches.c.search, WORDS).label("rank")
    ranked = select(matches.c.id, matches.c.enrolled_count, rank).where(matches.c.position <= WINDOW)
    places = ranked.order_by(*_best(ranked.selected_columns)).limit(PAGE_LIMIT).offset(PAGE_OFFSET).subquery("places")
    return Found(places, _best(places.c), select(matches.c.id).select_from(matches))


def _best(columns: Any) -> list[ColumnElement[Any]]:
    return [columns.rank.desc(), columns.enrolled_count.desc(), columns.id.desc()]


def _published_module() -> Any:
    return lateral(
        select(VersionModule.module_id.label("id"), VersionModule.title, VersionModule.description)
        .where(VersionModule.version_id == Course.version_id)
        .order_by(VersionModule.place)
        .limit(1)
    ).alias("first_module")


def _visible_module() -> Any:
    """The first module of what was published, or of the draft where nothing is: who may read its modules sees that."""
    facts = (VersionModule.module_id.label("id"), VersionModule.title, VersionModule.description, VersionModule.place)
    published = select(*facts).where(VersionModule.version_id == Course.version_id, Course.is_published)
    draft = select(Module.id, Module.title, Module.description, Module.order_index).where(
        Module.course_id == Course.id, Module.deleted_at.is_(None), ~Course.is_published,
        or_(~is_staff(), is_staff("modules:read")),
    )  # fmt: skip
    either = union_all(published.correlate(Course), draft.correlate(Course)).subquery("either")
    return lateral(select(either.c.id, either.c.title, either.c.description).order_by(either.c.place).limit(1)).alias(
        "first_module"
    )
