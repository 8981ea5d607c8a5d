"""Stored objects follow their transaction: what is not committed is deleted again.

A storage backend takes part in no transaction, so an object is written before the row that names it is committed,
and is deleted when the transaction, or the savepoint within it, ends in any other way. Two cases leave an object
that no row names, for periodic clean-up to find: a process that dies between the two, and a COMMIT whose outcome
nobody knows because the connection broke. There the object stays, since a row that lacks its object is worse.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from lms_core.files.storage import Storage, StorageUnavailable

_WATCH = "lms.files.rollback"


@dataclass(slots=True)
class _Object:
    storage: Storage
    key: str
    transaction: SessionTransaction | None
    """The innermost transaction that it would go down with."""


class _Watch:
    """The objects that a session's open transactions have stored; one per session, in ``session.info``."""

    def __init__(self, db: Session) -> None:
        self.objects: list[_Object] = []
        # Before as well as after: once COMMIT is sent, a failure does not say what became of it.
        event.listen(db, "before_commit", self._commit)
        event.listen(db, "after_commit", self._commit)
        event.listen(db, "after_transaction_end", self._end)

    def _commit(self, db: Session) -> None:
        """A savepoint's objects become its parent's, the outermost transaction's are let go."""
        committing = _current(db)
        for item in self.objects:
            if item.transaction is committing:
                item.transaction = committing.parent if committing is not None else None
        self.objects = [item for item in self.objects if item.transaction is not None]

    def _end(self, _db: Session, transaction: SessionTransaction) -> None:
        for item in [item for item in self.objects if item.transaction is transaction]:
            self.objects.remove(item)
            try:
                item.storage.delete(item.key)
            except StorageUnavailable:
                structlog.get_logger("lms.files").exception("stored_object_orphaned", key=item.key)


def _current(db: Session) -> SessionTransaction | None:
    return db.get_nested_transaction() or db.get_transaction()


def delete_on_rollback(db: Session, storage: Storage, key: str) -> None:
    """Tie a stored object to the session's open transaction; there must be one."""
    watch = db.info.get(_WATCH)
    if watch is None:
        watch = db.info[_WATCH] = _Watch(db)
    watch.objects.append(_Object(storage, key, _current(db)))
