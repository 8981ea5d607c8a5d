"""Reading a file that may be moved to another backend meanwhile."""

import io
from typing import Any, BinaryIO

import structlog

from lms_core.files import queries
from lms_core.files.storage import Storages, StorageUnavailable
from lms_core.kernel.core import Core


def open_file(core: Core, storages: Storages, row: Any) -> BinaryIO:
    """The content of a ``file_uploads`` row (``id``, ``storage_provider``, ``storage_path``), seekable.

    Where the object is not there any more, the row says where it is now, also in the middle of reading. Raises 503
    ``storage_unavailable``, here and while it is read, and logs which file it is of.
    """
    return io.BufferedReader(_Following(core, storages, row))


def has_content(core: Core, storages: Storages, row: Any) -> bool:
    """Whether the object of a row is there, or where the file is by now. Raises 503 ``storage_unavailable``."""
    place: tuple[str, str] | None = (row.storage_provider, row.storage_path)
    tried = None
    while place is not None and place != tried:
        if storages.of(place[0]).exists(place[1]):
            return True
        tried = place
        with core.reader() as connection:
            place = queries.place_of(connection, row.id)
    return False


class _Following(io.RawIOBase):
    """A stream that follows its file."""

    def __init__(self, core: Core, storages: Storages, row: Any) -> None:
        self._core, self._storages, self._id = core, storages, row.id
        self._place, self._position = (row.storage_provider, row.storage_path), 0
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
        provider, key = self._place
        return self._storages.of(provider).open(key)

    def _follow(self, failure: Exception) -> BinaryIO:
        """The object where the row says that it is now; what failed is raised where that is the same place."""
        while True:
            with self._core.reader() as connection:
                place = queries.place_of(connection, self._id)
            if place is None or place == self._place:
                told = failure.__cause__ if isinstance(failure, StorageUnavailable) else failure
                log = structlog.get_logger("lms.files")
                log.error("file_unreadable", file=str(self._id), provider=self._place[0], reason=repr(told))
                raise StorageUnavailable from told
            self._place = place
            try:
                return self._open()
            except StorageUnavailable as error:
                failure = error
