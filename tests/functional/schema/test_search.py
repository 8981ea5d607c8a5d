"""Full text and trigrams: what is found, in which order, and that the indexes serve."""

import pytest
from sqlalchemy import ColumnElement, Connection, Engine, and_, func, literal_column, select, text

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.forum.models import ForumPost, ForumThread
from tests.functional.schema.conftest import Rows

SEARCH = Course.__table__.c.search


def found(db: Connection, words: str) -> list[str]:
    """Titles of the courses that match, best first."""
    query = func.websearch_to_tsquery(literal_column("'lms'::regconfig"), words)
    ranked = func.ts_rank(SEARCH, query).desc()
    return list(db.scalars(select(Course.title).where(SEARCH.op("@@")(query)).order_by(ranked)))


def test_title_weighs_more_than_tags_and_tags_more_than_description(db: Connection, rows: Rows) -> None:
    rows.course(title="C", description="Astronomy for all")
    rows.course(title="B", tags=["astronomy"])
    rows.course(title="Astronomy")
    rows.course(title="Else")
    assert found(db, "astronomy") == ["Astronomy", "B", "C"]


@pytest.mark.parametrize("words", ["programming", "programs", "PROGRAMMED", "-zebra program"])
def test_english_words_are_found_by_their_stem(db: Connection, rows: Rows, words: str) -> None:
    rows.course(title="Programming in Python")
    assert found(db, words) == ["Programming in Python"]


@pytest.mark.parametrize("words", ["mécanique", "mecanique", "ÉNERGIE"])
def test_accents_do_not_matter(db: Connection, rows: Rows, words: str) -> None:
    rows.course(title="Mécanique et énergie")
    assert found(db, words) == ["Mécanique et énergie"]


def test_a_very_long_description_is_still_accepted(db: Connection, rows: Rows) -> None:
    rows.course(title="Long", description=" ".join(f"word{number}" for number in range(300_000)))
    assert found(db, "word17") == ["Long"]


def test_threads_and_posts_are_searchable(db: Connection, rows: Rows) -> None:
    author = rows.user()
    thread = rows.add(
        ForumThread, course_id=rows.course(), author_id=author, title="A question", content="On entropy", tags=["heat"]
    )
    rows.add(ForumPost, thread_id=thread, author_id=author, content="Entropy grows")
    for table in (ForumThread.__table__, ForumPost.__table__):
        query = func.websearch_to_tsquery(literal_column("'lms'::regconfig"), "entropy")
        assert db.scalar(select(func.count()).where(table.c.search.op("@@")(query))) == 1


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (User.full_name.ilike("%byro%"), "ix_users_name_trgm"),
        (User.email.ilike("%ada@%"), "ix_users_email_trgm"),
        (SEARCH.op("@@")(func.websearch_to_tsquery(literal_column("'lms'::regconfig"), "x")), "ix_courses_search"),
        (and_(func.lower(User.email) == "ada@example.org", User.deleted_at.is_(None)), "uq_users_email"),
    ],
)
def test_the_index_serves_the_question(engine: Engine, condition: ColumnElement[bool], index: str) -> None:
    query = select(literal_column("1")).where(condition).compile(engine, compile_kwargs={"literal_binds": True})
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(connection.execute(text(f"EXPLAIN {query}".replace("%%", "%").replace(":", r"\:"))).scalars())
    assert index in plan
