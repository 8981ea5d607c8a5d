"""Reading an object that may be moved to another backend meanwhile."""

import io
from typing import Any, BinaryIO

import structlog

from lms_core.files.objects import providers_of
from lms_core.files.storage import Storages, StorageUnavailable
from lms_core.kernel.core import Core


def open_file(core: Core, storages: Storages, row: Any) -> BinaryIO:
    """The content of a row with ``id``, ``storage_provider`` and ``storage_path``, seekable.

    Where the object is not there any more, its row says where it is now, also in the middle of reading. Raises 503
    ``storage_unavailable``, here and while it is read, and logs which file it is of.
    """
    return io.BufferedReader(_Following(core, storages, row))


def has_content(core: Core, storages: Storages, row: Any) -> bool:
    """Whether the object of a row is there, or where it is by now. Raises 503 ``storage_unavailable``."""
    provider: str | None = row.storage_provider
    while provider is not None:
        if storages.of(provider).exists(row.storage_path):
            return True
        provider = _elsewhere(core, storages, row.storage_path, provider)
    return False


def _elsewhere(core: Core, storages: Storages, key: str, tried: str) -> str | None:
    """The backend that an object is in now, where that is another than the one that was tried."""
    with core.reader() as connection:
        now = providers_of(connection, [*storages.names, tried], key)
    return None if tried in now else next(iter(now), None)


class _Following(io.RawIOBase):
    """A stream that follows its object."""

    def __init__(self, core: Core, storages: Storages, row: Any) -> None:
        self._core, self._storages, self._id, self._key = core, storages, row.id, row.storage_path
        self._provider, self._position = row.storage_provider, 0
        self._stream: BinaryIO = io.BytesIO()  # To be closed, whatever comes of the opening.
        try:
            self._stream = self._open()
        except StorageUnavailable as error:
            self._stream = self._follow(error)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = self._stream.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # Typeshed has no name.
        while True:
            try:
                chunk = self._stream.read(len(buffer))
                break
            except (StorageUnavailable, OSError) as error:
                self._stream.close()
                self._stream = self._follow(error)
                self._stream.seek(self._position)
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _open(self) -> BinaryIO:
        return self._storages.of(self._provider).open(self._key)

    def _follow(self, failure: Exception) -> BinaryIO:
        """The object where its row says that it is now; what failed is raised where that is the same place."""
        while True:
            provider = _elsewhere(self._core, self._storages, self._key, self._provider)
            if provider is None:
                told = failure.__cause__ if isinstance(failure, StorageUnavailable) else failure
                log = structlog.get_logger("lms.files")
                log.error("file_unreadable", file=str(self._id), provider=self._provider, reason=repr(told))
                raise StorageUnavailable from told
            self._provider = provider
            try:
                return self._open()
            except StorageUnavailable as error:
                failure = error
