"""What the catalog could be narrowed to, with numbers: so many courses of each category, level, language and so on.

A facet leaves its own filter out: beside the category that was chosen stand the others, with what choosing them would
find. Numbers are exact where no more than :data:`COUNTED` courses fit. Beyond that they are estimates: some hundred
courses stand for all. Ids are random, so the first of them in the order of their ids are as good as drawn by lot, and
how far the last of these has come says how many there are in all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select, union_all

from lms_core.courses.catalog import reach as reaches
from lms_core.courses.catalog.conditions import FILTERS, given
from lms_core.courses.catalog.reach import CATALOG, Reach
from lms_core.courses.models import Course
from lms_core.kernel.db import AnySelect
from lms_core.kernel.prepared import Prepared
from lms_core.kernel.security import Identity

COUNTED = 1_000
"""Courses that are counted one by one."""
DRAWN = 500
"""Courses that stand for all where there are more: a tenth of all is told to about an eighth."""
SURE = 10
"""So many of the sample who stand for twice what is counted: then hardly ever so few are there that they would be."""
COUNTED_BEYOND = 10_000
"""The same of what is not in the catalog, which few people see; nothing stands for all of it."""
MOST_VALUES = 100
MOST_TAGS = 20
STATEMENTS = 200
TOLD_BY_READING = frozenset({"search", "tags"})
"""To count what they leave, each course has to be read: not where the sample can say how many there are."""

FACETS: Mapping[str, tuple[Any, frozenset[str]]] = {
    "category": (Course.category, frozenset({"category", "only_category", "sub_category"})),
    "sub_category": (Course.sub_category, frozenset({"sub_category"})),
    "level": (Course.level, frozenset({"level"})),
    "language": (Course.language, frozenset({"language"})),
    "price": (
        case((Course.price == literal_column("0"), literal_column("'free'")), else_=literal_column("'paid'")),
        frozenset({"free", "paid", "min_price", "max_price", "currency"}),
    ),
    "enrollment_type": (Course.enrollment_type, frozenset({"enrollment_type"})),
    "tags": (Course.tags, frozenset({"tags"})),
}
"""Each with its column and its own filters."""
_EACH: ColumnElement[Any] = literal_column(
    "4294967296.0 / greatest(1, max(('x' || left(id::text, 8))::bit(32)::bigint))"
)
"""Of a sample: its ids reach so far into all that the first 32 bits can be, and the others lie as densely."""


class Facets:
    """The statements of an application: ``registry.catalog_facets``, made and kept as ``registry.catalog``'s are."""

    def __init__(self, course_parts: Mapping[str, ColumnElement[bool]]) -> None:
        self._parts = course_parts
        self.statement = lru_cache(maxsize=STATEMENTS)(self._statement)

    def counts(self, connection: Connection, query: Mapping[str, Any], identity: Identity | None) -> dict[str, Any]:
        """The facets by name. ``query`` is a loaded ``schemas.CatalogFilters``; raises what ``reach_of`` raises."""
        reach, filters = reaches.reach_of(identity, query), given(query)
        caller = identity.user_id if identity is not None else None
        return _gathered(self.statement(reach, tuple(filters)).all(connection, caller=caller, **filters))

    def _statement(self, reach: Reach, names: tuple[str, ...]) -> Prepared:
        base = reaches.conditions(reach, self._parts)
        alike: dict[tuple[str, ...], list[str]] = {}
        for facet, (_column, own) in FACETS.items():
            alike.setdefault(tuple(name for name in names if name not in own), []).append(facet)
        sample = Sample(base, names) if reach == CATALOG else None
        parts = [
            select(values)
            for number, (kept, facets) in enumerate(alike.items())
            for values in _values(number, base, kept, facets, sample)
        ]
        return Prepared(select(union_all(*parts).subquery("facets")), replan=bool(names) or reach != CATALOG)


