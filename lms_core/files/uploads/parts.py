"""The parts of an upload: objects of the storage backend, written as bytes come in and read as one in the end."""

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import delete
from sqlalchemy.orm import Session

from lms_core.files.models import UploadPart
from lms_core.files.service import drop_objects
from lms_core.files.storage import Readable, Storage, Storages, StorageUnavailable, new_key
from lms_core.files.uploads import queries
from lms_core.files.uploads.locks import Held
from lms_core.kernel.bodies import PIECE
from lms_core.kernel.core import Core
from lms_core.kernel.errors import LMSError

PART = 16 << 20
"""Bytes of a part: what is lost at most where a process is killed."""
SMALL = 1 << 20
"""A part of fewer bytes is taken into the next one, so that many small requests do not make many parts."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where files go: ``storages`` knows all backends, ``storage`` takes what is new; ``scan`` as for files."""

    storages: Storages
    storage: Storage
    scan: bool


@dataclass(frozen=True, slots=True)
class _Written:
    """A part that is stored and not yet recorded; it holds what ``replaced`` held as well."""

    key: str
    start: int
    size: int
    replaced: Any


class PartWriter:
    """The parts that one request writes."""

    def __init__(self, core: Core, place: Place, held: Held) -> None:
        self.end = held.received
        """How far the upload is with what is stored, recorded or not."""
        self.failure: LMSError | None = None
        """Why the stream ended, where it did not end well."""
        self._core, self._place, self._held = core, place, held
        self._waiting: list[_Written] = []
        with core.transaction() as db:
            self._last = queries.last_part(db, held.row.id)

    def write_part(self, incoming: Readable) -> bool:
        """Store the next part; whether there may be another."""
        before = self._last if self._last is not None and self._last.size < SMALL else None
        room = min(PART - (before.size if before is not None else 0), self._held.row.length - self.end)
        source = _Bounded(incoming, room)
        first = source.read(PIECE)
        if first:
            self._store(before, _Joined(io.BytesIO(first), source))
        self.failure = source.failure
        return bool(first) and source.failure is None

    def _store(self, before: Any, rest: Readable) -> None:
        storage, key = self._place.storage, new_key()
        if before is None:
            size, start = storage.put(key, rest).size, self.end
        else:
            with self._place.storages.of(before.storage_provider).open(before.storage_path) as beginning:
                size, start = storage.put(key, _Joined(beginning, rest)).size, before.start
        self._waiting.append(_Written(key, start, size, before))
        self._last = UploadPart(start=start, size=size, storage_provider=storage.name, storage_path=key)
        self.end = start + size

    def record(self) -> None:
        """Let what is stored count."""
        if not self._waiting:
            return
        with self._core.transaction() as db:
            self._held.change(db, received=self.end)
            for part in self._waiting:
                self._replace(db, part)
        self._held.received, self._waiting = self.end, []

    def _replace(self, db: Session, part: _Written) -> None:
        if part.replaced is not None:
            of = (UploadPart.upload_id == self._held.row.id, UploadPart.start == part.start)
            db.execute(delete(UploadPart).where(*of))
            drop_objects(db, [part.replaced])
        row = UploadPart(start=part.start, size=part.size, storage_path=part.key)
        row.upload_id, row.storage_provider = self._held.row.id, self._place.storage.name
        db.add(row)
        db.flush()

    def forget(self) -> None:
        """Delete what was stored and does not count."""
        for part in self._waiting:
            with suppress(StorageUnavailable):
                self._place.storage.delete(part.key)


class _Bounded:
    """At most so many bytes of a stream. Where it fails, it ends, and the reason is kept."""

    def __init__(self, stream: Readable, most: int) -> None:
        self.failure: LMSError | None = None
        self._stream, self._left = stream, most

    def read(self, size: int, /) -> bytes:
        if not self._left or self.failure is not None:
            return b""
        try:
            chunk = self._stream.read(min(size, PIECE, self._left))
        except LMSError as error:
            self.failure = error
            return b""
        self._left -= len(chunk)
        return chunk


class _Joined:
    """Streams one after the other."""

    def __init__(self, *streams: Readable) -> None:
        self._streams = list(streams)

    def read(self, size: int, /) -> bytes:
        while self._streams:
            if chunk := self._streams[0].read(size):
                return chunk
            del self._streams[0]
        return b""


class PartReader:
    """The parts of an upload, read as one stream."""

    def __init__(self, storages: Storages, parts: Sequence[Any]) -> None:
        self._storages, self._parts = storages, list(parts)
        self._open: BinaryIO | None = None

    def __enter__(self) -> "PartReader":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._open is not None:
            self._open.close()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._open is None:
                if not self._parts:
                    return b""
                part = self._parts.pop(0)
                self._open = self._storages.of(part.storage_provider).open(part.storage_path)
            if chunk := self._open.read(size):
                return chunk
            self._open.close()
            self._open = None
