"""Months as partitions: made ahead, filled from the default one, dropped by age."""

import datetime as dt
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text
from sqlalchemy.exc import DataError

from lms_core.analytics.models import AnalyticsEvent
from lms_core.kernel.db import normal_url
from lms_core.kernel.migrations import drop_partitions, make_partitions, partitioned_tables
from lms_core.testing.database import Server

TABLE = "analytics_events"


@pytest.fixture
def db(database_server: Server) -> Iterator[Connection]:
    """A database of its own: what these tests make and drop are tables, which nothing would put back."""
    name = f"partitions_{uuid4().hex[:12]}"
    url = database_server.create(name, database_server.template())
    engine = create_engine(normal_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    database_server.drop(name)


def partitions(db: Connection) -> set[str]:
    """The partitions of the table, by what follows its name."""
    names = db.scalars(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"),
        {"table": TABLE},
    )
    return {name.removeprefix(TABLE) for name in names}


def month(offset: int) -> dt.datetime:
    """The first moment (UTC) of the month so far from this one."""
    now = dt.datetime.now(dt.UTC)
    months = now.year * 12 + now.month - 1 + offset
    return dt.datetime(months // 12, months % 12 + 1, 1, tzinfo=dt.UTC)


def suffix(offset: int) -> str:
    return month(offset).strftime("_y%Ym%m")


def happen(db: Connection, *moments: dt.datetime) -> None:
    db.execute(insert(AnalyticsEvent).values([{"event_type": "view", "created_at": moment} for moment in moments]))


def where(db: Connection) -> dict[dt.datetime, str]:
    """Each event's time, and the partition that holds it."""
    found = db.execute(select(AnalyticsEvent.created_at, text("tableoid::regclass::text")))
    return {moment: name.removeprefix(TABLE) for moment, name in found}


def test_a_fresh_database_has_this_month_and_three_more(db: Connection) -> None:
    assert partitions(db) == {"_default", *(suffix(offset) for offset in range(4))}
    assert partitioned_tables(db) == ("analytics_events", "system_logs")


def test_months_begin_and_end_in_utc_whatever_the_session_thinks(db: Connection) -> None:
    db.execute(text("SET timezone TO 'Pacific/Auckland'"))
    assert make_partitions(db, TABLE, 5) == 2
    first, last = month(5), month(6) - dt.timedelta(microseconds=1)
    happen(db, first, last)
    assert where(db) == {first: suffix(5), last: suffix(5)}


def test_making_again_makes_nothing(db: Connection) -> None:
    assert make_partitions(db, TABLE, 3) == 0


def test_rows_that_came_too_early_move_to_their_month(db: Connection) -> None:
    happen(db, month(4), month(5), month(9))
    assert set(where(db).values()) == {"_default"}
    assert make_partitions(db, TABLE, 5) == 2
    assert where(db) == {month(4): suffix(4), month(5): suffix(5), month(9): "_default"}


def test_a_new_partition_has_every_index(db: Connection) -> None:
    make_partitions(db, TABLE, 4)
    count = text("SELECT count(*) FROM pg_index WHERE indrelid = CAST(:table AS regclass) AND indisvalid")
    assert db.scalar(count, {"table": TABLE + suffix(4)}) == db.scalar(count, {"table": TABLE}) == 5


def attach_old(db: Connection, offset: int) -> None:
    begin, end = month(offset).isoformat(), month(offset + 1).isoformat()
    name = TABLE + suffix(offset)
    db.execute(text(f"CREATE TABLE {name} PARTITION OF {TABLE} FOR VALUES FROM ('{begin}') TO ('{end}')"))


def test_old_months_are_dropped_and_young_ones_kept(db: Connection) -> None:
    for offset in (-4, -3, -2, -1):
        attach_old(db, offset)
    happen(db, month(-4), month(-3), month(-2), month(0))
    assert drop_partitions(db, TABLE, 2) == 2
    assert partitions(db) == {"_default", *(suffix(offset) for offset in range(-2, 4))}
    assert set(where(db)) == {month(-2), month(0)}


def test_the_default_partition_stays_and_loses_only_what_is_too_old(db: Connection) -> None:
    happen(db, month(-3), month(-2), month(7))
    assert drop_partitions(db, TABLE, 2) == 0
    assert where(db) == {month(-2): "_default", month(7): "_default"}


def test_the_running_month_is_never_dropped(db: Connection) -> None:
    happen(db, month(0))
    assert drop_partitions(db, TABLE, 0) == 0
    assert set(where(db)) == {month(0)}
    with pytest.raises(DataError, match="always kept"):
        drop_partitions(db, TABLE, -1)
