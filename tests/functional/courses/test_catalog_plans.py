"""How PostgreSQL finds a page in a large catalog: through indexes, and never by reading or sorting all courses."""

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from lms_core.courses.catalog import reach as reaches
from lms_core.courses.catalog.conditions import given
from lms_core.courses.catalog.queries import LOOKED_UP, RANKED
from lms_core.courses.catalog.schemas import CatalogFilters, CatalogQuery
from lms_core.demo import Demo, catalog, numbered, people
from lms_core.kernel.db import make_engine
from lms_core.kernel.prepared import Prepared
from lms_core.kernel.security import Identity
from lms_core.testing.database import libpq

COURSES = 20_000
FEW = COURSES // 8
"""Courses that one step of a plan may look at: what a total counts, and what lies between."""

# Few have many students; one in twenty is a draft.
PUBLISH = """
UPDATE courses SET
    is_published = draw > 0.05, published_at = CASE WHEN draw > 0.05 THEN now() - draw * interval '300 days' END,
    enrolled_count = (3 / draw)::integer, rating_count = 9, rating_sum = 18 + (draw * 27)::integer
FROM (SELECT id AS drawn, (hashtextextended(id::text, 1) & 65535 | 1) / 65536.0 AS draw FROM courses) AS lot
WHERE drawn = id
"""


@pytest.fixture(scope="module")
def large(database_server: Any, core: Any, worker: str) -> Iterator[psycopg.Connection]:
    """A connection to a database of its own, with many courses and fresh statistics.

    Each process of the run makes its own: there are few tests here, so that few make one.
    """
    url = database_server.create(f"catalog_plans_{worker}", database_server.template())
    own = dataclasses.replace(core, engine=make_engine(url))
    demo = Demo(SimpleNamespace(core=own), 1, lambda rows, _what: rows)
    people.copy_people(demo, "instructor", 50)
    people.copy_people(demo, "student", 1)
    catalog.copy_courses(demo, COURSES, 50)
    own.close()
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(PUBLISH)
        connection.execute("VACUUM (FULL, ANALYZE) courses")
        connection.execute("VACUUM ANALYZE")
        yield connection
    database_server.drop(f"catalog_plans_{worker}")


@pytest.fixture(scope="session")
def worker(pytestconfig: pytest.Config) -> str:
    told: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    return told.get("workerid", "main")


ORDERS = ("newest", "popular", "rating", "price", "-price", "title")
PUBLIC = [
    *({"sort": sort} for sort in ORDERS),
    *({"sort": sort, "page": "50"} for sort in ORDERS),
    *({"sort": sort, "category": ["Science"]} for sort in ORDERS),
    *({"sort": sort, "category": ["Science", "Law"], "level": ["beginner"]} for sort in ORDERS),
    *({"sort": sort, "category": ["Arts"], "level": ["advanced"], "language": ["de"]} for sort in ORDERS),
    *({"sort": sort, "tags": ["python"]} for sort in ORDERS),
    {},
    {"category": ["Science"]},
    {"category": ["Science"], "level": ["beginner"], "language": ["en"]},
    {"language": ["en"]},
    {"language": ["fi"], "enrollmentType": ["invite"]},
    {"level": ["beginner"], "language": ["en"], "free": True},
    {"subCategory": ["Biology"]},
    {"category": ["Science"], "subCategory": ["Biology"]},
    {"category": ["Nobody's"]},
    {"free": True, "sort": "rating"},
    {"free": False, "enrollmentType": ["approval"]},
    {"minPrice": "20", "maxPrice": "50", "currency": "EUR"},
    {"maxPrice": "50", "sort": "price"},
    {"tags": ["python", "cells"]},
    {"tags": ["nobody-has-it"]},
    {"instructor": str(numbered("instructor", 3))},
    {"search": "quaternions"},
    {"search": "project"},
    {"search": "project", "sort": "newest"},
    {"search": "python"},
    {"search": "python -project", "sort": "popular"},
    {"search": "python", "language": ["de"]},
]
OWN = [
    {"mine": True},
    {"mine": True, "status": "published", "sort": "popular"},
    {"status": "draft"},
    {"status": "archived"},
    {"enrolled": True},
]
ALL = [{"status": "draft"}, {"deleted": True}, {"status": "archived", "sort": "title"}]
SCOPES = {"own": ("own", "assigned", "enrolled"), "all": ("all",)}


