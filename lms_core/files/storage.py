"""Where the bytes of uploads rest: what every storage backend does, and the one on this machine's disk.

A backend knows objects by keys that :func:`new_key` makes up. No part of a key, and so no part of a path, comes from
outside. ``registry.storage`` is the backend that new files go to; :func:`make_storage` is where it is chosen.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol

from lms_core.kernel.errors import Unavailable
from lms_core.kernel.i18n import _
from lms_core.settings import Settings, SettingsError

CHUNK = 1 << 18
"""Bytes that are held in memory at a time."""

_KEY = re.compile(r"[0-9a-f]{32}")


class StorageUnavailable(Unavailable):
    """The backend is down, is full, or has lost an object."""

    code = "storage_unavailable"

    def __init__(self) -> None:
        super().__init__(detail=_("The file storage is not available right now."), retry_after=30)


class Readable(Protocol):
    """All that is asked of what comes in: the next bytes, at most ``size``; none at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """The receipt of an object: its size in bytes, and its SHA-256 in lower-case hex."""

    size: int
    sha256: str


class Storage(Protocol):
    """A place for immutable objects. Every method raises :class:`StorageUnavailable` where the backend fails."""

    name: str
    """What ``file_uploads.storage_provider`` says of the objects that are here."""

    def put(self, key: str, stream: Readable) -> Stored:
        """Store a new object; once this returns it is durable. What the stream raises passes, and nothing is left."""

    def open(self, key: str) -> BinaryIO:
        """The object from its start, seekable; the caller closes it."""

    def delete(self, key: str) -> None:
        """Remove the object. Removing what isn't there is no error."""

    def exists(self, key: str) -> bool:
        """Whether the object is there, whole."""


def new_key() -> str:
    """A key that no object has."""
    return uuid.uuid4().hex


class LocalStorage:
    """Objects as files below ``root``, fanned out over 256 folders by the first two digits of their key.

    An object is written aside, synced and renamed into place, so that there is never half of one. A process that is
    killed while it writes leaves its draft in ``incoming/``.
    """

    name = "local"

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, stream: Readable) -> Stored:
        path, draft = self._path(key), self._root / "incoming" / key
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.parent.mkdir(exist_ok=True)
            stored = _write(draft, stream)
            path.parent.mkdir(exist_ok=True)
            draft.rename(path)
            _sync(path.parent)
            _sync(self._root)
        except BaseException as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise StorageUnavailable from error
            raise
        return stored

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except OSError as error:
            raise StorageUnavailable from error

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnavailable from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a storage key")
        return self._root / key[:2] / key


def _write(path: Path, stream: Readable) -> Stored:
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Stored(size, digest.hexdigest())


def _sync(folder: Path) -> None:
    """A rename is durable only once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_BACKENDS: Mapping[str, Callable[[Settings], Storage]] = MappingProxyType(
    {"local": lambda settings: LocalStorage(settings.data / "files")}
)


def make_storage(settings: Settings) -> Storage:
    """The backend that ``lms.storage.backend`` names. Raises SettingsError for one that isn't there."""
    name = settings.text("lms.storage.backend")
    if name not in _BACKENDS:
        raise SettingsError(f"lms.storage.backend: no storage backend is named {name}")
    return _BACKENDS[name](settings)
