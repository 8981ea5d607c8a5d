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
from lms_core.kernel.pagination import COUNT_CAP, Page, counted_page


class Prepared:
    """A statement whose parameters are all named: ``prepared.all(connection, name=value)``.

    Column names must be identifiers that do not begin with an underscore. A parameter may be an array; an ``IN`` list
    keeps the values that it was written with.
    With ``replan`` PostgreSQL plans it anew for the values of each call: it knows then which of them are rare.
    """

    def __init__(self, statement: AnySelect, *, replan: bool = False) -> None:
        dialect: Any = PGDialect_psycopg  # SQLAlchemy leaves its constructor untyped.
        waiting = [name for name, bind in statement.compile(dialect=dialect()).binds.items() if bind.required]
        known = statement.params(dict.fromkeys(waiting))
        compiled = known.compile(dialect=dialect()).construct_expanded_state()
        self.sql = compiled.statement
        """What the driver is given; parameters as ``%(name)s``."""
        self._prepare = False if replan else None
        self.fixed = {name: value for name, value in compiled.parameters.items() if value is not None}

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
            cursor.execute(self.sql, parameters, prepare=self._prepare)
            rows: Sequence[Any] = cursor.fetchall()
            return rows

    def first(self, connection: Connection, **values: Any) -> Any:
        """The first row, or None."""
        rows = self.all(connection, **values)
        return rows[0] if rows else None


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


PAGE_LIMIT = bindparam("page_limit", type_=Integer)
PAGE_OFFSET = bindparam("page_offset", type_=Integer)


class PreparedPage:
    """:func:`lms_core.kernel.pagination.page_of` over statements compiled once, with the same answers.

    The statement takes :data:`PAGE_LIMIT` rows from :data:`PAGE_OFFSET` on by itself, where that costs the least:
    most often in a subquery, before it joins what each row of the page shows. The total is that of
    ``counted``, a cheaper select over the same rows, up to ``cap``.
    """

    def __init__(self, statement: AnySelect, counted: AnySelect, *, cap: int = COUNT_CAP, replan: bool = False) -> None:
        self._cap = cap
        source = counted.with_only_columns(1).limit(cap + 1).subquery()
        total = select(func.count().label("rows_in_all")).select_from(source)
        self._total = Prepared(total, replan=replan)
        self.page = Prepared(statement.add_columns(total.scalar_subquery().label("rows_in_all")), replan=replan)

    def fetch(self, connection: Connection, *, page: int, limit: int, **values: Any) -> Page:
        """The page, and with it the total: a second statement only for a page past the end."""
        rows = self.page.all(connection, page_limit=limit, page_offset=(page - 1) * limit, **values)
        if rows:
            count: int = rows[0].rows_in_all
        else:
            count = self._total.first(connection, **values).rows_in_all if page > 1 else 0
        return counted_page(rows, page, limit, count, self._cap)