def test_a_page_looks_at_few_courses(large: psycopg.Connection, registry: Any) -> None:
    asked = [(None, PUBLIC), ("own", OWN), ("all", ALL)]
    plans = {
        f"{query} {scope}": plan_of_page(large, registry, query, caller(scope))
        for scope, queries in asked
        for query in queries
    }
    assert {query: found for query, plan in plans.items() if (found := offences(plan))} == {}
    # Not even the beginning of the table is read: what is popular, new or cheap does not lie there.
    assert {query for query, plan in plans.items() if "Seq Scan" in ways_to_courses(plan)} == set()


def test_facets_look_at_few_courses(large: psycopg.Connection, registry: Any) -> None:
    plans = {str(query): plan_of_facets(large, registry, query) for query in PUBLIC if "sort" not in query}
    assert {query: found for query, plan in plans.items() if (found := offences(plan))} == {}


ORDER_BY = {
    "newest": "published_at DESC, id DESC",
    "popular": "enrolled_count DESC, id DESC",
    "-price": "price DESC, id DESC",
    "title": "title_key, id",
}
READ = [
    *(({"sort": sort, "tags": ["python"]}, 250) for sort in ORDERS),
    *(({"sort": sort, "tags": ["laboratory", "python"]}, 250) for sort in ORDERS),
    ({"search": "project", "category": ["Science"]}, 250),
    ({"search": "project", "category": ["Science"], "sort": "popular"}, 300),
    ({"search": "introduction"}, 1_200),
    ({"search": "introduction", "sort": "newest"}, 1_500),
]
"""How many courses may be read themselves, not counting what an index tells: ones that are neither rare nor common."""


def test_what_is_neither_rare_nor_common_is_told_by_indexes(large: psycopg.Connection, registry: Any) -> None:
    read = {str(query): courses_read(plan_of_page(large, registry, query, None)) for query, _most in READ}
    assert {query: found for (query, most) in READ if (found := read[str(query)]) > most} == {}


def test_facets_of_a_common_word_read_the_sample_alone(large: psycopg.Connection, registry: Any) -> None:
    assert courses_read(plan_of_facets(large, registry, {"search": "project"})) < 600


# Many, few and none.
@pytest.mark.parametrize("filters", [{"tags": ["python", "cells"]}, {"tags": ["birds"], "level": ["advanced"]},
                                     {"tags": ["nobody-has-it"]}])  # fmt: skip
@pytest.mark.parametrize("sort", ORDER_BY)
def test_tags_find_what_a_plain_look_finds(large: psycopg.Connection, registry: Any, filters: Any, sort: str) -> None:
    fitting = " AND ".join(f"{column} && %s" if column == "tags" else f"{column} = ANY(%s)" for column in filters)
    plain = plainly(large, f"{fitting} ORDER BY {ORDER_BY[sort]}", *filters.values())
    for number in (1, 2):
        page = page_of(large, registry, {**filters, "sort": sort, "limit": 50, "page": number})
        assert [row[0] for row in page] == plain[50 * (number - 1) : 50 * number]
        assert {row[-1] for row in page} <= {min(len(plain), LOOKED_UP + 1)}