class Sample:
    """Courses as if drawn by lot, with what each facet shows of them and which filters they meet."""

    def __init__(self, base: list[ColumnElement[bool]], names: Iterable[str]) -> None:
        met = (FILTERS[name].label(f"is_{name}") for name in names)
        drawn = select(Course.id, *_columns(FACETS), *met).where(*base).order_by(Course.id).limit(DRAWN)
        self._drawn = drawn.cte("sample")
        self.each = select(select(_EACH.label("each")).select_from(self._drawn).cte("each")).scalar_subquery()
        """How many courses one of the sample stands for."""

    def shows_many(self, names: Iterable[str]) -> ColumnElement[bool]:
        """Whether it is plain without counting that more than :data:`COUNTED` courses meet the filters."""
        met = select(func.count()).select_from(self._drawn).where(*self._met(names)).scalar_subquery()
        return and_(met > SURE, met * self.each > 2 * COUNTED)

    def meeting(self, names: Iterable[str], facets: Iterable[str]) -> AnySelect:
        """The facets of those that meet the filters."""
        return select(*(self._drawn.c[facet] for facet in facets)).where(*self._met(names))

    def _met(self, names: Iterable[str]) -> Iterator[ColumnElement[bool]]:
        return (self._drawn.c[f"is_{name}"] for name in names)


def _columns(facets: Iterable[str]) -> Iterator[ColumnElement[Any]]:
    return (FACETS[facet][0].label(facet) for facet in facets)


def _values(
    number: int, base: list[ColumnElement[bool]], kept: Sequence[str], facets: Sequence[str], sample: Sample | None
) -> Iterator[Any]:
    """The values of the facets that leave the same filters: of the courses that meet them, or of the sample."""
    conditions = [*base, *(FILTERS[name] for name in kept)]
    most = COUNTED if sample is not None else COUNTED_BEYOND
    # A course with tags is read, since PostgreSQL holds a walk along an index, however long, to be cheaper than it is.
    seen = Course.tags if "tags" in kept else literal_column("1")
    fitting = select(seen.label("seen")).select_from(Course).where(*conditions).limit(most + 1).subquery()
    counted: ColumnElement[Any] = select(func.count(fitting.c.seen)).scalar_subquery()
    if sample is not None and not TOLD_BY_READING.isdisjoint(kept):
        counted = case((sample.shows_many(kept), most + 1), else_=counted)
    size = select(counted.label("size")).cte(f"size_{number}")
    few = select(size.c.size).scalar_subquery() <= most
    each: ColumnElement[Any] = literal_column("1.0")
    rows: Any = select(*_columns(facets)).where(*conditions)
    if sample is None:
        rows = rows.limit(most)
    else:
        rows = union_all(rows.where(few), sample.meeting(kept, facets).where(~few))
        each = case((few, each), else_=sample.each)
    shown = rows.cte(f"shown_{number}")
    for facet in facets:
        value = shown.c[facet] if facet != "tags" else func.unnest(shown.c.tags)
        values = select(value.label("value")).select_from(shown).subquery()
        yield (
            select(
                literal_column(f"'{facet}'").label("facet"),
                values.c.value,
                func.count().label("courses"),
                few.label("is_exact"),
                each.label("each"),
            )
            .where(values.c.value.is_not(None))
            .group_by(values.c.value)
            .order_by(func.count().desc(), values.c.value)
            .limit(MOST_TAGS if facet == "tags" else MOST_VALUES)
            .subquery()
        )


def _gathered(rows: Iterable[Any]) -> dict[str, Any]:
    facets: dict[str, Any] = {facet: {"values": [], "is_exact": True} for facet in FACETS}
    for row in rows:
        facets[row.facet]["is_exact"] = row.is_exact
        count = row.courses if row.is_exact else _rounded(row.courses * float(row.each))
        facets[row.facet]["values"].append({"value": row.value, "count": count})
    for facet in facets.values():
        facet["values"].sort(key=lambda each: (-each["count"], each["value"]))
    return facets


def _rounded(estimate: float) -> int:
    """To two digits, so that nobody takes it for a count."""
    return int(float(f"{estimate:.2g}"))
