"""How PostgreSQL finds a page of a roster among many people: whatever it guesses, it reads no more than it has to."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from lms_core.enrollment.lifecycle.service import expire_due
from lms_core.enrollment.rosters import queries, service
from lms_core.kernel.db import make_engine

PEOPLE, STUDENTS = 20_000, 40
LARGE, SMALL = uuid.UUID(int=1), uuid.UUID(int=2)
NOW = dt.datetime.now(dt.UTC)
YEARS = dt.timedelta(days=3650)
# Everybody takes the large course. Others are of a middling size, so that the small one is guessed to be so, too.
FILL = """
INSERT INTO users (id, email, password_hash, first_name, last_name)
SELECT md5('u' || n)::uuid, n || '@many.example', '', 'Robin', md5(n::text) FROM generate_series(1, :people) AS n;
INSERT INTO courses (id, code, title, slug, description, instructor_id, is_published)
SELECT lpad(to_hex(n), 32, '0')::uuid, n, n, n, '', md5('u1')::uuid, true FROM generate_series(1, 200) AS n;
INSERT INTO enrollments (user_id, course_id, status, last_accessed_at, progress_percentage)
SELECT md5('u' || n)::uuid, lpad('1', 32, '0')::uuid, CASE WHEN n <= 30 THEN 'suspended' ELSE 'active' END,
       now() - n % 100 * interval '1 day', n % 90 FROM generate_series(1, :people) AS n;
INSERT INTO enrollments (user_id, course_id)
SELECT md5('u' || n * 97)::uuid, lpad('2', 32, '0')::uuid FROM generate_series(1, :students) AS n;
INSERT INTO enrollments (user_id, course_id)
SELECT md5('u' || (n * 13 + course * 7) % :people + 1)::uuid, lpad(to_hex(course), 32, '0')::uuid
FROM generate_series(3, 200) AS course, generate_series(1, 1000) AS n
"""
READ = text(
    """
    SELECT relname, idx_tup_fetch + CASE relname WHEN 'users' THEN 0 ELSE seq_tup_read END
    FROM pg_stat_xact_user_tables WHERE relname IN ('users', 'enrollments')
    """
)
"""Enrollments that were looked at, and people by an index: to read all people in one go is another way, and cheap."""


@pytest.fixture(scope="module")
def large(database_server: Any, core: Any, pytestconfig: pytest.Config) -> Iterator[Any]:
    """An engine on a database of its own, with fresh statistics."""
    name = f"roster_plans_{getattr(pytestconfig, 'workerinput', {}).get('workerid', 'main')}"
    engine = make_engine(database_server.create(name, database_server.template()))
    own = dataclasses.replace(core, engine=engine)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for statement in FILL.split(";\n"):
            connection.execute(text(statement), {"people": PEOPLE, "students": STUDENTS})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield engine
    own.close()
    database_server.drop(name)


def rows_read(session: Session, ask: Any) -> tuple[Any, dict[str, int]]:
    """What it answers, and how many rows of each table were looked at for it."""
    before: dict[str, int] = dict(session.execute(READ).all())
    answer = ask()
    after: dict[str, int] = dict(session.execute(READ).all())
    return answer, {name: after[name] - before.get(name, 0) for name in after}


def page_of(engine: Any, course_id: uuid.UUID, filters: Any, sort: str) -> tuple[Any, dict[str, int]]:
    with Session(engine) as session:
        ways = {"contact": True, "sort": sort, "page": 1, "limit": 20}
        return rows_read(session, lambda: queries.roster(session.connection(), course_id, filters, **ways))


RARE = (
    {"status": ["suspended"]}, {"inactive_since": NOW - YEARS}, {"min_progress": 95}, {"ends_before": NOW + YEARS},
    {"has_access": False}, {"status": ["suspended"], "max_progress": 50}, {"search": "zzz"},
)  # fmt: skip


@pytest.mark.parametrize("sort", queries.SORTS)
def test_a_small_course_costs_what_its_students_cost(large, sort):
    page, read = page_of(large, SMALL, {}, sort)
    assert (len(page.items), page.total) == (20, STUDENTS)
    assert read["users"] <= 3 * STUDENTS
    assert read["enrollments"] <= 3 * STUDENTS


@pytest.mark.parametrize("filters", RARE)
@pytest.mark.parametrize("sort", ["name", "-name", "enrolledAt", "progress"])
def test_the_few_of_a_large_course_are_found_before_they_are_sorted(large, filters, sort):
    page, read = page_of(large, LARGE, filters, sort)
    assert page.total <= 30
    assert read["users"] <= 200
    assert read["enrollments"] <= 2 * PEOPLE + 200, "it is counted and found, and each looks through the course once"


@pytest.mark.parametrize("sort", ["name", "-name", "enrolledAt", "-enrolledAt"])
def test_a_page_of_a_large_course_follows_an_index(large, sort):
    page, read = page_of(large, LARGE, {}, sort)
    assert (len(page.items), page.total_is_exact) == (20, False)
    assert read["users"] <= 2_000
    assert read["enrollments"] <= 2_000


@pytest.mark.parametrize("filters", [{}, *RARE])
def test_a_change_of_many_looks_through_its_course_alone(large, filters):
    chosen = service.Chosen(None, filters, contact=True)
    with Session(large) as session:
        _rows, read = rows_read(session, lambda: service._locked(session, SMALL, "suspend", chosen))
    assert read["enrollments"] <= 3 * STUDENTS
    assert read["users"] <= 3 * STUDENTS


def test_what_is_over_is_found_among_many(large):
    """Of whatever state, and not what time has taken notice of already."""
    over = "UPDATE enrollments SET status = :status, expires_at = now() - interval '1 day', place_freed_at = {freed} "
    where = "WHERE course_id = :course"
    with Session(large) as session:
        for course, status, freed in (
            (2, "active", "NULL"), (3, "expired", "now()"), (4, "completed", "now()"), (5, "dropped", "NULL"),
            (6, "suspended", "now()"),
        ):  # fmt: skip
            chosen = {"status": status, "course": uuid.UUID(int=course)}
            session.execute(text(over.format(freed=freed) + where), chosen)
        some = "AND user_id IN (SELECT user_id FROM enrollments WHERE course_id = :course LIMIT 10)"
        for course, status in ((4, "completed"), (6, "suspended")):
            chosen = {"status": status, "course": uuid.UUID(int=course)}
            session.execute(text(over.format(freed="NULL") + where + " " + some), chosen)
        ended, read = rows_read(session, lambda: expire_due(session, limit=500))
        assert ended == STUDENTS + 20
        assert read["enrollments"] <= 20 * ended
        assert expire_due(session, limit=500) == 0