def test_a_search_in_a_category_ranks_what_a_plain_look_ranks(large: psycopg.Connection, registry: Any) -> None:
    page = page_of(large, registry, {"search": "project", "category": ["Science"], "limit": 20})
    popular = "category = 'Science' AND search @@ 'project'::tsquery ORDER BY enrolled_count DESC, id DESC LIMIT 60"
    ids = plainly(large, popular)
    rank = "ts_rank_cd(search, 'project'::tsquery) DESC, enrolled_count DESC, id DESC"
    assert [row[0] for row in page] == plainly(large, f"id = ANY(%s) ORDER BY {rank} LIMIT 20", ids)


def page_of(large: psycopg.Connection, registry: Any, query: Any) -> list[Any]:
    statement, values = statement_of(registry, query, None)
    return large.execute(statement.sql, values).fetchall()


def plainly(large: psycopg.Connection, rest: str, *values: Any) -> list[Any]:
    """The ids that a look at every course finds."""
    large.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
    rows = large.execute(f"SELECT id FROM courses WHERE is_published AND {rest}", values).fetchall()
    large.execute("RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan")
    return [row[0] for row in rows]


def courses_read(plan: Any) -> float:
    found = (step for step in steps(plan) if step.get("Relation Name") == "courses")
    return sum(looked_at(step) for step in found if step["Node Type"] != "Index Only Scan")


def plan_of_facets(large: psycopg.Connection, registry: Any, query: Any) -> Any:
    loaded = CatalogFilters().load(query)
    filters = given(loaded)
    statement = registry.catalog_facets.statement(reaches.reach_of(None, loaded), tuple(filters))
    return explained(large, statement, {**filters, "caller": None})


def plan_of_page(large: psycopg.Connection, registry: Any, query: Any, identity: Identity | None) -> Any:
    statement, values = statement_of(registry, query, identity)
    return explained(large, statement, values)


def statement_of(registry: Any, query: Any, identity: Identity | None) -> tuple[Prepared, dict[str, Any]]:
    loaded = CatalogQuery().load(query)
    filters = given(loaded)
    statement = registry.catalog.statement(reaches.reach_of(identity, loaded), loaded["sort"], tuple(filters)).page
    offset, limit = (loaded["page"] - 1) * loaded["limit"], loaded["limit"]
    page = {"page_limit": limit, "page_offset": offset, "window": RANKED, "caller": numbered("instructor", 3)}
    return statement, {**statement.fixed, **page, **filters}


def explained(large: psycopg.Connection, statement: Prepared, values: dict[str, Any]) -> Any:
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}"
    row = large.execute(explain, {**statement.fixed, **values}, prepare=False).fetchone()
    assert row is not None
    return row[0][0]["Plan"]


def offences(plan: Any) -> list[str]:
    """Steps that look at many rows of the table, or sort many."""
    found = []
    for step in steps(plan):
        of_courses = step.get("Relation Name") == "courses"
        if of_courses and looked_at(step) > (FEW if step["Node Type"] != "Index Only Scan" else 2 * FEW):
            found.append(f"looks at {looked_at(step):.0f} rows by {step['Node Type']}")
        if step["Node Type"] in ("Sort", "Incremental Sort") and step["Plans"][0]["Actual Rows"] > FEW:
            found.append(f"sorts {step['Plans'][0]['Actual Rows']:.0f} rows")
    return found


def caller(scope: str | None) -> Identity | None:
    if scope is None:
        return None
    actions = ("courses:read", "courses:delete")
    granted = frozenset(f"{action}:{own}" for action in actions for own in SCOPES[scope])
    return Identity(numbered("instructor", 3), numbered("session", 0), granted)


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that were taken: what is planned for the case that courses are few is not, where they are many."""
    if plan["Actual Loops"]:
        yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def ways_to_courses(plan: Any) -> set[str]:
    return {step["Node Type"] for step in steps(plan) if step.get("Relation Name") == "courses"}


def looked_at(step: dict[str, Any]) -> float:
    """Rows that the step took and those it looked at in vain, all loops together."""
    removed = sum(value for name, value in step.items() if name.startswith("Rows Removed by"))
    rows: float = (step["Actual Rows"] + removed) * step["Actual Loops"]
    return rows
