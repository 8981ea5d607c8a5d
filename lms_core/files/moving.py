"""Moving files from one storage backend to another, while people go on using them.

An object is copied under the key that it has, read back and compared; then its row names the new backend; then the old
object is removed. Whoever is killed between two of these steps leaves either a copy that the next run makes anew, or an
old object that no row names any more, which the next run removes: nothing is lost and nothing stays twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from lms_core.files.objects import NamedObject, ObjectLocks, batches, named_among, named_objects, object_locks
from lms_core.files.storage import IncomingStream, Storage, StorageUnavailable, Stored
from lms_core.kernel.core import Core

GIVE_UP_AFTER = 5
"""Failures in a row of a backend after which it is taken to be down."""


class Unmovable(Exception):
    """Why one object stays where it is; the message is for people."""


@dataclass(slots=True)
class Moved:
    """What became of a run."""

    files: int = 0
    bytes: int = 0
    removed: int = 0
    """Objects that an earlier run had copied and not removed."""
    busy: int = 0
    """Objects that somebody else is moving or removing."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """The name of each file that could not be moved, with its key, and why."""
    gave_up: bool = False
    """Whether a backend was down, so that the rest was not tried."""


Tell = Callable[[NamedObject], None]


class Move:
    """One run."""

    def __init__(self, core: Core, source: Storage, target: Storage) -> None:
        self._core, self._source, self._target = core, source, target
        self.done = Moved()
        self._failures = 0

    def run(self, tell: Tell = lambda _done: None) -> Moved:
        """Move everything that is at the source now; ``tell`` hears of each object that was tried.

        May be interrupted at any point, and run again; several runs at once share the work.
        """
        with object_locks(self._core) as locks, self._core.reader() as connection:
            for item in named_objects(connection, self._source.name):
                self._try(locks, item)
                tell(item)
                if self._failures == GIVE_UP_AFTER:
                    self.done.gave_up = True
                    return self.done
            try:
                self._tidy(locks)
            except StorageUnavailable as error:
                self.done.failed.append((f"what is left in {self._source.name}", f"{error.__cause__ or error}"))
        return self.done

    def _try(self, locks: ObjectLocks, item: NamedObject) -> None:
        try:
            with locks.hold(item.key) as ours:
                if ours:
                    self._move(locks, item.key)
                else:
                    self.done.busy += 1
            self._failures = 0
        except Unmovable as error:
            self.done.failed.append((f"{item.name} ({item.key})", str(error)))
        except StorageUnavailable as error:
            self._failures += 1
            self.done.failed.append((f"{item.name} ({item.key})", f"{error.__cause__ or error}"))

    def _move(self, locks: ObjectLocks, key: str) -> None:
        item = locks.named(self._source.name, key)
        if item is None:  # Moved or deleted since it was listed.
            return
        if not self._source.exists(key):
            if not item.deleted:
                raise Unmovable(f"the object is not in {self._source.name}")
            return
        try:
            copied = self._copy(item)
        except BaseException:
            self._undo(locks, key)
            raise
        if not locks.rename(key, self._source.name, self._target.name):
            self._undo(locks, key)
            return
        self.done.files += 1
        self.done.bytes += copied.size
        # Asked once more, on the connection that holds the lock: without it, somebody may be moving it back.
        locks.remove_unless_named(self._source, key)

    def _copy(self, item: NamedObject) -> Stored:
        """The copy, compared with what was read, with what it is now, and with what the row says of it."""
        with self._source.open(item.key) as stream:
            copied = self._target.put(item.key, stream)
        if item.checksum not in (None, copied.sha256):
            raise Unmovable(f"the object in {self._source.name} is damaged: it does not have the checksum of its row")
        if receipt_of(self._target, item.key) != copied:
            raise Unmovable(f"the copy in {self._target.name} is not what was sent")
        return copied

    def _undo(self, locks: ObjectLocks, key: str) -> None:
        """Remove a copy that came to nothing; one that cannot be removed now is an orphan, for the periodic task."""
        try:
            locks.remove_unless_named(self._target, key)
        except StorageUnavailable:
            return

    def _tidy(self, locks: ObjectLocks) -> None:
        """Remove from the source what its rows have left, because a run ended between the two steps."""
        for keys in batches(each.key for each in self._source.objects()):
            with self._core.reader() as connection:
                left = named_among(connection, [self._target.name], keys)
            for key in sorted(left):
                with locks.hold(key) as ours:
                    if ours and locks.named(self._target.name, key) and locks.remove_unless_named(self._source, key):
                        self.done.removed += 1


def receipt_of(storage: Storage, key: str) -> Stored:
    """Size and checksum of an object, read from its first to its last byte. Raises StorageUnavailable."""
    with storage.open(key) as stream:
        incoming = IncomingStream(stream)
        while incoming.read():
            pass
        return incoming.stored
