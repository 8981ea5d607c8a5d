"""Rules that hold for every table, the ones to come included."""

from collections.abc import Mapping

import pytest
from sqlalchemy import Connection, text

UNINDEXED_REFERENCES: Mapping[tuple[str, str], str] = {}
"""(table, column) of foreign keys that may go without an index of their own, and why."""


@pytest.fixture(autouse=True)
def our_tables(db: Connection) -> None:
    """``our_tables(oid, relname)``: every table, with partitions counted as part of theirs."""
    db.execute(
        text(
            """
            CREATE OR REPLACE TEMPORARY VIEW our_tables AS
            SELECT oid, relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND relkind IN ('r', 'p')
            """
        )
    )


def test_every_foreign_key_has_an_index_that_leads_with_it(db: Connection) -> None:
    """A partial index counts where it holds every row that refers to something (``WHERE x IS NOT NULL``)."""
    unindexed = db.execute(
        text(
            """
            SELECT conrelid::regclass::text, attname
            FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
            WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
                SELECT FROM pg_index
                WHERE indrelid = conrelid AND indkey[0] = conkey[1] AND (
                    indpred IS NULL OR pg_get_expr(indpred, indrelid) = format('(%I IS NOT NULL)', attname)))
            """
        )
    )
    assert {tuple(row) for row in unindexed} == set(UNINDEXED_REFERENCES)


def test_every_foreign_key_is_of_one_column(db: Connection) -> None:
    found = db.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) > 1"))
    assert list(found) == []


def test_every_table_with_updated_at_has_the_trigger(db: Connection) -> None:
    bare = db.scalars(
        text(
            """
            SELECT relname FROM our_tables JOIN pg_attribute ON attrelid = our_tables.oid AND attname = 'updated_at'
            WHERE NOT EXISTS (
                SELECT FROM pg_trigger WHERE tgrelid = our_tables.oid AND tgname = 'touch_updated_at')
            """
        )
    )
    assert list(bare) == []


def test_every_moment_has_a_time_zone(db: Connection) -> None:
    naive = db.execute(
        text(
            """
            SELECT relname, attname FROM our_tables JOIN pg_attribute ON attrelid = our_tables.oid
            WHERE atttypid = 'timestamp'::regtype
            """
        )
    )
    assert naive.all() == []


def test_every_table_has_a_primary_key(db: Connection) -> None:
    keyless = db.scalars(
        text(
            """
            SELECT relname FROM our_tables WHERE NOT EXISTS (
                SELECT FROM pg_index WHERE indrelid = our_tables.oid AND indisprimary)
            """
        )
    )
    assert list(keyless) == []


def test_sibling_order_is_checked_at_commit(db: Connection) -> None:
    strict = db.scalars(
        text(
            """
            SELECT relname FROM our_tables
            JOIN pg_attribute ON attrelid = our_tables.oid AND attname = 'order_index'
            WHERE NOT EXISTS (
                SELECT FROM pg_constraint
                WHERE conrelid = our_tables.oid AND contype = 'u' AND attnum = ANY (conkey) AND condeferred)
            """
        )
    )
    assert list(strict) == []


def test_no_index_repeats_another(db: Connection) -> None:
    """Two indexes over the same columns in the same way cost every write twice."""
    repeated = db.execute(
        text(
            """
            SELECT one.indexrelid::regclass, other.indexrelid::regclass
            FROM pg_index AS one JOIN pg_index AS other USING (indrelid)
            JOIN our_tables ON our_tables.oid = indrelid
            WHERE one.indexrelid < other.indexrelid
              AND one.indkey::text = other.indkey::text AND one.indclass::text = other.indclass::text
              AND pg_get_expr(one.indexprs, indrelid) IS NOT DISTINCT FROM pg_get_expr(other.indexprs, indrelid)
              AND pg_get_expr(one.indpred, indrelid) IS NOT DISTINCT FROM pg_get_expr(other.indpred, indrelid)
              AND one.indoption::text = other.indoption::text
            """
        )
    )
    assert repeated.all() == []
