"""Where the bytes of uploads rest: what every storage backend does, and which ones an installation has.

Backends are plugins (hook ``lms_storage_backends``). ``registry.storage`` is the one that new files go to,
``registry.storages`` knows all of them: a file is read from the backend that its row names, wherever new ones go.

A backend knows objects by keys that :func:`new_key` makes up. No part of a key, and so no part of a path, comes from
outside. Every object is named by a row of ``file_uploads``, or of any other table that has its columns
``storage_provider`` and ``storage_path``: one that no row names is an orphan, and is deleted once it is older than
``lms.storage.orphan_age``.
"""

import datetime as dt
import hashlib
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import structlog

from lms_core.kernel.errors import Unavailable
from lms_core.kernel.i18n import _
from lms_core.settings import Settings, SettingsError

CHUNK = 1 << 18
"""Bytes that are moved at a time."""

_KEY = re.compile(r"[0-9a-f]{32}")


class StorageUnavailable(Unavailable):
    """The backend is down, is full, or has lost an object; what it said is the ``__cause__``."""

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


class IncomingStream:
    """A stream on its way into a backend: counted and hashed while it is read, so that the backend has its receipt."""

    def __init__(self, stream: Readable) -> None:
        self.failure: BaseException | None = None
        """What the stream has raised: not a failure of the backend, whatever its type."""
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        try:
            chunk = self._stream.read(size)
        except BaseException as error:
            self.failure = error
            raise
        self._digest.update(chunk)
        self._size += len(chunk)
        return chunk

    def part(self, size: int) -> bytearray:
        """As many bytes as these, fewer only at the end of the stream."""
        held = bytearray()
        while len(held) < size and (chunk := self.read(min(CHUNK, size - len(held)))):
            held += chunk
        return held

    @property
    def stored(self) -> Stored:
        """The receipt for what was read so far."""
        return Stored(self._size, self._digest.hexdigest())


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that a backend has: its key, its size in bytes, and when it was put there, with a time zone."""

    key: str
    size: int
    stored_at: dt.datetime


class Storage(Protocol):
    """A place for immutable objects.

    Every method raises :class:`StorageUnavailable` where the backend fails, and ValueError for what is no key
    (:func:`check_storage_key`). One instance serves all threads of a process, and is made before the process forks.
    """

    name: str
    """What ``file_uploads.storage_provider`` says of the objects that are here."""

    def put(self, key: str, stream: Readable) -> Stored:
        """Store an object, whole or not at all; once this returns it is durable.

        The stream is of any size, and never held in memory as a whole. What it raises passes, and nothing is left.
        An object that is there already under this key is replaced.
        """

    def open(self, key: str) -> BinaryIO:
        """The object from its start, seekable; the caller closes it."""

    def delete(self, key: str) -> None:
        """Remove the object. Removing what isn't there is no error."""

    def exists(self, key: str) -> bool:
        """Whether the object is there, whole."""

    def objects(self) -> Iterator[StoredObject]:
        """Every object, in the order of the keys; what is not under a key of ours is left out."""

    def sweep(self, before: dt.datetime) -> int:
        """Remove what is left of puts that began before then and never ended; answers of how many."""


@dataclass(frozen=True, slots=True)
class StorageBackend:
    """A kind of storage, as a plugin brings it.

    ``make(settings)`` gives the storage as the settings describe it, and connects to nothing yet. It raises
    SettingsError, in one line that names the key at fault, where they do not describe one or a library is missing.
    """

    name: str
    """What ``lms.storage.backend`` calls it; the storage has the same name."""
    make: Callable[[Settings], Storage]


def new_key() -> str:
    """A key that no object has."""
    return uuid.uuid4().hex


def is_storage_key(text: str) -> bool:
    """Whether :func:`new_key` could have made it."""
    return _KEY.fullmatch(text) is not None


def check_storage_key(key: str) -> str:
    """The key, for a backend to make a path of. Raises ValueError for anything that :func:`new_key` does not make."""
    if not is_storage_key(key):
        raise ValueError(f"{key!r} is not a storage key")
    return key


class Storages:
    """The storage backends of an installation by their names; each is made when it is first asked for."""

    def __init__(self, backends: Iterable[StorageBackend], settings: Settings) -> None:
        """Raises SettingsError for two backends of one name."""
        self._settings = settings
        self._backends: dict[str, StorageBackend] = {}
        self._made: dict[str, Storage] = {}
        self._lock = threading.Lock()
        for backend in backends:
            if backend.name in self._backends:
                raise SettingsError(f"two plugins bring a storage backend named {backend.name}")
            self._backends[backend.name] = backend

    @property
    def names(self) -> tuple[str, ...]:
        """Every backend that is installed, set up or not."""
        return tuple(sorted(self._backends))

    def make(self, name: str) -> Storage:
        """The backend of this name. Raises SettingsError, in one line, where there is none or it is not set up."""
        if name not in self._backends:
            raise SettingsError(f"no storage backend is named {name}; there are {', '.join(self.names) or 'none'}")
        with self._lock:
            if name not in self._made:
                self._made[name] = self._backends[name].make(self._settings)
            return self._made[name]

    def of(self, provider: str) -> Storage:
        """The backend that a row names. Raises :class:`StorageUnavailable`, and logs why, where it is not set up."""
        try:
            return self.make(provider)
        except SettingsError as error:
            structlog.get_logger("lms.files").error("storage_not_set_up", provider=provider, reason=str(error))
            raise StorageUnavailable from error

    def default(self) -> Storage:
        """The backend that new files go to. Raises SettingsError where ``lms.storage.backend`` names none."""
        name = self._settings.text("lms.storage.backend")
        if name not in self._backends:
            raise SettingsError(f"lms.storage.backend: no storage backend is named {name}")
        return self.make(name)
