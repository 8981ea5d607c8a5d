"""Counting SQL statements, to hold lists and traversals to their number."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import Pool


class Statements:
    """The statements seen so far, in order."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def count(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        """What a failing assertion shows: each statement on a line."""
        return "\n".join((f"{self.count} statements:", *(" ".join(text.split()) for text in self.texts)))


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """What this thread sends to the database inside the block: commands and reads, through SQLAlchemy or past it.

    Counted at the driver's cursor. BEGIN, COMMIT and ROLLBACK are no statements here; an ``executemany`` is one.
    """
    seen, thread = Statements(), threading.get_ident()

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            _note(query)
            return super().execute(query, *args, **kwargs)

        def executemany(self, query: Any, *args: Any, **kwargs: Any) -> None:
            _note(query)
            super().executemany(query, *args, **kwargs)

    def _note(query: Any) -> None:
        if threading.get_ident() == thread:
            seen.texts.append(str(query))

    def lend(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.cursor_factory = Counting

    def take_back(connection: Any, _record: Any) -> None:
        if connection is not None:
            connection.cursor_factory = psycopg.Cursor

    event.listen(Pool, "checkout", lend)
    event.listen(Pool, "checkin", take_back)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", lend)
        event.remove(Pool, "checkin", take_back)
