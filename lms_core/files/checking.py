"""Whether every row has its object and every object its row, and what becomes of objects that have none.

An object is stored before its row is committed, so one without a row may be one of a moment ago. Only what is older
than ``lms.storage.orphan_age`` is an orphan, and each is asked for once more, under its lock, before it is removed.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from lms_core.files.moving import receipt_of
from lms_core.files.objects import NamedObject, holdings, named_object, named_objects, object_locks
from lms_core.files.storage import Storage, Storages, StorageUnavailable, StoredObject, is_storage_key
from lms_core.kernel.core import Core
from lms_core.kernel.tasks import TaskContext

SUSPICIOUS = 100, 10
"""More orphans than this many, and than one in this many objects, are no accident: then nothing is removed unasked."""
MOST = 100_000
"""Orphans that are remembered in one run; the next one finds the others."""


@dataclass(slots=True)
class Checked:
    """What a look through one backend has found."""

    objects: int = 0
    missing: list[NamedObject] = field(default_factory=list)
    damaged: list[tuple[NamedObject, str]] = field(default_factory=list)
    orphans: list[StoredObject] = field(default_factory=list)
    """Objects that no row names, old enough to be removed; :data:`MOST` of them."""
    young: int = 0
    """Objects that no row names yet."""


Tell = Callable[[], None]
_Pair = tuple[NamedObject | None, StoredObject | None]


def check(core: Core, storage: Storage, *, content: bool = False, tell: Tell = lambda: None) -> Checked:
    """Compare the rows that name a backend with what it holds; ``content`` reads every object, too.

    ``tell`` is called for each object and row. Raises StorageUnavailable.
    """
    found = Checked()
    for row, stored in _pairs(core, storage, found):
        tell()
        if row is not None and not row.deleted:
            _compare(core, storage, row, stored, found, content=content)
    return found


def find_orphans(core: Core, storage: Storage) -> Checked:
    """What no row names, without a look at what rows do name. Raises StorageUnavailable."""
    found = Checked()
    for _pair in _pairs(core, storage, found):
        pass
    return found


def _pairs(core: Core, storage: Storage, found: Checked) -> Iterator[_Pair]:
    """Each row with its object, and each without the other; objects are counted, and judged where no row names them."""
    before = core.clock() - orphan_age(core)
    with core.reader() as connection:
        for row, stored in _side_by_side(named_objects(connection, storage.name), storage.objects()):
            if stored is not None:
                found.objects += 1
                if row is None:
                    _judge(found, stored, before)
            yield row, stored


def _judge(found: Checked, stored: StoredObject, before: dt.datetime) -> None:
    if stored.stored_at >= before:
        found.young += 1
    elif len(found.orphans) < MOST:
        found.orphans.append(stored)


def _compare(
    core: Core, storage: Storage, row: NamedObject, stored: StoredObject | None, found: Checked, *, content: bool
) -> None:
    """A row with its object; what looks wrong is looked at once more, for much can happen during a long listing."""
    if stored is None:
        if not (is_storage_key(row.key) and storage.exists(row.key)) and _still_named(core, storage, row):
            found.missing.append(row)
        return
    if row.size not in (None, stored.size):
        if _still_named(core, storage, row):
            found.damaged.append((row, f"has {stored.size} bytes instead of {row.size}"))
        return
    if content and row.checksum is not None:
        try:
            damaged = receipt_of(storage, row.key).sha256 != row.checksum
        except StorageUnavailable:
            if storage.exists(row.key):
                raise
            return  # Moved or removed since it was listed.
        if damaged:
            found.damaged.append((row, "does not have the checksum of its row"))


def _still_named(core: Core, storage: Storage, row: NamedObject) -> bool:
    with core.reader() as connection:
        now = named_object(connection, storage.name, row.key)
    return now is not None and not now.deleted


def remove_orphans(core: Core, storage: Storage, orphans: list[StoredObject]) -> int:
    """Remove objects that no row names; answers how many. Raises StorageUnavailable."""
    removed = 0
    with object_locks(core) as locks:
        for each in orphans:
            with locks.hold(each.key) as ours:
                removed += ours and locks.remove_unless_named(storage, each.key)
    return removed


def orphan_age(core: Core) -> dt.timedelta:
    return dt.timedelta(seconds=core.settings.seconds("lms.storage.orphan_age"))


def remove_leftovers(context: TaskContext) -> None:
    """Periodic: remove what crashed uploads have left in each backend that is in use, finished objects and halves."""
    storages: Storages = context.registry.storages
    with context.core.reader() as connection:
        used = {each.provider for each in holdings(connection)} | {context.registry.storage.name}
    for provider in sorted(used):
        log = structlog.get_logger("lms.files").bind(provider=provider)
        try:
            _remove_leftovers(context.core, storages.of(provider), log)
        except StorageUnavailable as error:
            log.warning("leftovers_not_removed", reason=repr(error.__cause__))


def _remove_leftovers(core: Core, storage: Storage, log: Any) -> None:
    swept = storage.sweep(core.clock() - orphan_age(core))
    found = find_orphans(core, storage)
    most, share = SUSPICIOUS
    if len(found.orphans) > max(most, found.objects // share):
        # Another installation's place, or a database restored from before these files: a person has to look.
        log.error("orphans_suspicious", orphans=len(found.orphans), objects=found.objects)
        return
    removed = remove_orphans(core, storage, found.orphans)
    log.info("leftovers_removed", unfinished=swept, orphans=removed)


def _side_by_side(rows: Iterator[NamedObject], objects: Iterator[StoredObject]) -> Iterator[_Pair]:
    """Both in the order of their keys: each row with its object, or with None, and each object without a row."""
    row, stored = next(rows, None), next(objects, None)
    while row is not None or stored is not None:
        if stored is None or (row is not None and row.key < stored.key):
            yield row, None
            row = next(rows, None)
        elif row is None or stored.key < row.key:
            yield None, stored
            stored = next(objects, None)
        else:
            yield row, stored
            row, stored = next(rows, None), next(objects, None)
