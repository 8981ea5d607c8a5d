"""Which rows name which stored objects: those of ``file_uploads``, and of any table with the same two columns.

``storage_provider`` names the backend and ``storage_path`` the key; an index over both is needed. Both may be null, of
what has no object yet. Whoever moves an object, or removes one, holds its lock, and asks and changes rows on the
connection that holds it: where that is lost, so is the lock, and nothing more is answered or changed.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Table,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)

from lms_core.files.storage import Storage
from lms_core.kernel.core import Core
from lms_core.kernel.db import Base

BATCH = 500


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object as its rows know it. ``name`` is for people; size and checksum are None where no row tells them."""

    key: str
    name: str
    size: int | None
    checksum: str | None
    deleted: bool
    """Whether every row that names it is deleted, so that nobody misses it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of a backend is named: rows and the bytes that they tell."""

    provider: str
    rows: int
    bytes: int


def holdings(connection: Connection) -> list[Holding]:
    """What each backend that a row names holds, by name."""
    each = union_all(*(
        select(table.c.storage_provider.label("provider"), _size(table).label("size"))
        .where(table.c.storage_provider.is_not(None))
        for table in _tables()
    )).subquery()  # fmt: skip
    statement = (
        select(each.c.provider, func.count(), cast(func.coalesce(func.sum(each.c.size), 0), BigInteger))
        .group_by(each.c.provider)
        .order_by(each.c.provider)
    )
    return [Holding(*row) for row in connection.execute(statement)]


def named_objects(connection: Connection, provider: str) -> Iterator[NamedObject]:
    """Every object of a backend that a row names, in the order of the keys, read in batches."""
    after = ""
    while batch := _read(connection, provider, partial(operator.lt, after)):
        yield from batch
        after = batch[-1].key


def named_object(connection: Connection, provider: str, key: str) -> NamedObject | None:
    """What the rows know of an object of a backend, or None where none names it."""
    return next(iter(_read(connection, provider, partial(operator.eq, key))), None)


def providers_of(connection: Connection, providers: Sequence[str], key: str) -> list[str]:
    """Those of the backends that a row says the object is in."""
    found: set[str] = set()
    for table in _tables():
        provider = table.c.storage_provider
        named = select(provider).where(provider.in_(providers), table.c.storage_path == key)
        found |= set(connection.scalars(named))
    return sorted(found)


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys, some at a time."""
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch


def named_among(connection: Connection, providers: Sequence[str], keys: Sequence[str]) -> set[str]:
    """Those of the keys that a row names in one of the backends."""
    found: set[str] = set()
    for table in _tables():
        path = table.c.storage_path
        found |= set(connection.scalars(select(path).where(table.c.storage_provider.in_(providers), path.in_(keys))))
    return found


@contextmanager
def object_locks(core: Core) -> "Iterator[ObjectLocks]":
    """Locks on a connection of their own, which is closed with the block: so no lock outlives it."""
    connection = core.engine.connect()
    try:
        yield ObjectLocks(connection)
    finally:
        connection.invalidate()
        connection.close()


class ObjectLocks:
    """Locks of objects by their keys, whichever backend they are in, and what is done while one is held."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def hold(self, key: str) -> Iterator[bool]:
        """Whether the lock is ours for the block; where it is somebody else's, they are seeing to the object."""
        held = self._ask("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))", key)
        try:
            yield held
        finally:
            # Where the connection is lost, so is the lock; and what went wrong is not to be hidden.
            if held and not self._connection.invalidated:
                self._ask("SELECT pg_advisory_unlock(hashtextextended(:key, 0))", key)

    def named(self, provider: str, key: str) -> NamedObject | None:
        """What the rows know of an object of a backend, or None where none names it."""
        with self._connection.begin():
            return named_object(self._connection, provider, key)

    def rename(self, key: str, source: str, target: str) -> bool:
        """Have every row that names an object of one backend name that of another; whether any did."""
        with self._connection.begin():
            changed = [
                self._connection.execute(
                    update(table)
                    .where(table.c.storage_provider == source, table.c.storage_path == key)
                    .values(storage_provider=target)
                ).rowcount
                for table in _tables()
            ]
        return any(changed)

    def remove_unless_named(self, storage: Storage, key: str) -> bool:
        """Remove an object, unless a row names it there; whether it did. Raises StorageUnavailable."""
        if self.named(storage.name, key) is not None:
            return False
        storage.delete(key)
        return True

    def _ask(self, statement: str, key: str) -> bool:
        with self._connection.begin():
            return bool(self._connection.execute(text(statement), {"key": f"lms.files.object {key}"}).scalar_one())


def _tables() -> list[Table]:
    columns = {"storage_provider", "storage_path"}
    return [table for table in Base.metadata.sorted_tables if columns <= set(table.c.keys())]


def _column(table: Table, name: str, kind: Any) -> ColumnElement[Any]:
    return table.c[name] if name in table.c else cast(null(), kind)


def _size(table: Table) -> ColumnElement[Any]:
    return _column(table, "file_size" if "file_size" in table.c else "size", BigInteger)


def _read(connection: Connection, provider: str, which: Callable[[Any], Any]) -> list[NamedObject]:
    """The first objects of a backend whose path ``which`` holds for, in order: a row of every table may name one."""
    parts = []
    for table in _tables():
        path = table.c.storage_path
        deleted = table.c.deleted_at.is_not(None) if "deleted_at" in table.c else cast(literal(False), Boolean)
        name = func.coalesce(_column(table, "file_name", Text), literal(table.name))
        some = (
            select(
                path.label("key"), name.label("name"), _size(table).label("size"),
                _column(table, "checksum", Text).label("checksum"), deleted.label("deleted"),
            )
            .where(table.c.storage_provider == provider, which(path))
            .order_by(path)
            .limit(BATCH)
        )  # fmt: skip
        parts.append(select(some.subquery()))
    each = union_all(*parts).subquery()
    statement = (
        select(
            each.c.key, func.min(each.c.name), func.min(each.c.size), func.min(each.c.checksum),
            func.bool_and(each.c.deleted),
        )
        .group_by(each.c.key)
        .order_by(each.c.key)
        .limit(BATCH)
    )  # fmt: skip
    return [NamedObject(*row) for row in connection.execute(statement)]
