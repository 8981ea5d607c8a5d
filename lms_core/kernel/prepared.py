"""The fast lane of reads: a SELECT compiled once, run on the driver's own cursor.

SQLAlchemy builds, keys and adapts a statement at each call, which costs more than PostgreSQL takes to answer a short
one. What every request runs (who asks) and what many run (the catalog) is compiled here once, and psycopg prepares
it on the server. Rows are named tuples, read as any other row.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import Integer

from lms_core.kernel.db import AnySelect
from lms_core.kernel.pagination import COUNT_CAP, Page


class Prepared:
    """A statement whose parameters are all named: ``prepared.all(connection, name=value)``.

    Column names must be identifiers that do not begin with an underscore; ``IN`` lists are not supported, arrays are.
    """

    def __init__(self, statement: AnySelect) -> None:
        dialect: Any = PGDialect_psycopg  # SQLAlchemy leaves its constructor untyped.
        compiled = statement.compile(dialect=dialect())
        self.sql = compiled.string
        """What the driver is given; parameters as ``%(name)s``."""
        self.fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def all(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """Every row, for the values of the statement's parameters."""
        parameters = {**self.fixed, **values}
        try:
            return self._run(connection, parameters)
        except psycopg.OperationalError:
            if not _driver(connection).closed:
                raise
        # The server went away, and with it every connection of the pool. A read is safe to ask again.
        connection.invalidate()
        connection.engine.dispose()
        return self._run(connection, parameters)

    def _run(self, connection: Connection, parameters: dict[str, Any]) -> Sequence[Any]:
        with _driver(connection).cursor(row_factory=namedtuple_row) as cursor:
            cursor.execute(self.sql, parameters)
            rows: Sequence[Any] = cursor.fetchall()
            return rows

    def first(self, connection: Connection, **values: Any) -> Any:
        """The first row, or None."""
        rows = self.all(connection, **values)
        return rows[0] if rows else None


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


class PreparedPage:
    """:func:`lms_core.kernel.pagination.page_of` over statements compiled once, with the same answers."""

    def __init__(self, statement: AnySelect, counted: AnySelect) -> None:
        source = counted.order_by(None).with_only_columns(1).limit(COUNT_CAP + 1).subquery()
        total = select(func.count().label("rows_in_all")).select_from(source)
        self._total = Prepared(total)
        self.page = Prepared(
            statement.add_columns(total.scalar_subquery().label("rows_in_all"))
            .limit(bindparam("page_limit", type_=Integer))
            .offset(bindparam("page_offset", type_=Integer))
        )

    def fetch(self, connection: Connection, *, page: int, limit: int, **values: Any) -> Page:
        rows = self.page.all(connection, page_limit=limit, page_offset=(page - 1) * limit, **values)
        if rows:
            count: int = rows[0].rows_in_all
        else:
            count = self._total.first(connection, **values).rows_in_all if page > 1 else 0
        return Page(rows, page, limit, min(count, COUNT_CAP), count <= COUNT_CAP)
